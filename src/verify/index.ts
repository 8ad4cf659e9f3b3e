import type { Limits } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { Verifier } from "../core/ports/verifier.ts";
import { ArchiveVerifier } from "./archive.ts";
import { ChecksumVerifier } from "./checksum.ts";
import { OpenpgpVerifier, type PinnedKeySource } from "./openpgp.ts";
import type { RegistryKeySource } from "./registry-signature/ask-for-keys.ts";
import { RegistrySignatureVerifier } from "./registry-signature.ts";
import type { ManagedKey } from "./sigstore/managed-key.ts";
import type { TrustRoot } from "./sigstore/trust-root.ts";
import { SigstoreVerifier } from "./sigstore.ts";
import { type MirrorKeys, type VerdictSource, VsaVerifier } from "./vsa.ts";

export interface VerifierOptions {
  readonly limits: Limits;
  readonly log: Log;
  readonly clock: Clock;
  /** Sigstore trust roots by name. Asked for each bundle, so a root that is refreshed counts from the next one on. */
  readonly roots: { get(name: string): TrustRoot | undefined };
  /** OpenPGP keys that the policy in force pins. Asked for where an archive has such a signature. */
  readonly pgpKeys: PinnedKeySource;
  /** Keys of Sigstore bundles without a certificate that the policy in force names. */
  readonly managedKeys: () => readonly ManagedKey[];
  /** Keys that an upstream's registry signs with. Asked for where an archive has something that such a key signed. */
  readonly registryKeys: RegistryKeySource;
  /** Keys of other Assays that the policy in force names, and where their verdicts are. */
  readonly mirrorKeys: MirrorKeys;
  readonly verdicts: VerdictSource;
}

/** Every verifier, one file each. All of them judge every archive that they would look at. Close each when done: some hold worker threads. */
export function createVerifiers(options: VerifierOptions): readonly Verifier[] {
  return [
    new ChecksumVerifier(),
    new ArchiveVerifier(options),
    new SigstoreVerifier(options),
    new OpenpgpVerifier(options),
    new RegistrySignatureVerifier(options),
    new VsaVerifier(options),
  ];
}
