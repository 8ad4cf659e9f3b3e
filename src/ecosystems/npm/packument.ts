import type { Checksum } from "../../core/digest.ts";
import { parseHexChecksum, parseIntegrity } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import { isJsonObject, parseJson } from "../../core/json.ts";
import type { Limits } from "../../core/limits.ts";
import { type Member, membersOf, type Span } from "./json-members.ts";
import { canonicalFile, isArchiveFile, isVersion } from "./names.ts";
import { type SignedDist, signedDistOf } from "./signed-dist.ts";

const MAX_URL_CHARACTERS = 4096;

/** Which packument is opened, and by which bounds. */
export interface PackumentQuestion {
  readonly name: string;
  /** Base address of the registry it came from. */
  readonly registry: URL;
  readonly limits: Limits;
}

/** One version that can be installed through us. */
export interface Release {
  readonly version: string;
  /** Its manifest within the packument. */
  readonly manifest: Span;
  /** The archive's name on our side, unique within the package. */
  readonly file: string;
  /** Where upstream has the archive. */
  readonly url: URL;
  readonly claims: readonly Checksum[];
  readonly publishedAt?: number;
  /** Upstream advises against it. */
  readonly deprecated?: true;
  /** What its `dist` says is signed; undefined where it says nothing. */
  readonly signed?: SignedDist;
}

/** A packument taken apart without building its tree. */
export interface Packument {
  readonly name: string;
  readonly json: Buffer;
  readonly source: string;
  readonly members: ReadonlyMap<string, Member>;
  readonly releases: ReadonlyMap<string, Release>;
  /** Versions that are not offered, and why. */
  readonly leftOut: readonly { readonly version: string; readonly why: string }[];
}

type Draft = Omit<Release, "file"> & { readonly offeredFile: string | undefined };

/**
 * Opens a packument. https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md
 * Throws UPSTREAM_MALFORMED for anything but the packument of `question.name`, UPSTREAM_LIMIT past the limits.
 * A version that cannot be fetched or checked (no archive URL, a digest that is none) is left out; the others stay usable.
 */
export function openPackument(json: Buffer, question: PackumentQuestion): Packument {
  const { name, limits } = question;
  const source = `the packument of ${name}`;
  const scan = { maxMembers: limits.listedFiles, source };
  const members = membersOf(json, { start: 0, end: json.length }, scan);
  if (!members) throw new AssayError("UPSTREAM_MALFORMED", `${source} is JSON, but not an object`);
  const parse = (span: Span | undefined) => (span ? parseSpan(json, span, limits, source) : undefined);

  const saidName = parse(members.get("name"));
  if (saidName !== name) {
    throw new AssayError(
      "UPSTREAM_MALFORMED",
      `asked for the packument of ${name}, got one that names ${JSON.stringify(saidName)?.slice(0, 200)}`,
    );
  }
  // A package whose versions were all unpublished is answered without `versions`.
  const versionsSpan = members.get("versions");
  const versions = versionsSpan ? membersOf(json, versionsSpan, scan) : new Map<string, Member>();
  if (!versions) throw new AssayError("UPSTREAM_MALFORMED", `${source} has "versions" that are no object`);
  const times = parse(members.get("time"));

  const drafts: Draft[] = [];
  const leftOut: { version: string; why: string }[] = [];
  for (const [version, manifest] of versions) {
    const members = membersOf(json, manifest, scan);
    const draft = draftOf(version, manifest, parse(members?.get("dist")), question);
    if (typeof draft === "string") leftOut.push({ version: version.slice(0, 100), why: draft });
    else drafts.push({ ...withTime(draft, times), ...(parse(members?.get("deprecated")) ? { deprecated: true } : {}) });
  }
  return { name, json, source, members, releases: nameFiles(name, drafts), leftOut };
}

/** Parses one value of the packument. Throws UPSTREAM_MALFORMED, UPSTREAM_LIMIT. */
export function parseSpan(json: Buffer, span: Span, limits: Limits, source: string): JsonValue {
  return parseJson(json.subarray(span.start, span.end), { maxDepth: limits.jsonDepth, source });
}

