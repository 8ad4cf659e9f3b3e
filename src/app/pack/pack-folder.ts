import { createHash } from "node:crypto";
import { type Digest, parseDigest } from "../../core/digest.ts";
import { listingDigest } from "../../core/listing-digest.ts";
import { type PackedPackage, packPackage } from "../../ecosystems/aam/pack/pack-package.ts";
import { PACKAGE_LIMITS, type PackageLimits } from "../../ecosystems/aam/pack/package-limits.ts";
import { readFolder } from "./read-folder.ts";

export interface PackOptions {
  /** The time of every file, in whole seconds since the epoch; 0 where it is left out. `parseSourceDateEpoch` reads it from the environment. */
  readonly epochSeconds?: number;
  readonly limits?: PackageLimits;
}

export interface PackedFolder extends PackedPackage {
  /** Of the archive's bytes. */
  readonly digest: Digest;
  /** Of what is in it, whoever packs it: see `listingDigest`. */
  readonly listingDigest: Digest;
}

/** Files and folders of a source tree, most of which `files` may leave out. */
const FOLDER_ENTRIES = 200_000;

/**
 * The `.aam` archive of a package's folder, which is only read. The same content makes the same bytes, whatever the folder's name, times, owners, umask, locale or
 * order on disk. Throws NOT_FOUND where there is no such folder, BAD_REQUEST where it holds no package that can be packed (the message names all that is wrong),
 * STORE_IO where it cannot be read.
 */
export async function packFolder(folder: string, { epochSeconds = 0, limits = PACKAGE_LIMITS }: PackOptions = {}): Promise<PackedFolder> {
  const content = await readFolder(folder, { entries: FOLDER_ENTRIES, fileBytes: limits.unpackedBytes });
  const packed = await packPackage(content, epochSeconds, limits);
  const digest = parseDigest(createHash("sha256").update(packed.bytes).digest("hex"));
  return { ...packed, digest, listingDigest: listingDigest(packed.listing) };
}
