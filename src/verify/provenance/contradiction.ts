import type { Finding } from "../../core/finding.ts";
import type { Signer } from "../../core/signer.ts";
import type { Statement } from "../../core/statement.ts";
import { compareWithCertificate } from "./compare-with-certificate.ts";
import { readPredicate } from "./read-predicate.ts";

/** A statement of a kind that Assay cannot read proves nothing, and one that differs from its certificate is a lie of one of the two. */
export function contradiction({ signer, statement }: { readonly signer: Signer; readonly statement?: Statement }): Finding | undefined {
  if (!statement) return undefined;
  const predicate = readPredicate(statement);
  if (!predicate.ok) return predicate.finding;
  if (signer.kind !== "sigstore") return undefined;
  const agreement = compareWithCertificate(predicate.value, signer);
  return agreement.ok ? undefined : agreement.finding;
}