/** Parses every part of a packument once, one after the other, since later only its bytes are passed on. Throws UPSTREAM_MALFORMED, UPSTREAM_LIMIT. */
export function checkPackument(packument: Packument, limits: Limits): void {
  const { json, source, members } = packument;
  for (const [key, member] of members) {
    const parts = key === "versions" ? membersOf(json, member, { maxMembers: limits.listedFiles, source }) : undefined;
    for (const part of parts?.values() ?? [member]) parseSpan(json, part, limits, source);
  }
}

function draftOf(version: string, manifest: Span, dist: JsonValue | undefined, question: PackumentQuestion): Draft | string {
  if (!isVersion(version)) return "no version by npm's grammar";
  if (!isJsonObject(dist)) return "no dist object";
  const url = archiveUrl(dist, question.registry);
  if (!url) return "dist.tarball is no http(s) URL";
  const claims = claimsOf(dist, question.name);
  if (!claims) return "dist.integrity or dist.shasum is no digest";
  const signed = signedDistOf(dist);
  return { version, manifest, url, claims, offeredFile: lastSegment(url), ...(signed ? { signed } : {}) };
}

/** Undefined for anything that is not an absolute http(s) URL without credentials. */
function archiveUrl(dist: JsonObject, registry: URL): URL | undefined {
  const text = dist["tarball"];
  if (typeof text !== "string" || text.length > MAX_URL_CHARACTERS) return undefined;
  const url = URL.parse(text);
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:") || url.username !== "" || url.password !== "") return undefined;
  // Old packuments say http: where their registry has long moved to https:.
  if (url.protocol === "http:" && url.hostname === registry.hostname && registry.protocol === "https:") {
    return new URL(url.pathname + url.search, registry.origin);
  }
  return url;
}

/** Undefined where a digest is claimed that cannot be one: dropping only the claim would let unchecked bytes through. */
function claimsOf(dist: JsonObject, name: string): readonly Checksum[] | undefined {
  const { integrity, shasum } = dist;
  const claimedBy = `the packument of ${name}`;
  if (!isAbsentOrText(integrity) || !isAbsentOrText(shasum)) return undefined;
  try {
    const sha1 = shasum ? parseHexChecksum("sha1", shasum, claimedBy) : undefined;
    return [...(integrity ? parseIntegrity(integrity, claimedBy) : []), ...(sha1 ? [sha1] : [])];
  } catch (error) {
    if (error instanceof AssayError) return undefined;
    throw error;
  }
}

function isAbsentOrText(value: JsonValue | undefined): value is string | null | undefined {
  return value === undefined || value === null || typeof value === "string";
}

function lastSegment(url: URL): string | undefined {
  try {
    const segment = decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf("/") + 1));
    return isArchiveFile(segment) ? segment : undefined;
  } catch {
    return undefined; // Not percent-encoded UTF-8.
  }
}

function withTime(draft: Draft, times: JsonValue | undefined): Draft {
  const time = isJsonObject(times) && Object.hasOwn(times, draft.version) ? times[draft.version] : undefined;
  const publishedAt = typeof time === "string" ? Date.parse(time) : Number.NaN;
  return Number.isNaN(publishedAt) ? draft : { ...draft, publishedAt };
}

/**
 * Keeps upstream's file names, which lock files hold. A name that two versions share, that belongs to another version, or that is none
 * (registries that put archives under a hash) becomes npm's usual one, so that every file name leads to one version.
 */
function nameFiles(name: string, drafts: readonly Draft[]): Map<string, Release> {
  const usual = new Map(drafts.map((draft) => [canonicalFile(name, draft.version), draft.version]));
  const uses = new Map<string, number>();
  for (const { offeredFile } of drafts) if (offeredFile) uses.set(offeredFile, (uses.get(offeredFile) ?? 0) + 1);
  const releases = new Map<string, Release>();
  for (const { offeredFile, ...release } of drafts) {
    const isOwn =
      offeredFile !== undefined && uses.get(offeredFile) === 1 && (usual.get(offeredFile) ?? release.version) === release.version;
    releases.set(release.version, { ...release, file: isOwn ? offeredFile : canonicalFile(name, release.version) });
  }
  return releases;
}
