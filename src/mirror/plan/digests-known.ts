import type { Digests } from "../../core/digest.ts";
import type { Admission } from "../../core/verdict.ts";

/**
 * The digests that the bytes of a journal line are known to have, with or without the bytes: the one computed, and those claimed for them, where they were found to
 * meet every claim.
 */
export function digestsKnown({ digest, claims, evidence }: Pick<Admission, "digest" | "claims" | "evidence">): Digests {
  const met = evidence.some(({ verifier, subject, outcome }) => verifier === "checksum" && subject === digest && outcome.kind === "pass");
  return { ...(met ? Object.fromEntries(claims.map(({ algorithm, hex }) => [algorithm, hex])) : {}), sha256: digest };
}
