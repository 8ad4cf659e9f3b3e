import { LRUCache } from "lru-cache";
import { type ArtifactRef, artifactKey, type EcosystemId } from "../core/artifact.ts";
import type { Asker } from "../core/decision.ts";
import { AssayError, type ErrorCode } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Ecosystem, Repository } from "../core/ports/ecosystem.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { AssessingPolicy } from "../core/ports/policy.ts";
import type { SigningKeys } from "../core/ports/signing-keys.ts";
import { formatPurl } from "../core/purl.ts";
import type { Admission } from "../core/verdict.ts";
import { type AdmittedArchive, makeVsa } from "../verify/vsa/make-vsa.ts";
import { EvidenceUnavailable, questionWithHistory } from "./judge.ts";
import type { Mirror } from "./obtain.ts";

export interface SummariesDeps {
  readonly mirror: Pick<Mirror, "obtain">;
  readonly ecosystems: Readonly<Record<EcosystemId, Pick<Ecosystem, "tags">>>;
  readonly index: Pick<Index, "admission" | "admitted" | "firstSeenAt">;
  readonly policy: AssessingPolicy;
  readonly keys: SigningKeys;
  readonly clock: Clock;
  /** Where clients reach this Assay, as the operator says; undefined for one that is known by its key only. Never a Host header: what is signed is not for clients to choose. */
  readonly publicUrl: string | undefined;
}

/** A summary, or the refusal in its place: what is not served is not vouched for. */
export type Vouched = { readonly kind: "summary"; readonly envelope: Buffer } | { readonly kind: "refused"; readonly admission: Admission };

/** Signed summaries that are kept in memory. One has about 1.5 KiB. */
const KEPT = 2000;

/** In audit mode, without a usable key, or while evidence is missing nothing is signed, which is no reason to show nothing else. */
const NOTHING_SIGNED: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["NOT_FOUND", "CONFIG_INVALID", "UPSTREAM_EVIDENCE"]);

/** What this Assay signs about the archives that it admits, for other verifiers. Made when asked for, by the policy of now; nothing is signed on a hit. */
export class Summaries {
  readonly #deps: SummariesDeps;
  readonly #made = new LRUCache<string, Buffer>({ max: KEPT });

  constructor(deps: SummariesDeps) {
    this.#deps = deps;
  }

  /**
   * The summary of an archive, which comes by the whole road first where it is not held. Throws what `obtain` throws and what `SigningKeys` throws; NOT_FOUND in audit mode.
   */
  async of(repository: Repository, ref: ArtifactRef, asker: Asker): Promise<Vouched> {
    const obtained = await this.#deps.mirror.obtain(repository, ref, asker);
    if (obtained.kind === "refused") return obtained;
    if (obtained.kind === "held") return this.#vouch(repository, obtained.admission);
    const admission = await obtained.flight.admission;
    return admission.verdict.kind === "refuse" ? { kind: "refused", admission } : this.#vouch(repository, admission);
  }

  /** The same for what is held and admitted, without asking anybody; undefined for the rest. To show it beside other evidence tells nobody a verdict over the archive. */
  async ofHeld(repository: Repository, ref: ArtifactRef): Promise<Buffer | undefined> {
    const admitted = await this.#deps.index.admission(ref, { admittedOnly: true });
    if (!admitted) return undefined;
    const newest = await this.#deps.index.admission(ref);
    try {
      // A later check of the same bytes knows more, also where it ended in a refusal.
      const vouched = await this.#vouch(repository, newest?.digest === admitted.digest ? newest : admitted);
      return vouched.kind === "summary" ? vouched.envelope : undefined;
    } catch (error) {
      if (error instanceof AssayError && NOTHING_SIGNED.has(error.code)) return undefined;
      throw error;
    }
  }

  async #vouch(repository: Repository, admission: Admission): Promise<Vouched> {
    const { policy, keys } = this.#deps;
    const deps = { ...this.#deps, ecosystem: this.#deps.ecosystems[repository.ecosystem] };
    const { verdict, level, enforced, policySha256 } = policy.assess(await questionWithHistory(repository, admission, deps));
    if (verdict.kind === "undecided") throw new EvidenceUnavailable(admission, policy.inForce(admission.ref), verdict.detail);
    if (verdict.kind === "refuse") return { kind: "refused", admission: { ...admission, verdict } };
    if (!enforced) {
      throw new AssayError("NOT_FOUND", "the policy here is in audit mode, which admits what it would refuse: nothing is vouched for", {
        help: "set `mode: enforce` in the policy of this mirror",
      });
    }
    const signer = await keys.signer();
    const archive: AdmittedArchive = {
      purl: formatPurl(admission.ref),
      file: admission.ref.file,
      digests: comparedDigests(admission),
      verifiedAt: admission.decidedAt,
      level,
      verifierId: this.#deps.publicUrl === undefined ? `urn:assay:${signer.keyId}` : `${this.#deps.publicUrl}/`,
      policySha256,
    };
    const key = [artifactKey(admission.ref), admission.digest, admission.decidedAt, level, policySha256, signer.keyId].join("\0");
    const envelope = this.#made.get(key) ?? makeVsa(archive, signer);
    this.#made.set(key, envelope);
    return { kind: "summary", envelope };
  }
}

/** SHA-256 as computed; SHA-512 where somebody claimed it, since claims that the bytes do not meet are refused. */
function comparedDigests({ digest, claims, evidence }: Admission): AdmittedArchive["digests"] {
  const isCompared = evidence.some(
    ({ verifier, subject, outcome }) => verifier === "checksum" && subject === digest && outcome.kind === "pass",
  );
  const sha512 = isCompared ? claims.find(({ algorithm }) => algorithm === "sha512")?.hex : undefined;
  return { sha256: digest, ...(sha512 === undefined ? {} : { sha512 }) };
}
