import { type Checksum, parseHexChecksum } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { FileName } from "./file-name.ts";

/**
 * A project's page of the simple repository API, whichever way it was written.
 * https://packaging.python.org/en/latest/specifications/simple-repository-api/
 */
export interface SimpleProject {
  /** Normalised. */
  readonly name: string;
  /** N of `api-version` 1.N as upstream says. */
  readonly apiMinor: number;
  readonly files: readonly SimpleFile[];
  readonly versions?: readonly string[];
  /** PEP 792. */
  readonly status?: ProjectStatus;
  /** PEP 708: of the repositories that this one mirrors, and those that serve the same project. Absolute URLs. */
  readonly tracks: readonly string[];
  readonly alternateLocations: readonly string[];
  readonly lastSerial?: number | string;
  /** Keys that Assay does not know, of the page and of its `meta`: JSON only, passed on. */
  readonly unknown: JsonObject;
  readonly unknownMeta: JsonObject;
}

interface ProjectStatus {
  readonly status: string;
  readonly reason?: string;
}

export interface SimpleFile {
  readonly name: FileName;
  /** Where upstream has it: absolute, http or https, without credentials and fragment. */
  readonly url: string;
  /** As upstream writes them, by algorithm. */
  readonly hashes: Readonly<Record<string, string>>;
  /** Those of `hashes` that Assay can compute. */
  readonly claims: readonly Checksum[];
  readonly requiresPython?: string;
  readonly sizeBytes?: number;
  /** As upstream writes it: clients' age gates read it. */
  readonly uploadTime?: string;
  /** `true` where it was yanked without a reason. */
  readonly yanked: boolean | string;
  /** Digest that upstream promises for the `.metadata` file. A promise without SHA-256 cannot be checked and is not passed on. */
  readonly metadataSha256?: string;
  /** Where upstream has the PEP 740 provenance; null where it says that there is none. */
  readonly provenance?: string | null;
  /** Keys that Assay does not know: JSON only, passed on. */
  readonly unknown: JsonObject;
}

/** The newest minor version whose fields are read and written here: 1.4 added project-status. */
const NEWEST_MINOR = 4;

/** Longer addresses are absurd; signed ones of object stores have some 2000 characters. */
const MAX_URL_CHARACTERS = 8192;

/** N of 1.N. Throws UPSTREAM_MALFORMED for a version of the API that is not 1: its pages mean something else. */
export function parseApiVersion(text: string, source: string): number {
  const [, major, minor] = /^([0-9]{1,4})\.([0-9]{1,4})$/.exec(text) ?? [];
  if (major !== "1" || minor === undefined) {
    throw new AssayError("UPSTREAM_MALFORMED", `${source} is of API version ${JSON.stringify(text.slice(0, 20))}, expected 1.x`);
  }
  return Number(minor);
}

/**
 * The API version that a page really keeps: from 1.1 on every file has a size and the page lists its versions, and none promises more
 * than upstream did.
 */
export function servedApiVersion(project: SimpleProject): string {
  const keepsOneOne = project.versions !== undefined && project.files.every((file) => file.sizeBytes !== undefined);
  return `1.${keepsOneOne ? Math.min(project.apiMinor, NEWEST_MINOR) : 0}`;
}

/** An address from an index page, relative to where the page came from; undefined for anything but http and https, and for absurd ones. */
export function resolveLink(text: string, base: URL): URL | undefined {
  if (text.length > MAX_URL_CHARACTERS || !URL.canParse(text, base)) return undefined;
  const url = new URL(text, base);
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  // The credentials for an upstream are the operator's to give, not the page's.
  url.username = "";
  url.password = "";
  return url;
}

/** The hashes of a file as claims. Throws UPSTREAM_MALFORMED for a digest that cannot be one. */
export function claimsOf(hashes: Readonly<Record<string, string>>, project: string): Checksum[] {
  return Object.entries(hashes)
    .map(([algorithm, hex]) => parseHexChecksum(algorithm, hex, `the simple index of ${project}`))
    .filter((claim) => claim !== undefined);
}

/** The promise for a `.metadata` file among the hashes given for it. Throws UPSTREAM_MALFORMED for a digest that cannot be one. */
export function metadataPromise(sha256: unknown, project: string): { metadataSha256?: string } {
  if (typeof sha256 !== "string" || sha256 === "") return {};
  const claim = parseHexChecksum("sha256", sha256, `the core-metadata of the simple index of ${project}`);
  return claim ? { metadataSha256: claim.hex } : {};
}

/** PEP 792: a quarantined project must offer no file. https://peps.python.org/pep-0792/#quarantined */
export function withoutQuarantined(project: SimpleProject): SimpleProject {
  return project.status?.status === "quarantined" ? { ...project, files: [] } : project;
}

/** The first of the files of one name: which of two a client would take is anybody's guess. */
export function firstOfEachName(files: readonly SimpleFile[]): SimpleFile[] {
  const byName = new Map<string, SimpleFile>();
  for (const file of files) if (!byName.has(file.name.file)) byName.set(file.name.file, file);
  return [...byName.values()];
}

/** Throws UPSTREAM_LIMIT for a page that lists more than `maxFiles`. */
export function limitFiles(count: number, maxFiles: number, source: string): void {
  if (count <= maxFiles) return;
  throw new AssayError("UPSTREAM_LIMIT", `${source} lists more than ${maxFiles} files`, {
    help: "raise limits.listed_files if that is right",
  });
}
