import { type Checksum, parseHexChecksum } from "../../../core/digest.ts";
import { AssayError } from "../../../core/errors.ts";
import { JsonShapeError } from "../../../core/json-fields.ts";
import type { LockEntry } from "../../../core/lock-file.ts";
import { quote } from "../../../core/quote.ts";
import { type FileName, parseFileName } from "../file-name.ts";
import { parseProjectName } from "../project-name.ts";
import { sameVersion } from "../version.ts";

/** Throws JsonShapeError for text that no project can be called. */
export function lockedProject(text: string, at: string): string {
  const project = parseProjectName(text);
  if (project === undefined) throw new JsonShapeError(`${at}: expected the name of a Python project, got ${quote(text)}`);
  return project;
}

/** One digest as locks for Python write it. Undefined for an algorithm that Assay does not compute. Throws JsonShapeError for a digest that is none. */
export function lockedHash(
  algorithm: string,
  hex: string,
  { at, claimedBy }: { readonly at: string; readonly claimedBy: string },
): Checksum | undefined {
  try {
    return parseHexChecksum(algorithm, hex, claimedBy);
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    throw new JsonShapeError(`${at}: ${error.message}`);
  }
}

/** `sha256:<hex>`. Throws JsonShapeError. */
export function prefixedHash(text: string, place: { readonly at: string; readonly claimedBy: string }): Checksum | undefined {
  const colon = text.indexOf(":");
  if (colon < 1) throw new JsonShapeError(`${place.at}: expected a digest such as sha256:HEX, got ${quote(text)}`);
  return lockedHash(text.slice(0, colon), text.slice(colon + 1), place);
}

/** A file of a locked version, as it stands in the lock. */
export interface WrittenFile {
  readonly at: string;
  /** Canonical. */
  readonly project: string;
  /** Undefined where the lock leaves it to the file's name. */
  readonly version: string | undefined;
  /** Foreign text. */
  readonly file: string;
  /** Of algorithms that Assay computes. */
  readonly pins: readonly Checksum[];
}

/**
 * The entry for a file. Undefined for a kind of file that no installer takes (`.egg`, `.exe`), which old releases still list. Throws JsonShapeError for a file name that no
 * file of this project and version can have: its digest would be a claim about something else.
 */
export function lockedFile({ at, project, version, file, pins: [pin, ...others] }: WrittenFile): LockEntry | undefined {
  const name = requireFileName(file, project, at);
  // Before its version: `six-1.16.0.win32-py2.7.exe` says more than that there.
  if (name.kind !== "wheel" && name.kind !== "sdist") return undefined;
  if (version !== undefined && !sameVersion(name.version, version))
    throw new JsonShapeError(`${at}: expected a file of ${project} ${quote(version)}, got ${quote(file)}`);
  if (!pin) return { kind: "uncovered", at, name: file, source: "registry", reason: "the lock pins no digest of it that Assay computes" };
  return { kind: "artifact", at, ecosystem: "pypi", name: project, version: name.version, file, pins: [pin, ...others] };
}

function requireFileName(file: string, project: string, at: string): FileName {
  const name = parseFileName(file, project);
  if (name) return name;
  throw new JsonShapeError(`${at}: expected the name of a file of ${project}, got ${quote(file)}`);
}

/** The file name that an address or a path ends with. Nothing else of it is used. Throws JsonShapeError where it has none. */
export function fileNameIn(place: string, at: string): string {
  const path = URL.parse(place)?.pathname ?? place.split(/[?#]/, 1)[0] ?? "";
  const segment = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  try {
    if (segment !== "") return decodeURIComponent(segment);
  } catch {
    // Not percent-encoded UTF-8.
  }
  throw new JsonShapeError(`${at}: expected an address that ends with a file name, got ${quote(place)}`);
}
