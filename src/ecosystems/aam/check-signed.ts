import type { ArtifactRef } from "../../core/artifact.ts";
import { checkSubject } from "../../core/check-subject.ts";
import { type Finding, found } from "../../core/finding.ts";
import type { Ecosystem } from "../../core/ports/ecosystem.ts";
import { quote } from "../../core/quote.ts";

/** The specification has its own predicate (section 14.5); SLSA's say the same things. */
const ACCEPTED_PREDICATES: ReadonlySet<string> = new Set([
  "https://uaaps.github.io/provenance/v1",
  "https://slsa.dev/provenance/v0.2",
  "https://slsa.dev/provenance/v1",
]);

/**
 * Whether a statement is about this archive: by its name in any of the spellings that tools write, and by SHA-256, which is the digest that the specification
 * knows. A signature over the archive's own bytes needs no more than its cryptography.
 */
export const checkSigned: Ecosystem["checkSigned"] = (ref, item, { statement }, digests): Finding | undefined => {
  if (item.kind === "registry-signature")
    return found("STATEMENT_MALFORMED", "AAM has no signatures over a text of the registry's own").finding;
  if (!statement) return undefined;
  const { predicateType } = statement;
  const called = item.kind === "sigstore" ? item.context?.["predicateType"] : undefined;
  if (called !== undefined && called !== predicateType) {
    return found("PREDICATE_MISMATCH", `the registry calls it ${quote(String(called))}, what is signed is ${quote(predicateType)}`).finding;
  }
  if (item.kind !== "vsa" && !ACCEPTED_PREDICATES.has(predicateType)) {
    return found("PREDICATE_UNSUPPORTED", `AAM has no attestations of type ${quote(predicateType)}`).finding;
  }
  const names = spellings(ref);
  const subject = checkSubject(statement, { digests, nameMatches: (name) => names.includes(name) });
  if (!subject.ok) return subject.finding;
  if (subject.value.digest["sha256"] !== undefined) return undefined;
  return found("SUBJECT_MISMATCH", `the statement has no sha256 of ${quote(subject.value.name)}`).finding;
};

/**
 * `@myorg/tool-1.0.0.aam` as the specification writes it, `myorg--tool-1.0.0.aam` as files are called, `myorg-tool-1.0.0.aam` as the `aam` client calls them.
 * The last could be another package's, `myorg-tool`: the digest decides.
 */
function spellings({ name, version, file }: Pick<ArtifactRef, "name" | "version" | "file">): readonly string[] {
  return [`${name}-${version}.aam`, file, `${name.replace(/^@/, "").replace("/", "-")}-${version}.aam`];
}
