import type { Digests } from "../../core/digest.ts";
import type { Limits } from "../../core/limits.ts";
import type { ManagedKey } from "./managed-key.ts";

/** What a worker is asked. Buffers arrive there as plain byte arrays; a trust root as the text that it can be made from. */
export interface VerificationJob {
  readonly bundle: Uint8Array;
  readonly root: { readonly name: string; readonly source: string; readonly sha256: string; readonly text: Uint8Array };
  readonly digests: Digests;
  readonly keys: readonly ManagedKey[];
  readonly limits: Pick<Limits, "bundleBytes">;
}
