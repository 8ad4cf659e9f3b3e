import { createHash } from "node:crypto";
import { AssayError } from "../../../core/errors.ts";
import { type ListingEntry, sortedByPath } from "../../../core/listing-digest.ts";
import { quote } from "../../../core/quote.ts";
import { gzipTar } from "./gzip-tar.ts";
import { type PackageLimits, RATIO_MATTERS_BYTES } from "./package-limits.ts";
import { END_OF_TAR, encodeTarEntry, padding } from "./tar-entry.ts";

/** A file or link to pack. Its path is relative, with forward slashes. */
export type PackEntry =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly executable: boolean;
      /** The content. Asked for once, when its turn has come, so that one file at a time is in memory. */
      read(): Promise<Buffer>;
    }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

export interface WrittenArchive {
  readonly bytes: Buffer;
  /** What is in it, in the order it stands there. */
  readonly listing: readonly ListingEntry[];
}

/**
 * The deterministic archive of sections 12.1: a function of the entries' paths, contents, targets and permission to run, and of the one time for all. They are sorted
 * by the UTF-8 bytes of their paths; there are no folders. Throws BAD_REQUEST past `limits`, and what reading a file throws.
 */
export async function writeArchive(entries: Iterable<PackEntry>, epochSeconds: number, limits: PackageLimits): Promise<WrittenArchive> {
  const listing: ListingEntry[] = [];
  const size = { unpackedBytes: 0 };
  const tar = writeTar(sortedByPath(entries), { epochSeconds, limits, listing, size });
  const bytes = await gzipTar(tar, { epochSeconds, maxBytes: limits.archiveBytes });
  const { unpackedBytes } = size;
  // A mirror would take it for a bomb.
  if (unpackedBytes > RATIO_MATTERS_BYTES && unpackedBytes > limits.unpackRatio * bytes.length) {
    throw new AssayError(
      "BAD_REQUEST",
      `the package unpacks to more than ${limits.unpackRatio} times its packed size (${unpackedBytes} bytes from ${bytes.length}), which mirrors refuse`,
    );
  }
  return { bytes, listing };
}

interface Writing {
  readonly epochSeconds: number;
  readonly limits: PackageLimits;
  readonly listing: ListingEntry[];
  readonly size: { unpackedBytes: number };
}

async function* writeTar(entries: readonly PackEntry[], { epochSeconds, limits, listing, size }: Writing): AsyncGenerator<Buffer> {
  for (const entry of entries) {
    const pieces = entry.kind === "link" ? linkPieces(entry, epochSeconds, listing) : await filePieces(entry, epochSeconds, listing);
    for (const piece of pieces) size.unpackedBytes += piece.length;
    if (size.unpackedBytes > limits.unpackedBytes)
      throw new AssayError("BAD_REQUEST", `the package unpacks to more than ${limits.unpackedBytes} bytes, at ${quote(entry.path)}`);
    yield* pieces;
  }
  yield END_OF_TAR;
}

function linkPieces(entry: Extract<PackEntry, { kind: "link" }>, epochSeconds: number, listing: ListingEntry[]): readonly Buffer[] {
  listing.push(entry);
  return [encodeTarEntry(entry, epochSeconds)];
}

async function filePieces(
  { path, executable, read }: Extract<PackEntry, { kind: "file" }>,
  epochSeconds: number,
  listing: ListingEntry[],
): Promise<readonly Buffer[]> {
  const body = await read();
  const file = { kind: "file", path, executable, sizeBytes: body.length } as const;
  listing.push({ ...file, sha256: createHash("sha256").update(body).digest("hex") });
  return [encodeTarEntry(file, epochSeconds), body, padding(body.length)];
}
