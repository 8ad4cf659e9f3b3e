import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { AssayError } from "../../core/errors.ts";
import type { AdmittedBlob, BlobStore } from "../../core/ports/blob-store.ts";

const CHUNK_BYTES = 256 * 1024;

/** Copies a blob to a file of its own, for what reads archives by their path. Throws STORE_CORRUPT where the bytes are no longer what was admitted. */
export async function copyBlob(blob: AdmittedBlob, path: string, blobs: Pick<BlobStore, "open">): Promise<void> {
  const reader = await blobs.open(blob);
  const hash = createHash("sha256");
  try {
    await using file = await open(path, "wx", 0o600);
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    for (let position = 0; ; ) {
      const got = await reader.read(buffer, position);
      if (got === 0) break;
      hash.update(buffer.subarray(0, got));
      await file.writeFile(buffer.subarray(0, got));
      position += got;
    }
  } finally {
    await reader.close();
  }
  const digest = hash.digest("hex");
  if (digest !== blob.digest) throw new AssayError("STORE_CORRUPT", `expected sha256 ${blob.digest}, got ${digest} from the store`);
}
