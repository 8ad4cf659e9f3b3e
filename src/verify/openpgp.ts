import type { Outcome } from "../core/evidence.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { SignedItem } from "../core/ports/ecosystem.ts";
import type { Candidate, Verifier } from "../core/ports/verifier.ts";
import type { PinnedKey } from "./openpgp/pinned-keys.ts";
import { verifyOpenpgp } from "./openpgp/verify-openpgp.ts";
import { invalid, itemsOf, judgeEach, notAbout, type Outcomes, orAbsent } from "./signed-items.ts";

/** The keys that the policy in force pins. */
export type PinnedKeySource = () => Promise<readonly PinnedKey[]>;

type OpenpgpItem = Extract<SignedItem, { readonly kind: "openpgp" }>;

/**
 * Every detached OpenPGP signature over an archive's bytes, by the keys that the operator pinned. KEY_UNKNOWN is a signature by any other key: nobody
 * vouches for it, which is less than to be wrong. Passes with the signer and the claim `signed_at`, as the signer says (milliseconds since the epoch).
 */
export class OpenpgpVerifier implements Verifier {
  readonly id = "openpgp";
  readonly #keys: PinnedKeySource;
  readonly #clock: Clock;

  constructor({ pgpKeys, clock }: { readonly pgpKeys: PinnedKeySource; readonly clock: Clock }) {
    this.#keys = pgpKeys;
    this.#clock = clock;
  }

  /** Throws STORE_IO where the quarantined file cannot be read, and what `pgpKeys` throws. */
  async verify(candidate: Candidate): Promise<Outcomes> {
    const items = itemsOf("openpgp", candidate.published);
    if (items.length === 0) return [{ kind: "absent" }];
    const keys = await this.#keys();
    return orAbsent(await judgeEach(items, (item) => this.#judge(item, keys, candidate)));
  }

  async #judge(item: OpenpgpItem, keys: readonly PinnedKey[], candidate: Candidate): Promise<Outcome> {
    const { signature } = item;
    const verified = await verifyOpenpgp({ signature, archivePath: candidate.blob.path, keys, now: this.#clock.now() });
    if (!verified.ok) return invalid(verified.finding);
    const { signer, signedAt } = verified.value;
    const finding = notAbout(candidate, item, { signer });
    return finding ? invalid(finding) : { kind: "pass", signer, claims: { signed_at: signedAt } };
  }
}
