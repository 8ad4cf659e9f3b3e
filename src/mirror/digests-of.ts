import { createHash } from "node:crypto";
import type { Algorithm, Digests } from "../core/digest.ts";
import { AssayError } from "../core/errors.ts";
import type { AdmittedBlob, BlobStore } from "../core/ports/blob-store.ts";

const READ_BYTES = 256 * 1024;

/**
 * The digests of what is on disk, SHA-256 and SHA-512 and `algorithms`: an index claims one of them, an attestation may be about another. Throws STORE_CORRUPT where the
 * bytes are no longer those that were admitted, and what reading them throws.
 */
export async function digestsOf(blob: AdmittedBlob, algorithms: readonly Algorithm[], blobs: Pick<BlobStore, "open">): Promise<Digests> {
  const hashes = new Map<Algorithm, ReturnType<typeof createHash>>();
  for (const algorithm of new Set<Algorithm>(["sha256", "sha512", ...algorithms])) hashes.set(algorithm, createHash(algorithm));
  const reader = await blobs.open(blob);
  try {
    const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, blob.sizeBytes));
    for (let position = 0; position < blob.sizeBytes; ) {
      const got = await reader.read(buffer, position);
      if (got === 0) break;
      for (const hash of hashes.values()) hash.update(buffer.subarray(0, got));
      position += got;
    }
  } finally {
    await reader.close();
  }
  const digests = Object.fromEntries([...hashes].map(([algorithm, hash]) => [algorithm, hash.digest("hex")]));
  if (digests["sha256"] === blob.digest) return { ...digests, sha256: blob.digest };
  throw new AssayError(
    "STORE_CORRUPT",
    `an archive in the store is not what was admitted: expected sha256 ${blob.digest}, got ${digests["sha256"]}`,
  );
}
