import semver from "semver";

declare const packageName: unique symbol;
declare const packageVersion: unique symbol;

/** `name` or `@scope/name`, in the grammar below. Made only by `parsePackageName`. */
export type PackageName = string & { readonly [packageName]: true };

/** A SemVer 2.0 version as upstream writes it. Made only by `parseVersion`. */
export type Version = string & { readonly [packageVersion]: true };

/** The expression of the UAAPS schema (section 3 of the specification), which the `aam` client uses too. */
const NAME = /^(?:@[a-z0-9][a-z0-9_-]{0,63}\/)?[a-z0-9][a-z0-9-]{0,63}$/;

/** Section 12.6: lowercase letters, digits and hyphens. */
const TAG = /^[a-z0-9-]{1,32}$/;

/** With its endings (`.aam.provenance.json`) a version must still fit in a file name. */
export const VERSION_CHARACTERS = 128;

/**
 * Undefined for text outside the grammar, and for `--` in a scope or name: on disk `@myorg/tool` is the folder `myorg--tool`, so that a package
 * called `myorg--tool` would be read in its place. The `aam` client does let it take over.
 */
export function parsePackageName(text: string): PackageName | undefined {
  return NAME.test(text) && !text.includes("--") ? (text as PackageName) : undefined;
}

/** Undefined for anything but a SemVer 2.0 version: no leading `v`, no spaces, no tag, no range. */
export function parseVersion(text: string): Version | undefined {
  if (text.length > VERSION_CHARACTERS) return undefined;
  const parsed = semver.parse(text);
  if (!parsed) return undefined;
  const exact = parsed.build.length > 0 ? `${parsed.version}+${parsed.build.join(".")}` : parsed.version;
  return exact === text ? (text as Version) : undefined;
}

/** What stands in the place of a version or tag in the addresses of either dialect, or is a word of the protocol. */
const RESERVED_WORDS: ReadonlySet<string> = new Set(["dist-tags", "audit-log", "approvals", "versions", "tags"]);

/** A dist-tag must not read as a version nor as a reserved word, or a client could not tell them apart. */
export function isDistTag(text: string): boolean {
  return TAG.test(text) && !RESERVED_WORDS.has(text) && !semver.valid(text);
}

/** The package's folder in a local registry: `@scope/name` is `scope--name`. Section 12.2. */
export function folderName(name: PackageName): string {
  return name.startsWith("@") ? name.slice(1).replace("/", "--") : name;
}

/** The archive's file name: `myorg--code-review-2.0.0.aam`. */
export function archiveFile(name: PackageName, version: Version): string {
  return `${folderName(name)}-${version}.aam`;
}
