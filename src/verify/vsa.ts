import { isUpstreamFailure } from "../core/errors.ts";
import type { Evidence, Outcome } from "../core/evidence.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { SignedItem } from "../core/ports/ecosystem.ts";
import type { Candidate, Verifier, Whereabouts } from "../core/ports/verifier.ts";
import { formatPurl } from "../core/purl.ts";
import { invalid, itemsOf, judgeEach, notAbout, type Outcomes, orAbsent } from "./signed-items.ts";
import { verifyVsa } from "./vsa/verify-vsa.ts";
import type { VsaKey } from "./vsa/vsa-key.ts";

/** The keys of other Assays that the policy in force names. */
export interface MirrorKeys {
  /** As the policy names them, whether their files can be read or not. */
  ids(): ReadonlySet<string>;
  /** Throws CONFIG_INVALID where a key file cannot be used. */
  keys(): Promise<readonly VsaKey[]>;
}

/** Another Assay's signed verdict over an archive, from where it serves it; undefined where it has none. Throws what `Documents` throws. */
export type VerdictSource = (about: Pick<Candidate, "ref" | "resolution">) => Promise<Buffer | undefined>;

export interface VsaOptions {
  readonly mirrorKeys: MirrorKeys;
  readonly verdicts: VerdictSource;
  readonly clock: Clock;
}

type SummaryItem = Extract<SignedItem, { readonly kind: "vsa" }>;

const SERVED = "the upstream mirror's verdict";

/**
 * The verdicts of other Assays: beside the archive where the upstream is one, and among an AAM registry's signatures. Only keys that the policy names count, wherever a
 * verdict comes from. Passes with the signer and the claims `level`, `verifier` and `verified_at`, as the other says (milliseconds since the epoch).
 */
export class VsaVerifier implements Verifier {
  readonly id = "vsa";
  readonly #options: VsaOptions;

  constructor(options: VsaOptions) {
    this.#options = options;
  }

  /** New keys make new answers: where nobody looked, where the key was not known, and where it is no longer the one that counts. */
  wouldLook({ ref, upstream }: Whereabouts, seen: readonly Evidence[]): boolean {
    const ids = this.#options.mirrorKeys.ids();
    if (ids.size === 0 || !(upstream.verdicts || ref.ecosystem === "aam")) return false;
    return seen.every(({ outcome }) => {
      if (outcome.kind === "pass") return outcome.signer?.kind !== "vsa" || !ids.has(outcome.signer.keyId);
      return outcome.kind === "invalid" && outcome.code === "KEY_UNKNOWN";
    });
  }

  /** Throws what `keys` throws, and what `verdicts` throws but for an upstream's failures: those are `unavailable`. */
  async verify(candidate: Candidate): Promise<Outcomes> {
    const keys = await this.#options.mirrorKeys.keys();
    // Without a key that counts no verdict can be more than words: nobody is asked for one.
    if (keys.length === 0) return [{ kind: "absent" }];
    const published = await judgeEach(itemsOf("vsa", candidate.published), async (item) => this.#judge(item, keys, candidate));
    const served = candidate.resolution.upstream.verdicts ? await this.#served(keys, candidate) : [];
    return orAbsent([...published, ...served]);
  }

  async #served(keys: readonly VsaKey[], candidate: Candidate): Promise<readonly Outcome[]> {
    try {
      const envelope = await this.#options.verdicts(candidate);
      if (!envelope) return [{ kind: "absent", label: SERVED }];
      return [{ ...this.#judge({ kind: "vsa", label: SERVED, envelope }, keys, candidate), label: SERVED }];
    } catch (error) {
      if (!isUpstreamFailure(error)) throw error;
      return [{ kind: "unavailable", detail: error.message, label: SERVED }];
    }
  }

  #judge(item: SummaryItem, keys: readonly VsaKey[], candidate: Candidate): Outcome {
    const { ref, blob } = candidate;
    const verified = verifyVsa({
      envelope: item.envelope,
      keys,
      purl: formatPurl(ref),
      file: ref.file,
      digests: blob.digests,
      now: this.#options.clock.now(),
    });
    if (!verified.ok) return invalid(verified.finding);
    const { signer, level, verifierId, verifiedAt, statement } = verified.value;
    const finding = notAbout(candidate, item, { signer, statement });
    return finding ? invalid(finding) : { kind: "pass", signer, claims: { level, verifier: verifierId, verified_at: verifiedAt } };
  }
}
