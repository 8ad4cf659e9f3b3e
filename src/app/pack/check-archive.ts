import { createHash } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { type Digest, parseDigest } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import { type ListingEntry, listingDigest } from "../../core/listing-digest.ts";
import { quote } from "../../core/quote.ts";
import { AAM_FORMAT } from "../../ecosystems/aam/identify.ts";
import { missingReferences } from "../../ecosystems/aam/pack/check-references.ts";
import { gzipHeader, gzipTar } from "../../ecosystems/aam/pack/gzip-tar.ts";
import { PACKAGE_LIMITS } from "../../ecosystems/aam/pack/package-limits.ts";
import { type PackageManifests, readManifests } from "../../ecosystems/aam/pack/package-manifests.ts";
import { isExcluded, isSelected } from "../../ecosystems/aam/pack/packlist.ts";
import { END_OF_TAR } from "../../ecosystems/aam/pack/tar-entry.ts";
import { gunzip } from "../../verify/archive/gzip.ts";
import { listArchive } from "../../verify/archive/list-archive.ts";
import type { ScanReport } from "../../verify/archive/scan-report.ts";
import type { ScannedMember } from "../../verify/archive/scanned-member.ts";
import type { Deviation } from "./deviation.ts";
import { memberDeviations } from "./member-deviations.ts";

export interface ArchiveCheck {
  /** Of the file. */
  readonly digest: Digest;
  /** Absent for an archive that could not be read to its end. */
  readonly listingDigest?: Digest;
  /** What the manifests say; absent where they cannot be read. */
  readonly name?: string;
  readonly version?: string;
  readonly entries: number;
  readonly deviations: readonly Deviation[];
}

export interface CheckOptions {
  /** The time that every entry must have; where it is left out, the one that the archive's gzip header says. */
  readonly epochSeconds?: number;
}

/** A file larger than this is not read at all; between it and the packages' own limit the size is one deviation among others. */
const MAX_FILE_BYTES = 4 * PACKAGE_LIMITS.archiveBytes;
/** Each entry may have an extended header of its own. */
const SCAN_LIMITS = { ...PACKAGE_LIMITS, archiveEntries: 2 * PACKAGE_LIMITS.archiveEntries };

/**
 * Compares an archive with the one that `assay pack` makes of the same content, and names each difference. The scan is the mirror's own: nothing is unpacked. Throws
 * NOT_FOUND for a file that cannot be read, BAD_REQUEST for one that is far too large to be a package.
 */
export async function checkArchive(path: string, options: CheckOptions = {}): Promise<ArchiveCheck> {
  const bytes = await readArchive(path);
  const gzipSeconds = bytes.length < 8 ? 0 : bytes.readUInt32LE(4);
  const epochSeconds = options.epochSeconds ?? gzipSeconds;
  const members: Deviation[] = [];
  let writtenBytes = 0;
  const { report, entries } = await listArchive({ path, format: AAM_FORMAT, limits: SCAN_LIMITS }, (member) => {
    members.push(...memberDeviations(member, epochSeconds));
    writtenBytes += sizeOf(member);
  });
  const paths = entries.map((entry) => entry.path);
  const digest = parseDigest(createHash("sha256").update(bytes).digest("hex"));
  const about = { digest, entries: entries.length };
  const seen = [...sizeDeviations(bytes, entries), ...orderDeviations(paths), ...exclusionDeviations(paths), ...members];
  if (report.kind === "unreadable") throw notReadable(path);
  if (report.kind === "unsound") {
    const got = `${report.detail} (${report.code})`;
    return { ...about, deviations: [{ weight: "must", code: "unsound", expected: "an archive that mirrors admit", got }, ...seen] };
  }
  const manifests = manifestDeviations(report, paths);
  const form = [
    ...endDeviations(report.unpackedBytes - writtenBytes),
    ...gzipDeviations(bytes, gzipSeconds, epochSeconds),
    ...(await compressionDeviations(path, bytes)),
  ];
  return {
    ...about,
    listingDigest: listingDigest(entries),
    ...(manifests.read ? { name: manifests.read.name, version: manifests.read.version } : {}),
    deviations: [...manifests.deviations, ...seen, ...form],
  };
}

async function readArchive(path: string): Promise<Buffer> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) throw notReadable(path);
  if (found.size > MAX_FILE_BYTES)
    throw new AssayError(
      "BAD_REQUEST",
      `${quote(path)} has ${found.size} bytes: no package may have more than ${PACKAGE_LIMITS.archiveBytes}`,
    );
  return await readFile(path).catch(() => {
    throw notReadable(path);
  });
}

function notReadable(path: string): AssayError {
  return new AssayError("NOT_FOUND", `${quote(path)} is no file that can be read`);
}

