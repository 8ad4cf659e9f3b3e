import { createHash } from "node:crypto";
import type { Algorithm } from "../core/digest.ts";
import type { AdmittedBlob, BlobStore } from "../core/ports/blob-store.ts";
import { blobContent } from "./blob-content.ts";

/** The digests of what is on disk, lowercase hexadecimal, from one reading to its end. Throws what reading throws; nothing is compared. `paced` is awaited after each part. */
export async function hashBlob(
  blob: AdmittedBlob,
  algorithms: readonly Algorithm[],
  blobs: Pick<BlobStore, "open">,
  paced?: (bytes: number) => Promise<void>,
): Promise<ReadonlyMap<Algorithm, string>> {
  const hashes = new Map([...new Set(algorithms)].map((algorithm) => [algorithm, createHash(algorithm)]));
  for await (const chunk of blobContent(blob, blobs)) {
    for (const hash of hashes.values()) hash.update(chunk);
    await paced?.(chunk.length);
  }
  return new Map([...hashes].map(([algorithm, hash]) => [algorithm, hash.digest("hex")]));
}
