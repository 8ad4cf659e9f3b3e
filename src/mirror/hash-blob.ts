import { createHash } from "node:crypto";
import type { Algorithm } from "../core/digest.ts";
import type { AdmittedBlob, BlobStore } from "../core/ports/blob-store.ts";

const READ_BYTES = 256 * 1024;

/** The digests of what is on disk, lowercase hexadecimal, from one reading to its end. Throws what reading throws; nothing is compared. `paced` is awaited after each part. */
export async function hashBlob(
  blob: AdmittedBlob,
  algorithms: readonly Algorithm[],
  blobs: Pick<BlobStore, "open">,
  paced?: (bytes: number) => Promise<void>,
): Promise<ReadonlyMap<Algorithm, string>> {
  const hashes = new Map([...new Set(algorithms)].map((algorithm) => [algorithm, createHash(algorithm)]));
  const reader = await blobs.open(blob);
  try {
    const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, Math.max(blob.sizeBytes, 1)));
    for (let position = 0; ; ) {
      const got = await reader.read(buffer, position);
      if (got === 0) break;
      for (const hash of hashes.values()) hash.update(buffer.subarray(0, got));
      position += got;
      await paced?.(got);
    }
  } finally {
    await reader.close();
  }
  return new Map([...hashes].map(([algorithm, hash]) => [algorithm, hash.digest("hex")]));
}
