import { valid } from "semver";
import { AssayError } from "../../core/errors.ts";

/** Names may have 214 characters today; registries hold longer ones from before that rule. */
const MAX_NAME_CHARACTERS = 512;
const MAX_FILE_CHARACTERS = 512;

/** What `encodeURIComponent` leaves alone: npm's rule for names, new and old. See validate-npm-package-name. */
const URL_FRIENDLY = /^[A-Za-z0-9\-_.!~*'()]+$/;
const VERSION = /^[0-9A-Za-z=][0-9A-Za-z.+=~_-]*$/;
const ARCHIVE_FILE = /^[A-Za-z0-9_!~*'()@+=,-][A-Za-z0-9._!~*'()@+=,-]*$/;

/** Old names are wider than what can be published now: capitals and `~'!()*` must stay installable. */
export function isPackageName(text: string): boolean {
  if (text.length > MAX_NAME_CHARACTERS) return false;
  if (!text.startsWith("@")) return isUnscopedName(text);
  const slash = text.indexOf("/");
  // npm's own validator lets `@../name` pass; a dot segment must never reach a URL.
  return slash > 1 && isNamePart(text.slice(1, slash)) && isNamePart(text.slice(slash + 1));
}

/** Throws BAD_REQUEST for text that cannot be the name of a package on any npm registry. */
export function parsePackageName(text: string): string {
  if (isPackageName(text)) return text;
  throw new AssayError("BAD_REQUEST", `${JSON.stringify(text.slice(0, 100))} is no npm package name`);
}

/** Whether npm would take this as a version, in its loose reading (`1.0.0beta`, `v1.0.0`), and it is safe to put in a path. */
export function isVersion(text: string): boolean {
  return VERSION.test(text) && valid(text, { loose: true }) !== null;
}

/** Throws BAD_REQUEST for text that cannot be a version. */
export function parseVersion(text: string): string {
  if (isVersion(text)) return text;
  throw new AssayError("BAD_REQUEST", `${JSON.stringify(text.slice(0, 100))} is no npm package version`);
}

/** Whether this may name an archive: one path segment with the ending of one. */
export function isArchiveFile(text: string): boolean {
  return text.length <= MAX_FILE_CHARACTERS && ARCHIVE_FILE.test(text) && (text.endsWith(".tgz") || text.endsWith(".tar.gz"));
}

/** The name without its scope. */
function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** How npm names the archive of a version. */
export function canonicalFile(name: string, version: string): string {
  return `${baseName(name)}-${version}.tgz`;
}

/** The version that a file's name speaks of, where it is named as npm names archives. */
export function versionFromFile(name: string, file: string): string | undefined {
  const prefix = `${baseName(name)}-`;
  const version = file.slice(prefix.length, -".tgz".length);
  return canonicalFile(name, version) === file && isVersion(version) ? version : undefined;
}

/** One path segment, as npm's clients write it: `@scope%2fname`. Every other character of a name needs no escape. */
export function escapedName(name: string): string {
  return name.replace("/", "%2f");
}

function isUnscopedName(text: string): boolean {
  const lower = text.toLowerCase();
  return isNamePart(text) && !text.startsWith("-") && !text.startsWith("_") && lower !== "node_modules" && lower !== "favicon.ico";
}

function isNamePart(text: string): boolean {
  return URL_FRIENDLY.test(text) && !text.startsWith(".");
}
