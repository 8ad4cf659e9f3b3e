import { AssayError } from "../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from "../../core/json.ts";
import type { Limits } from "../../core/limits.ts";
import { parseFileName } from "./file-name.ts";
import type { PageLinks } from "./links.ts";
import { normalizeName } from "./project-name.ts";
import {
  claimsOf,
  firstOfEachName,
  limitFiles,
  metadataPromise,
  parseApiVersion,
  resolveLink,
  type SimpleFile,
  type SimpleProject,
  servedApiVersion,
} from "./simple-project.ts";

/** Keys written anew from what was read; whatever else a page has is passed on. */
const PAGE_KEYS = ["meta", "name", "files", "versions", "project-status", "alternate-locations"];
const META_KEYS = ["api-version", "tracks", "_last-serial"];
const FILE_KEYS = [
  "filename",
  "url",
  "hashes",
  "requires-python",
  "size",
  "upload-time",
  "yanked",
  "provenance",
  // Four spellings of one key have been seen; old pips choke on the second, so only the first is written.
  ...["core-metadata", "dist-info-metadata", "data-core-metadata", "data-dist-info-metadata"],
  // It promises a .asc file beside the archive, which Assay does not serve.
  "gpg-sig",
];

/** Reads a project's page in JSON (PEP 691). Throws UPSTREAM_MALFORMED, UPSTREAM_LIMIT. */
export function parseSimpleJson(body: Buffer, base: URL, project: string, limits: Limits): SimpleProject {
  const source = `the simple index of ${project}`;
  const page = parseJsonObject(body, { maxDepth: limits.jsonDepth, source });
  const { files, name } = page;
  if (!Array.isArray(files)) throw new AssayError("UPSTREAM_MALFORMED", `${source} is JSON, but lists no files`);
  limitFiles(files.length, limits.listedFiles, source);
  if (name !== undefined && (typeof name !== "string" || normalizeName(name) !== project)) {
    throw new AssayError("UPSTREAM_MALFORMED", `${source} is the page of ${JSON.stringify(name).slice(0, 100)}`);
  }
  const meta = isJsonObject(page["meta"]) ? page["meta"] : {};
  const serial = meta["_last-serial"];
  return {
    name: project,
    apiMinor: parseApiVersion(textOf(meta["api-version"]) ?? "1.0", source),
    files: firstOfEachName(files.map((file) => parseFile(file, base, project)).filter((file) => file !== undefined)),
    ...versionsOf(page["versions"]),
    ...statusOf(page["project-status"]),
    tracks: linksOf(meta["tracks"], base),
    alternateLocations: linksOf(page["alternate-locations"], base),
    ...(typeof serial === "number" || typeof serial === "string" ? { lastSerial: serial } : {}),
    unknown: without(page, PAGE_KEYS),
    unknownMeta: without(meta, META_KEYS),
  };
}

/** Undefined for files that nobody could ask for: of a name outside the grammar, or with an address that is none. */
function parseFile(file: JsonValue, base: URL, project: string): SimpleFile | undefined {
  const filename = isJsonObject(file) ? file["filename"] : undefined;
  const link = isJsonObject(file) ? file["url"] : undefined;
  if (!isJsonObject(file) || typeof filename !== "string" || typeof link !== "string") {
    throw new AssayError("UPSTREAM_MALFORMED", `the simple index of ${project} lists a file without filename and url`);
  }
  const name = parseFileName(filename, project);
  const url = resolveLink(link, base);
  if (!name || !url) return undefined;
  url.hash = "";
  const hashes = hashesOf(file["hashes"], project);
  const { size, yanked, provenance } = file;
  const requiresPython = textOf(file["requires-python"]);
  const uploadTime = textOf(file["upload-time"]);
  return {
    name,
    url: url.href,
    hashes,
    claims: claimsOf(hashes, project),
    yanked: typeof yanked === "string" ? yanked || false : yanked === true,
    ...(requiresPython === undefined ? {} : { requiresPython }),
    ...(typeof size === "number" && Number.isSafeInteger(size) && size >= 0 ? { sizeBytes: size } : {}),
    ...(uploadTime === undefined ? {} : { uploadTime }),
    ...metadataPromise(metadataHashes(file)["sha256"], project),
    ...(provenance === undefined ? {} : { provenance: (typeof provenance === "string" && resolveLink(provenance, base)?.href) || null }),
    unknown: without(file, FILE_KEYS),
  };
}

