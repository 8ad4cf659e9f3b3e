import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { AssayError } from "../../core/errors.ts";
import { quote } from "../../core/quote.ts";
import { archiveFile, parsePackageName, parseVersion } from "../../ecosystems/aam/names.ts";
import { checkArchive } from "../pack/check-archive.ts";
import { type PackedFolder, packFolder } from "../pack/pack-folder.ts";

/** A package that is ready to be signed. */
export interface PackageToPublish {
  readonly name: string;
  readonly version: string;
  readonly file: string;
  readonly bytes: Buffer;
  /** SHA-256, in hexadecimal. */
  readonly digest: string;
  /** Only where we packed it ourselves, just now. */
  readonly packing: Packing | undefined;
  readonly warnings: readonly string[];
}

interface Packing {
  readonly folder: string;
  /** Paths of what is in the archive. */
  readonly paths: readonly string[];
  readonly epochSeconds: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly finishedAt: number;
}

export interface ReadOptions {
  /** Of the files of what is packed; in seconds. */
  readonly epochSeconds: number;
  /** The folder that an archive says it was packed from. */
  readonly source: string | undefined;
}

/**
 * A folder is packed; an archive is looked into, and packed once more from `source` where that is given: it must come out the same. Throws NOT_FOUND, USAGE for a source beside a folder,
 * BAD_REQUEST for what is no package, CONFLICT where the source makes other bytes, and what `packFolder` throws.
 */
export async function readPackage(path: string, { epochSeconds, source }: ReadOptions): Promise<PackageToPublish> {
  const found = await stat(path).catch(() => {
    throw new AssayError("NOT_FOUND", `there is no folder or archive ${quote(path)}`);
  });
  if (!found.isDirectory()) return readArchive(path, { epochSeconds, source });
  if (source !== undefined) throw new AssayError("USAGE", "--source says where an archive comes from; a folder is its own source");
  const { packed, packing } = await pack(path, epochSeconds);
  const { name, version, file, bytes, digest, warnings } = packed;
  return { name, version, file, bytes, digest, packing, warnings };
}

async function readArchive(path: string, { epochSeconds, source }: ReadOptions): Promise<PackageToPublish> {
  const checked = await checkArchive(path);
  const bytes = await readFile(path);
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest !== checked.digest) throw new AssayError("CONFLICT", `${quote(path)} changed while it was read`);
  const [name, version] = [parsePackageName(checked.name ?? ""), parseVersion(checked.version ?? "")];
  const breaches = checked.deviations.filter(({ weight }) => weight === "must");
  if (!name || !version) {
    const [first] = breaches;
    throw new AssayError(
      "BAD_REQUEST",
      `${quote(path)} is no package: ${first ? `expected ${first.expected}, got ${first.got}` : "its manifest names none"}`,
      {
        help: "assay pack --check names all that is wrong with it",
      },
    );
  }
  const warnings = breaches.map(
    ({ expected, got }) => `the archive is not as the specification wants it: expected ${expected}, got ${got}`,
  );
  return {
    name,
    version,
    file: archiveFile(name, version),
    bytes,
    digest,
    packing: await packedFrom(source, digest, epochSeconds),
    warnings,
  };
}

async function packedFrom(source: string | undefined, digest: string, epochSeconds: number): Promise<PackageToPublish["packing"]> {
  if (source === undefined) return undefined;
  const { packed, packing } = await pack(source, epochSeconds);
  if (packed.digest === digest) return packing;
  throw new AssayError("CONFLICT", `expected ${quote(source)} to make the archive with sha256 ${digest}, got ${packed.digest}`, {
    help: "publish the folder itself, or set SOURCE_DATE_EPOCH as it was set when the archive was made",
  });
}

async function pack(folder: string, epochSeconds: number): Promise<{ readonly packed: PackedFolder; readonly packing: Packing }> {
  const startedAt = Date.now();
  const packed = await packFolder(folder, { epochSeconds });
  const paths = packed.listing.map(({ path }) => path);
  return { packed, packing: { folder, paths, epochSeconds, startedAt, finishedAt: Date.now() } };
}
