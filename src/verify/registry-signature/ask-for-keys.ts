import { isUpstreamFailure } from "../../core/errors.ts";
import type { Outcome } from "../../core/evidence.ts";
import type { Upstream } from "../../core/ports/upstream-client.ts";
import type { HeldCandidate } from "../../core/ports/verifier.ts";
import type { RegistryKey } from "./registry-keys.ts";

/** The keys that the registry at an upstream signs with. */
export interface RegistryKeySource {
  /** None where it has none. `repository` is the name of the one that mirrors it. */
  keysOf(repository: string, upstream: Upstream): Promise<readonly RegistryKey[]>;
  /** Differs where the keys differ that are known without asking the registry. What a registry says of itself is asked anew each time. */
  fingerprint(upstream: Upstream): string;
}

type Asked =
  | { readonly ok: true; readonly value: readonly RegistryKey[] }
  | { readonly ok: false; readonly outcome: Extract<Outcome, { readonly kind: "unavailable" }> };

/** Without the keys a signature can be neither good nor bad, so an upstream that cannot give them makes it `unavailable`. */
export async function askForKeys(source: RegistryKeySource, { ref, resolution }: HeldCandidate): Promise<Asked> {
  try {
    return { ok: true, value: await source.keysOf(ref.repository, resolution.upstream) };
  } catch (error) {
    if (!isUpstreamFailure(error)) throw error;
    return { ok: false, outcome: { kind: "unavailable", detail: `the registry's keys could not be had: ${error.message}` } };
  }
}
