import type { AdmittedBlob, BlobStore } from "../core/ports/blob-store.ts";

const CHUNK_BYTES = 256 * 1024;

/** The bytes of a blob, piece by piece, each good until the next is asked for. Throws what `BlobStore.open` and reading throw. */
export async function* blobContent(blob: AdmittedBlob, blobs: Pick<BlobStore, "open">): AsyncGenerator<Uint8Array> {
  const reader = await blobs.open(blob);
  try {
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, Math.max(blob.sizeBytes, 1)));
    for (let position = 0; ; ) {
      const got = await reader.read(chunk, position);
      if (got === 0) return;
      position += got;
      yield chunk.subarray(0, got);
    }
  } finally {
    await reader.close();
  }
}
