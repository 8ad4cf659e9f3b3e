import type { Algorithm, Digests } from "../core/digest.ts";
import { AssayError } from "../core/errors.ts";
import type { AdmittedBlob, BlobStore } from "../core/ports/blob-store.ts";
import { hashBlob } from "./hash-blob.ts";

/**
 * The digests of what is on disk, SHA-256 and SHA-512 and `algorithms`: an index claims one of them, an attestation may be about another. Throws STORE_CORRUPT where the
 * bytes are no longer those that were admitted, and what reading them throws.
 */
export async function digestsOf(blob: AdmittedBlob, algorithms: readonly Algorithm[], blobs: Pick<BlobStore, "open">): Promise<Digests> {
  const hashed = await hashBlob(blob, ["sha256", "sha512", ...algorithms], blobs);
  const digests = Object.fromEntries(hashed);
  if (digests["sha256"] === blob.digest) return { ...digests, sha256: blob.digest };
  throw new AssayError(
    "STORE_CORRUPT",
    `an archive in the store is not what was admitted: expected sha256 ${blob.digest}, got ${digests["sha256"]}`,
  );
}
