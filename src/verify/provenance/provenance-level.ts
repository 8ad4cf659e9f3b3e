import { quote } from "../../core/quote.ts";
import type { Signer } from "../../core/signer.ts";
import type { Level, Statement } from "../../core/statement.ts";
import { type Agreement, compareWithCertificate } from "./compare-with-certificate.ts";
import type { Predicate } from "./predicate.ts";

/** A signature over the archive, or a statement about it, whose cryptography, subject and signer were checked. */
export interface VerifiedItem {
  readonly signer: Signer;
  readonly statement?: Statement;
  readonly predicate?: Predicate;
}

export interface LevelRequest {
  /** Only what the policy lets count: an untrusted signer makes no level. */
  readonly verified: readonly VerifiedItem[];
  /** Whether the policy takes a builder with this id for one that makes provenance. */
  readonly builders: (builderId: string) => boolean;
}

export interface ProvenanceLevel {
  readonly level: Exclude<Level, "L3">;
  /** Why it is not the next higher one. One sentence. */
  readonly why: string;
}

/**
 * The level that verified evidence makes. L1 is any signature. L2 is a build provenance by a certificate that confirms its repository, commit, ref and
 * workflow, from a builder that the policy accepts. PEP 740 publish attestations show who uploaded, not how it was built: alone they make L1.
 */
export function provenanceLevel({ verified, builders }: LevelRequest): ProvenanceLevel {
  const [first] = verified;
  if (!first) return { level: "L0", why: "nobody whose signature counts has signed it" };
  const reasons = verified.map((item) => whyNotL2(item, builders));
  if (reasons.includes(undefined)) return { level: "L2", why: `nobody has rebuilt it${claimsReproducible(verified)}` };
  // The reason of what came nearest: a build provenance tells more than a plain signature.
  const nearest = verified.findIndex(({ predicate }) => predicate?.kind === "build");
  return { level: "L1", why: reasons[Math.max(nearest, 0)] ?? "" };
}

function whyNotL2({ signer, statement, predicate }: VerifiedItem, builders: (id: string) => boolean): string | undefined {
  if (!predicate && statement) return `a statement of type ${quote(statement.predicateType)} says nothing of how it was built`;
  if (predicate?.kind !== "build") return "what is signed says nothing of how it was built: that takes a build provenance";
  if (signer.kind !== "sigstore") return "its build provenance is signed with a key, which shows no source repository";
  if (signer.identity.type === "email") return `its build provenance is signed by ${quote(signer.identity.value)}, not by a build system`;
  const agreement = compareWithCertificate(predicate, signer);
  if (!agreement.ok) return agreement.finding.detail;
  if (signer.source.trigger === "pull_request_target") return "it was built by pull_request_target, with code that anybody could propose";
  return whyNotConfirmed(agreement.value) ?? whyNotAccepted(predicate.builderId, agreement.value, builders);
}

function whyNotConfirmed(agreement: Agreement): string | undefined {
  const unproven = (["repository", "commit", "ref", "workflow"] as const).find((claim) => agreement[claim] === "unproven");
  if (unproven) return `the certificate does not confirm the ${unproven} of its build provenance`;
  const unstated = (["repository", "commit"] as const).find((claim) => agreement[claim] === "unstated");
  return unstated && `its build provenance does not name the ${unstated} that the certificate shows`;
}

function whyNotAccepted(builderId: string, agreement: Agreement, builders: (id: string) => boolean): string | undefined {
  return agreement.builderIds.some(builders) ? undefined : `the policy's builders do not include ${quote(builderId)}`;
}

function claimsReproducible(verified: readonly VerifiedItem[]): string {
  const claims = verified.some(({ predicate }) => predicate?.kind === "build" && predicate.reproducible);
  return claims ? ", though it says that anybody could with the same result" : "";
}
