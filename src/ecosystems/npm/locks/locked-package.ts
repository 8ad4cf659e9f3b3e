import { type Algorithm, type Checksum, formatIntegrity, parseIntegrity } from "../../../core/digest.ts";
import { AssayError } from "../../../core/errors.ts";
import { type JsonFields, JsonShapeError } from "../../../core/json-fields.ts";
import type { LockEntry, RunsOn } from "../../../core/lock-file.ts";
import { quote } from "../../../core/quote.ts";
import { canonicalFile, isArchiveFile, isPackageName, isVersion } from "../names.ts";

/** A package of a registry, as it stands in a lock. All of it is foreign text. */
export interface WrittenPackage {
  readonly at: string;
  /** The lock's name, for claims: `package-lock.json`. */
  readonly lock: string;
  readonly name: string;
  readonly version: string;
  readonly integrity: string | undefined;
  /** Where its archive was fetched from. Only the file name at its end is used. */
  readonly resolved: string | undefined;
  readonly runsOn: RunsOn | undefined;
}

/** Strongest first: of several digests, a client that checks one checks the strongest. */
const STRONGEST_FIRST: readonly Algorithm[] = ["sha512", "sha384", "sha256", "sha1", "md5"];

/** The entry for a package. Throws JsonShapeError for a name, version or digest that is none. */
export function lockedPackage({ at, lock, name, version, integrity, resolved, runsOn }: WrittenPackage): LockEntry {
  if (!isPackageName(name)) throw new JsonShapeError(`${at}: expected the name of an npm package, got ${quote(name)}`);
  if (!isVersion(version)) throw new JsonShapeError(`${at}: expected an exact version of ${name}, got ${quote(version)}`);
  const pins = integrity === undefined ? [] : lockedIntegrity(integrity, { at, claimedBy: `${lock} for ${name}@${version}` });
  const [strongest, ...others] = pins;
  if (!strongest) {
    const reason = integrity === undefined ? "the lock pins no digest of it" : "the lock pins no digest of it that Assay computes";
    return { kind: "uncovered", at, name: `${name}@${version}`, source: "registry", reason };
  }
  const alike = others.filter(({ algorithm }) => algorithm === strongest.algorithm);
  // Of several digests of one kind any one may be met: https://www.w3.org/TR/SRI/#does-response-match-metadatalist
  if (alike.length > 0) return { kind: "version", at, ecosystem: "npm", name, version, anyOf: [strongest, ...alike] };
  const file = resolved === undefined ? undefined : archiveFileIn(resolved);
  return {
    kind: "artifact",
    at,
    ecosystem: "npm",
    name,
    version,
    file: file ?? canonicalFile(name, version),
    pins: [strongest, ...others],
    ...(runsOn ? { runsOn } : {}),
  };
}

/**
 * The digests of an `integrity`, the strongest first. Base64 must be written in the one way that encoders write it: decoders that pass over foreign characters would read
 * another digest. Throws JsonShapeError.
 */
function lockedIntegrity(text: string, { at, claimedBy }: { readonly at: string; readonly claimedBy: string }): readonly Checksum[] {
  const parsed = parse(text, { at, claimedBy });
  const written = new Set(
    text
      .trim()
      .split(/\s+/)
      .map((token) => token.split("?", 1)[0]),
  );
  const odd = parsed.find(({ algorithm, hex }) => !written.has(formatIntegrity(algorithm, hex)));
  if (odd) throw new JsonShapeError(`${at}: expected an integrity such as ${odd.algorithm}-BASE64, got ${quote(text)}`);
  const distinct = new Map(parsed.map((pin) => [`${pin.algorithm} ${pin.hex}`, pin]));
  return [...distinct.values()].toSorted(
    (left, right) => STRONGEST_FIRST.indexOf(left.algorithm) - STRONGEST_FIRST.indexOf(right.algorithm),
  );
}

function parse(text: string, { at, claimedBy }: { readonly at: string; readonly claimedBy: string }): readonly Checksum[] {
  try {
    return parseIntegrity(text, claimedBy);
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    throw new JsonShapeError(`${at}: ${error.message}`);
  }
}

function archiveFileIn(resolved: string): string | undefined {
  const path = URL.parse(resolved)?.pathname ?? "";
  try {
    const segment = decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
    return isArchiveFile(segment) ? segment : undefined;
  } catch {
    return undefined; // Not percent-encoded UTF-8.
  }
}

/** npm's `os`, `cpu` and `libc`, each a text or a list of them; undefined where none is given. Throws JsonShapeError. */
export function runsOn(fields: JsonFields): RunsOn | undefined {
  const [os, cpu, libc] = [textsIn(fields, "os"), textsIn(fields, "cpu"), textsIn(fields, "libc")];
  return os || cpu || libc ? { ...(os ? { os } : {}), ...(cpu ? { cpu } : {}), ...(libc ? { libc } : {}) } : undefined;
}

function textsIn(fields: JsonFields, member: string): readonly string[] | undefined {
  const value = fields.value(member);
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? [value] : fields.texts(member);
}
