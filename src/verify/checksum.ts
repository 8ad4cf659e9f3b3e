import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type Algorithm, type Checksum, WEAK_ALGORITHMS } from "../core/digest.ts";
import { AssayError } from "../core/errors.ts";
import type { Outcome } from "../core/evidence.ts";
import type { QuarantinedBlob } from "../core/ports/blob-store.ts";
import type { Candidate, Verifier } from "../core/ports/verifier.ts";

/**
 * Every digest claimed for an archive against the computed bytes, and those bytes against what we admitted before.
 * Passes with the claims `strength` (`weak` where SHA-1 or MD5 is all there is), `algorithms` and `claimed_by` of what matched.
 */
export class ChecksumVerifier implements Verifier {
  readonly id = "checksum";

  /** Throws STORE_IO where a further digest must be computed and the quarantined file cannot be read. */
  async verify({ resolution, blob, admittedBefore }: Candidate): Promise<Outcome> {
    if (admittedBefore !== undefined && admittedBefore !== blob.digest) {
      const detail = `expected sha256 ${admittedBefore} (admitted before under this very name and version), got ${blob.digest}`;
      return { kind: "invalid", code: "INTEGRITY_VIOLATION", detail };
    }
    const { claims } = resolution;
    if (claims.length === 0) return { kind: "absent" };
    const computed = await digestsFor(blob, claims);
    const wrong = claims.find((claim) => computed.get(claim.algorithm) !== claim.hex);
    if (wrong) return { kind: "invalid", code: "CHECKSUM_MISMATCH", detail: mismatch(wrong, computed.get(wrong.algorithm) ?? "") };
    const strong = claims.some((claim) => !WEAK_ALGORITHMS.has(claim.algorithm));
    return {
      kind: "pass",
      claims: {
        strength: strong ? "strong" : "weak",
        algorithms: unique(claims.map((claim) => claim.algorithm)),
        claimed_by: unique(claims.map((claim) => claim.claimedBy)),
      },
    };
  }
}

/** Both sides and who claims it, in the words that a refusal shows. */
export function mismatch(claim: Checksum, got: string): string {
  return `expected ${claim.algorithm} ${claim.hex} (claimed by ${claim.claimedBy}), got ${got}`;
}

/** The digests that `claims` need. Those that were not computed while the archive streamed in are computed now, in one read: none is skipped. */
async function digestsFor(blob: QuarantinedBlob, claims: readonly Checksum[]): Promise<ReadonlyMap<Algorithm, string>> {
  const digests = new Map<Algorithm, string>();
  const missing = new Map<Algorithm, ReturnType<typeof createHash>>();
  for (const { algorithm } of claims) {
    const known = blob.digests[algorithm];
    if (known === undefined) missing.set(algorithm, createHash(algorithm));
    else digests.set(algorithm, known);
  }
  if (missing.size > 0) {
    try {
      for await (const chunk of createReadStream(blob.path)) for (const hash of missing.values()) hash.update(chunk as Buffer);
    } catch (error) {
      throw new AssayError("STORE_IO", "an archive in quarantine could not be read", { cause: error });
    }
  }
  for (const [algorithm, hash] of missing) digests.set(algorithm, hash.digest("hex"));
  return digests;
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
