import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { AssayError } from "../../core/errors.ts";
import type { AdmittedBlob, BlobStore } from "../../core/ports/blob-store.ts";
import { blobContent } from "../../mirror/blob-content.ts";

/** Copies a blob to a file of its own, for what reads archives by their path. Throws STORE_CORRUPT where the bytes are no longer what was admitted. */
export async function copyBlob(blob: AdmittedBlob, path: string, blobs: Pick<BlobStore, "open">): Promise<void> {
  const hash = createHash("sha256");
  await using file = await open(path, "wx", 0o600);
  for await (const chunk of blobContent(blob, blobs)) {
    hash.update(chunk);
    await file.writeFile(chunk);
  }
  const digest = hash.digest("hex");
  if (digest !== blob.digest) throw new AssayError("STORE_CORRUPT", `expected sha256 ${blob.digest}, got ${digest} from the store`);
}