function hashesOf(hashes: JsonValue | undefined, project: string): Record<string, string> {
  const entries = Object.entries(hashes ?? {});
  if ((hashes !== undefined && !isJsonObject(hashes)) || entries.some(([, hex]) => typeof hex !== "string")) {
    throw new AssayError("UPSTREAM_MALFORMED", `the simple index of ${project} gives hashes that are no table of texts`);
  }
  // Some indexes write an empty digest for none, and pip would hold the file to it.
  return Object.fromEntries(entries.filter(([, hex]) => hex !== "").map(([algorithm, hex]) => [algorithm, String(hex)]));
}

/** PEP 714 renamed the key that PEP 658 had misspelt; upstreams write either. https://peps.python.org/pep-0714/ */
function metadataHashes(file: JsonObject): JsonObject {
  const promise = file["core-metadata"] ?? file["dist-info-metadata"] ?? file["data-core-metadata"] ?? file["data-dist-info-metadata"];
  return isJsonObject(promise) ? promise : {};
}

function versionsOf(versions: JsonValue | undefined): { versions?: string[] } {
  return Array.isArray(versions) ? { versions: versions.filter((version) => typeof version === "string") } : {};
}

function statusOf(value: JsonValue | undefined): Pick<SimpleProject, "status"> {
  const status = isJsonObject(value) ? textOf(value["status"]) : undefined;
  const reason = isJsonObject(value) ? textOf(value["reason"]) : undefined;
  return status === undefined ? {} : { status: { status, ...(reason === undefined ? {} : { reason }) } };
}

function linksOf(value: JsonValue | undefined, base: URL): string[] {
  if (!Array.isArray(value)) return [];
  return value.map((link) => (typeof link === "string" ? resolveLink(link, base)?.href : undefined)).filter((link) => link !== undefined);
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function without(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** Writes a project's page in JSON. */
export function renderSimpleJson(project: SimpleProject, links: PageLinks): Buffer {
  const { versions, status, tracks, alternateLocations, lastSerial } = project;
  const page = {
    ...project.unknown,
    meta: {
      ...project.unknownMeta,
      "api-version": servedApiVersion(project),
      ...(lastSerial === undefined ? {} : { "_last-serial": lastSerial }),
      ...(tracks.length > 0 ? { tracks } : {}),
    },
    name: project.name,
    ...(status ? { "project-status": status } : {}),
    ...(alternateLocations.length > 0 ? { "alternate-locations": alternateLocations } : {}),
    ...(versions ? { versions } : {}),
    files: project.files.map((file) => renderFile(file, links)),
  };
  return Buffer.from(JSON.stringify(page));
}

function renderFile(file: SimpleFile, links: PageLinks): JsonObject {
  return {
    ...file.unknown,
    filename: file.name.file,
    url: links.archive(file.name),
    hashes: file.hashes,
    "requires-python": file.requiresPython ?? null,
    ...(file.sizeBytes === undefined ? {} : { size: file.sizeBytes }),
    ...(file.uploadTime === undefined ? {} : { "upload-time": file.uploadTime }),
    yanked: file.yanked,
    "core-metadata": file.metadataSha256 === undefined ? false : { sha256: file.metadataSha256 },
    ...(file.provenance === undefined ? {} : { provenance: file.provenance === null ? null : links.provenance(file.name) }),
  };
}
