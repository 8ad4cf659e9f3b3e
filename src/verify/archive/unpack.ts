import { createZstdDecompress } from "node:zlib";
import type { ArchiveFormat } from "../../core/ports/ecosystem.ts";
import { bunzip } from "./bunzip.ts";
import { pour, readRegion } from "./file-region.ts";
import { ambiguous, unsupported } from "./finding.ts";
import { gunzip } from "./gzip.ts";

/** Containers that are a tar archive, packed or plain. */
export type TarContainer = Exclude<ArchiveFormat["container"], "zip">;

/**
 * Streams the tar archive inside `container` into `write`, a chunk at a time; each chunk is valid during the call only.
 * Throws ARCHIVE_MALFORMED, ARCHIVE_AMBIGUOUS, ARCHIVE_UNSUPPORTED, and what `write` throws, at once.
 */
export async function unpack(fd: number, sizeBytes: number, container: TarContainer, write: (chunk: Buffer) => void): Promise<void> {
  switch (container) {
    case "tar":
      for (const chunk of readRegion(fd, 0, sizeBytes)) write(chunk);
      return;
    case "tar.gz":
      for await (const chunk of gunzip(fd, sizeBytes)) write(chunk);
      return;
    case "tar.bz2":
      return bunzip(fd, sizeBytes, write);
    case "tar.zst":
      return unzstd(fd, sizeBytes, write);
    case "tar.xz":
      // Node has no xz, and no small, kept library streams it with its checks. No package tool has made .tar.xz its format.
      throw unsupported("it is packed with xz, which Assay cannot check; a .tar.gz or a wheel of this release may exist");
    default:
      return container satisfies never;
  }
}

async function unzstd(fd: number, sizeBytes: number, write: (chunk: Buffer) => void): Promise<void> {
  const frame = createZstdDecompress();
  for await (const chunk of pour(fd, 0, sizeBytes, frame)) write(chunk);
  if (frame.bytesWritten !== sizeBytes) throw ambiguous("other data follows the zstd frame");
}
