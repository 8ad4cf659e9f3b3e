import type { Checksum } from "../../../core/digest.ts";
import { JsonShapeError } from "../../../core/json-fields.ts";
import type { LockedArtifact } from "../../../core/lock-file.ts";
import { quote } from "../../../core/quote.ts";
import { archiveFile, type PackageName, parsePackageName, parseVersion, type Version } from "../names.ts";

const SHA256_BYTES = 32;

/** `at` is the entry's place. Throws JsonShapeError for a name outside the grammar. */
export function lockedName(text: string, at: string): PackageName {
  const name = parsePackageName(text);
  if (name) return name;
  // Section 13.6 lets a resolver install two versions of one package; a map by name has no place for them, and a reader that makes one up picks for the user.
  const isTwice = parsePackageName(text.slice(0, Math.max(text.lastIndexOf("@"), 0))) !== undefined;
  const why = isTwice ? ": two versions of one package (the strategy Duplicate) cannot be locked" : "";
  throw new JsonShapeError(`${at}: expected the name of an AAM package, got ${quote(text)}${why}`);
}

/** Throws JsonShapeError for anything but one exact version. */
export function lockedVersion(text: string, at: string): Version {
  const version = parseVersion(text);
  if (version) return version;
  throw new JsonShapeError(`${at}: expected an exact version by SemVer 2.0, such as 1.4.0, got ${quote(text)}`);
}

/**
 * The one digest that both kinds of lock know: `sha256-` (or `sha256:`) and base64 or hexadecimal, told apart by their length. Base64 must be written in the one way that
 * encoders write it: decoders that pass over foreign characters would read another digest. Throws JsonShapeError otherwise.
 */
function lockedDigest(text: string, at: string, claimedBy: string): Checksum {
  const value = /^sha256[-:]/.test(text) ? text.slice("sha256-".length) : "";
  const hex = /^[0-9a-fA-F]{64}$/.test(value) ? value.toLowerCase() : fromBase64(value);
  if (hex !== undefined) return { algorithm: "sha256", hex, claimedBy };
  throw new JsonShapeError(`${at}: expected sha256- and a SHA-256 in base64 or hexadecimal, got ${quote(text)}`);
}

function fromBase64(value: string): string | undefined {
  const bytes = Buffer.from(value, "base64");
  return bytes.length === SHA256_BYTES && bytes.toString("base64") === value ? bytes.toString("hex") : undefined;
}

/** `lock` is what the pin is told to be claimed by, for people. */
export function lockedArtifact(
  lock: string,
  {
    name,
    version,
    at,
    integrity,
  }: { readonly name: PackageName; readonly version: Version; readonly at: string; readonly integrity: string },
): LockedArtifact {
  const pin = lockedDigest(integrity, at, `${lock} for ${name}@${version}`);
  return { kind: "artifact", at, ecosystem: "aam", name, version, file: archiveFile(name, version), pins: [pin] };
}
