import type { ArtifactRef } from "../../core/artifact.ts";
import { checkSubject } from "../../core/check-subject.ts";
import { type Digests, parseIntegrity, WEAK_ALGORITHMS } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import { type Finding, found } from "../../core/finding.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Ecosystem } from "../../core/ports/ecosystem.ts";
import { quote } from "../../core/quote.ts";
import type { Signer } from "../../core/signer.ts";
import type { Statement } from "../../core/statement.ts";
import { isSubjectName } from "./attestations.ts";
import { checkPublishStatement, PUBLISH_PREDICATE } from "./publish-statement.ts";

const PROVENANCE_PREDICATES: ReadonlySet<string> = new Set(["https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"]);

/**
 * What npm's client checks of an attestation and of a registry's signature, and what it leaves out: that there is one subject only, that the bytes are the
 * ones that were signed and not the packument's word for them, and that what the registry calls an attestation is what it is.
 */
export const checkSigned: Ecosystem["checkSigned"] = (ref, item, { signer, statement }, digests): Finding | undefined => {
  switch (item.kind) {
    case "openpgp": // Over the archive's own bytes.
    case "vsa": // Names its archive by purl, which its verifier has compared.
      return undefined;
    case "registry-signature":
      return checkMessage(ref, item.message, digests);
    case "sigstore":
      if (!statement) return found("STATEMENT_MALFORMED", "an npm attestation must be a statement").finding;
      return checkAttestation(ref, { signer, statement, context: item.context ?? {} }, digests);
    default:
      return item satisfies never;
  }
};

/** A registry signs `name@version:integrity`. */
function checkMessage({ name, version }: ArtifactRef, message: string, digests: Digests): Finding | undefined {
  const about = `${name}@${version}:`;
  if (!message.startsWith(about))
    return found("SUBJECT_MISMATCH", `the registry signed ${quote(message)}, expected ${quote(`${about}…`)}`).finding;
  const claims = claimsIn(message.slice(about.length)).filter(({ algorithm }) => digests[algorithm] !== undefined);
  const wrong = claims.find(({ algorithm, hex }) => hex !== digests[algorithm]);
  if (wrong) {
    return found("SUBJECT_MISMATCH", `the registry signed ${wrong.algorithm} ${wrong.hex}, the archive has ${digests[wrong.algorithm]}`)
      .finding;
  }
  if (claims.some(({ algorithm }) => !WEAK_ALGORITHMS.has(algorithm))) return undefined;
  return found("SUBJECT_MISMATCH", `the registry signed no digest that can be checked: ${quote(message)}`).finding;
}

/** None for text that is no integrity: it then proves nothing. */
function claimsIn(integrity: string): ReturnType<typeof parseIntegrity> {
  try {
    return parseIntegrity(integrity, "the registry's signature");
  } catch (error) {
    if (error instanceof AssayError) return [];
    throw error;
  }
}

interface Attestation {
  readonly signer: Signer;
  readonly statement: Statement;
  readonly context: JsonObject;
}

function checkAttestation(ref: ArtifactRef, { signer, statement, context }: Attestation, digests: Digests): Finding | undefined {
  const { predicateType } = statement;
  const called = context["predicateType"];
  if (called !== predicateType) {
    return found("PREDICATE_MISMATCH", `the registry calls it ${quote(String(called))}, what is signed is ${quote(predicateType)}`).finding;
  }
  const subject = checkSubject(statement, { digests, nameMatches: (name) => isSubjectName(name, ref), single: true });
  if (!subject.ok) return subject.finding;
  if (PROVENANCE_PREDICATES.has(predicateType)) return undefined;
  if (predicateType !== PUBLISH_PREDICATE) {
    return found("PREDICATE_UNSUPPORTED", `npm has no attestations of type ${quote(predicateType)}`).finding;
  }
  // Anybody can get a certificate and state that a registry published something; only the registry has its key.
  if (signer.kind !== "key")
    return found("PREDICATE_MISMATCH", "a publish statement is a registry's to sign, and this one is signed by somebody else").finding;
  return checkPublisher(ref, statement, context);
}

function checkPublisher({ name, version }: ArtifactRef, statement: Statement, { registries }: JsonObject): Finding | undefined {
  let finding: Finding | undefined;
  for (const registry of Array.isArray(registries) ? registries : []) {
    const checked = checkPublishStatement(statement, { name, version, registry: new URL(registry) });
    if (checked.ok) return undefined;
    finding ??= checked.finding;
  }
  return finding ?? found("PREDICATE_MISMATCH", "it is not known which registry could have published it").finding;
}
