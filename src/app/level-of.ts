import type { Ruling } from "../policy/decide/decide.ts";
import { provenanceLevel, type VerifiedItem } from "../verify/provenance/provenance-level.ts";
import { readPredicate } from "../verify/provenance/read-predicate.ts";

/** The level that verified signatures and rebuilds make: policy knows whom it lets count, verify knows what they signed. */
export const levelOf: Ruling["levelOf"] = (signatures, accepts, rebuilds) => {
  const verified = signatures.map(({ signer, statement }): VerifiedItem => {
    if (!statement) return { signer };
    const predicate = readPredicate(statement);
    return predicate.ok ? { signer, statement, predicate: predicate.value } : { signer, statement };
  });
  return provenanceLevel({ verified, builders: accepts, rebuilds });
};