/** The blocks that a member takes, its extended headers with it. */
function sizeOf({ sizeBytes, extensions }: ScannedMember): number {
  return [sizeBytes, ...extensions.map(({ body }) => BLOCK_BYTES + body.length)].reduce((sum, each) => sum + blocks(each), BLOCK_BYTES);
}

const BLOCK_BYTES = 512;

function blocks(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

function sizeDeviations(bytes: Buffer, entries: readonly ListingEntry[]): readonly Deviation[] {
  const { archiveBytes, archiveEntries } = PACKAGE_LIMITS;
  return [
    ...(bytes.length > archiveBytes ? [must("size", `at most ${archiveBytes} bytes`, String(bytes.length))] : []),
    ...(entries.length > archiveEntries ? [must("size", `at most ${archiveEntries} entries`, String(entries.length))] : []),
  ];
}

function orderDeviations(paths: readonly string[]): readonly Deviation[] {
  const found: Deviation[] = [];
  let last = paths[0] ?? "";
  for (const path of paths.slice(1)) {
    if (Buffer.compare(Buffer.from(last), Buffer.from(path)) > 0) found.push(must("order", `before ${quote(last)}`, "behind it", path));
    else last = path;
  }
  return found;
}

function exclusionDeviations(paths: readonly string[]): readonly Deviation[] {
  return paths.filter(isExcluded).map((path) => must("excluded", "left out, as the specification says", "packed", path));
}

function manifestDeviations(
  report: Extract<ScanReport, { kind: "sound" }>,
  paths: readonly string[],
): { readonly read?: PackageManifests; readonly deviations: readonly Deviation[] } {
  const bundle = paths.includes("bundle.json") ? [must("manifest", "a package", "a bundle: it has bundle.json at its root")] : [];
  const bodyOf = (path: string): Buffer | undefined => {
    const found = report.manifests.find((manifest) => manifest.path === path);
    return found && Buffer.from(found.body);
  };
  try {
    const files = { "package.agent.json": bodyOf("package.agent.json"), "package.agent.yaml": undefined, "aam.yaml": bodyOf("aam.yaml") };
    const read = readManifests(files, PACKAGE_LIMITS);
    const present = new Set(paths);
    const unselected = paths.filter((path) => !isExcluded(path) && !isSelected(path, read.files));
    return {
      read,
      deviations: [
        ...bundle,
        ...missingReferences(read.references, { packed: present, present }).map((problem) =>
          must("reference", "everything that the manifests refer to", problem),
        ),
        ...unselected.map((path) => must("unselected", "only what `files` of the manifest selects", "packed", path)),
      ],
    };
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    return { deviations: [...bundle, must("manifest", "manifests that can be read and agree", error.message)] };
  }
}

function endDeviations(bytes: number): readonly Deviation[] {
  return bytes === END_OF_TAR.length ? [] : [form("end", `${END_OF_TAR.length} bytes of zeros`, `${bytes}`)];
}

function gzipDeviations(bytes: Buffer, gzipSeconds: number, epochSeconds: number): readonly Deviation[] {
  const [wanted, got] = [gzipHeader(gzipSeconds), bytes.subarray(0, 10)];
  return [
    ...(gzipSeconds === epochSeconds ? [] : [must("gzip-time", String(epochSeconds), String(gzipSeconds))]),
    ...(got.equals(wanted) ? [] : [form("gzip-header", describeGzip(wanted), describeGzip(got))]),
  ];
}

function describeGzip(header: Buffer): string {
  return `flags ${header[3]}, XFL ${header[8]}, OS ${header[9]}`;
}

/** Packs the same tar archive again. Optional fields may make the gzip header longer; what follows it is compared. */
async function compressionDeviations(path: string, bytes: Buffer): Promise<readonly Deviation[]> {
  const fd = openSync(path, "r");
  let again: Buffer;
  try {
    again = await gzipTar(gunzip(fd, bytes.length), { epochSeconds: 0, maxBytes: MAX_FILE_BYTES });
  } finally {
    closeSync(fd);
  }
  const packed = again.subarray(gzipHeader(0).length);
  if (bytes.subarray(-packed.length).equals(packed)) return [];
  return [
    form(
      "compression",
      `${packed.length} bytes, by the zlib of this Node at level 9`,
      "other bytes, by another encoder or another setting",
    ),
  ];
}

function must(code: Deviation["code"], expected: string, got: string, path?: string): Deviation {
  return { weight: "must", code, expected, got, ...(path === undefined ? {} : { path }) };
}

function form(code: Deviation["code"], expected: string, got: string): Deviation {
  return { weight: "form", code, expected, got };
}
