import type { Outcome } from "../core/evidence.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Upstream } from "../core/ports/upstream-client.ts";
import type { HeldCandidate, RestsOn, TrustingVerifier } from "../core/ports/verifier.ts";
import { askForKeys, type RegistryKeySource } from "./registry-signature/ask-for-keys.ts";
import type { RegistryKey } from "./registry-signature/registry-keys.ts";
import { type RegistrySignature, verifyRegistrySignature } from "./registry-signature/verify-registry-signature.ts";
import { invalid, itemsOf, judgeEach, notAbout, type Outcomes, orAbsent } from "./signed-items.ts";

/**
 * Every signature of a registry's own, as npm's over `name@version:integrity`: by the upstream's keys, and over a text that is about these bytes.
 * Passes with the signer and the claim `message`, the text that was signed.
 */
export class RegistrySignatureVerifier implements TrustingVerifier {
  readonly id = "registry-signature";
  readonly #keys: RegistryKeySource;
  readonly #clock: Clock;

  constructor({ registryKeys, clock }: { readonly registryKeys: RegistryKeySource; readonly clock: Clock }) {
    this.#keys = registryKeys;
    this.#clock = clock;
  }

  /** Throws what `registryKeys` throws, but for an upstream's failures: those are `unavailable`. */
  async verify(candidate: HeldCandidate): Promise<Outcomes> {
    const items = itemsOf("registry-signature", candidate.published);
    if (items.length === 0) return [{ kind: "absent" }];
    const keys = await askForKeys(this.#keys, candidate);
    return orAbsent(await judgeEach(items, async (item) => (keys.ok ? this.#judge(item, keys.value, candidate) : keys.outcome)));
  }

  restsOn(upstream: Upstream): RestsOn {
    const keys = `keys ${this.#keys.fingerprint(upstream)}`;
    return ({ kind }) => (kind === "absent" ? undefined : keys);
  }

  #judge(item: RegistrySignature, keys: readonly RegistryKey[], candidate: HeldCandidate): Outcome {
    const verified = verifyRegistrySignature(item, keys, this.#clock.now());
    if (!verified.ok) return invalid(verified.finding);
    const { signer } = verified.value;
    const finding = notAbout(candidate, item, { signer });
    return finding ? invalid(finding) : { kind: "pass", signer, claims: { message: item.message } };
  }
}
