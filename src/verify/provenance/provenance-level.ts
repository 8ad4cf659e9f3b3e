import { quote } from "../../core/quote.ts";
import type { Rebuild, RebuildSource } from "../../core/rebuild.ts";
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
  /** What came of making the archive anew. */
  readonly rebuilds: readonly Rebuild[];
}

export interface ProvenanceLevel {
  readonly level: Level;
  /** Why it is not the next higher one; of L3, what shows it. One sentence. */
  readonly why: string;
}

/**
 * The level that verified evidence makes. L1 is any signature. L2 is a build provenance by a certificate that confirms its repository, commit, ref and
 * workflow, from a builder that the policy accepts. PEP 740 publish attestations show who uploaded, not how it was built: alone they make L1. L3 is such a provenance
 * and a rebuild from its repository and commit that came to the same bytes.
 */
export function provenanceLevel({ verified, builders, rebuilds }: LevelRequest): ProvenanceLevel {
  const [first] = verified;
  if (!first) return { level: "L0", why: "nobody whose signature counts has signed it" };
  const reasons = verified.map((item) => whyNotL2(item, builders));
  const built = verified.filter((_, position) => reasons[position] === undefined);
  if (built.length > 0) return rebuiltLevel(built, rebuilds);
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

/** Of what makes L2. Only a rebuild of the very source that a provenance names says something about that provenance. */
function rebuiltLevel(built: readonly VerifiedItem[], rebuilds: readonly Rebuild[]): ProvenanceLevel {
  const about = built.flatMap((item) => rebuilds.filter(({ source }) => isSourceOf(item, source)).map((rebuild) => ({ item, rebuild })));
  const shown = about.find(({ item, rebuild }) => rebuild.result === "identical" && mayBeL3(item));
  if (shown) return { level: "L3", why: `${rebuiltFrom(shown.rebuild)} came to the same bytes` };
  const [first] = about;
  if (!first) return { level: "L2", why: `nobody has rebuilt it${claimsReproducible(built)}` };
  return { level: "L2", why: whyNotL3(about.findLast(({ rebuild }) => rebuild.result !== "identical")?.rebuild ?? first.rebuild) };
}

function isSourceOf({ signer }: VerifiedItem, { repository, commit }: RebuildSource): boolean {
  return signer.kind === "sigstore" && signer.source.repository === repository && signer.source.commit === commit;
}

/** The AAM specification asks for the claim besides (14.5: `reproducible`, "Required for L3"); the other formats have no such member, or nobody writes it. */
function mayBeL3({ predicate }: VerifiedItem): boolean {
  return predicate?.kind === "build" && (predicate.format !== "uaaps" || predicate.reproducible);
}

function whyNotL3(rebuild: Rebuild): string {
  switch (rebuild.result) {
    case "identical":
      return `${rebuiltFrom(rebuild)} came to the same bytes, but its provenance does not claim to be reproducible`;
    case "same-contents":
      return `${rebuiltFrom(rebuild)} came to the same files in an archive of other bytes`;
    case "differs":
      return rebuild.rebuilt === undefined
        ? `it was only compared with the files of ${sourceText(rebuild)}, and ${rebuild.differencesCount} differ`
        : `${rebuiltFrom(rebuild)} came to something else (${rebuild.differencesCount} ${rebuild.differencesCount === 1 ? "difference" : "differences"})`;
    default:
      return rebuild.result satisfies never;
  }
}

function rebuiltFrom(rebuild: Rebuild): string {
  return `a rebuild from ${sourceText(rebuild)}`;
}

function sourceText({ source: { repository, commit } }: Rebuild): string {
  return `${repository} at ${commit.slice(0, 12)}`;
}

function claimsReproducible(verified: readonly VerifiedItem[]): string {
  const claims = verified.some(({ predicate }) => predicate?.kind === "build" && predicate.reproducible);
  return claims ? ", though it says that anybody could with the same result" : "";
}
