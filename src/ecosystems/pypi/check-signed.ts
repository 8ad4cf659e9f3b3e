import { checkSubject } from "../../core/check-subject.ts";
import { type Finding, found } from "../../core/finding.ts";
import type { Ecosystem } from "../../core/ports/ecosystem.ts";
import { quote } from "../../core/quote.ts";
import { ACCEPTED_PREDICATES } from "./attestations.ts";
import { sameDistribution } from "./distribution-name.ts";
import { checkPublisher, publisherOf } from "./publisher.ts";

const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";

/**
 * PEP 740's own steps, once the cryptography holds: an in-toto v1 statement of an accepted type, with the file as its one subject, by the publisher that the
 * index names. https://packaging.python.org/en/latest/specifications/index-hosted-attestations/#attestation-verification
 */
export const checkSigned: Ecosystem["checkSigned"] = (ref, item, { signer, statement }, digests): Finding | undefined => {
  // An OpenPGP signature is over the archive's own bytes, and a summary names its archive by purl, which its verifier has compared.
  if (item.kind === "openpgp" || item.kind === "vsa") return undefined;
  if (item.kind !== "sigstore" || statement?.type !== STATEMENT_TYPE) {
    return found("STATEMENT_MALFORMED", `expected a statement of type ${STATEMENT_TYPE}, got ${quote(statement?.type ?? "none")}`).finding;
  }
  const { predicateType } = statement;
  if (!ACCEPTED_PREDICATES.has(predicateType)) {
    return found("PREDICATE_UNSUPPORTED", `PEP 740 has no attestations of type ${quote(predicateType)}`).finding;
  }
  const subject = checkSubject(statement, { digests, nameMatches: (name) => sameDistribution(name, ref.file), single: true });
  if (!subject.ok) return subject.finding;
  const named = publisherOf(item.context);
  if (!named) return undefined;
  if (signer.kind !== "sigstore") {
    return found("PUBLISHER_MISMATCH", `the index names a publisher by ${named.kind}, but it is signed by a key, which is nobody's there`)
      .finding;
  }
  const publisher = checkPublisher(named, signer);
  return publisher.ok ? undefined : publisher.finding;
};
