import type { Complaints } from "../../../core/complaints.ts";
import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject } from "../../../core/json.ts";
import { JsonFields, JsonShapeError } from "../../../core/json-fields.ts";
import type { Limits } from "../../../core/limits.ts";
import type { LockEntry, LockProblem, LockReader, UncoveredEntry } from "../../../core/lock-file.ts";
import { lockReading } from "../../../core/lock-reading.ts";
import { quote, quoteValue } from "../../../core/quote.ts";
import { parseYamlObjects } from "../../../core/yaml-document.ts";
import { isPackageName, isVersion } from "../names.ts";
import { lockedPackage, runsOn } from "./locked-package.ts";
import { BY_ADDRESS, whereElse } from "./locked-source.ts";
import { type LockedKey, parseKey, parseLegacyKey } from "./pnpm-key.ts";

const LOCK = "pnpm-lock.yaml";
/** pnpm 11 puts the lock of its own tools before the project's. */
const MAX_DOCUMENTS = 2;

/** pnpm's lock: versions 5, 6 and 9. What it says of a package stands under the package's name and version. */
export const PNPM_LOCK: LockReader = {
  fileNames: [LOCK],
  isFor: (name) => name === LOCK,
  manifestNames: [],
  read: (lock, _surroundings, limits) => lockReading(limits, (complaints) => readLock(lock, { complaints, limits })),
};

interface Reading {
  readonly complaints: Complaints;
  readonly limits: Limits;
}

function readLock(lock: Buffer, reading: Reading) {
  const documents = parse(lock, reading).map((document) => new JsonFields(document, LOCK));
  const read = documents.map((fields) => readDocument(fields, reading));
  return {
    format: `${LOCK}, version ${read.at(-1)?.version}`,
    entries: read.flatMap(({ entries }) => entries),
    notes: documents.flatMap(patches),
  };
}

function parse(lock: Buffer, { limits: { sidecarBytes, jsonDepth } }: Reading): readonly JsonObject[] {
  if (lock.length > sidecarBytes) throw new JsonShapeError(`${LOCK} has more than ${sidecarBytes} bytes`);
  try {
    return parseYamlObjects(lock, { maxDepth: jsonDepth, source: LOCK, maxDocuments: MAX_DOCUMENTS });
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    throw new JsonShapeError(error.message);
  }
}

function readDocument(fields: JsonFields, { complaints }: Reading) {
  const version = String(fields.value("lockfileVersion") ?? "nothing");
  const keys = /^(?:5|6|9)(?:\.[0-9]{1,3})?(?=$|-)/.exec(version)?.[0].startsWith("5") ? parseLegacyKey : parseKey;
  if (!/^(?:5|6|9)(?:\.[0-9]{1,3})?(?:-inlineSpecifiers)?$/.test(version))
    throw new JsonShapeError(`${LOCK}: expected lockfileVersion 5, 6 or 9, got ${quoteValue(fields.value("lockfileVersion"))}`);
  const packages = fields.value("packages") ?? {};
  if (!isJsonObject(packages)) throw new JsonShapeError(`${LOCK}: expected packages as a map`);
  const entries = Object.entries(packages).flatMap(([key, value]) => {
    const at = `packages[${quote(key)}]`;
    return complaints.collect(at, () => readPackage(keys(key), new JsonFields(value, at), at)) ?? [];
  });
  return { version, entries };
}

function readPackage(key: LockedKey, fields: JsonFields, at: string): LockEntry {
  const resolution = fields.object("resolution");
  const name = fields.optionalText("name") ?? key.name;
  const elsewhere = sourceOf(resolution, key);
  if (elsewhere) return { kind: "uncovered", at, name, ...elsewhere };
  return lockedPackage({
    at,
    lock: LOCK,
    name,
    version: key.version,
    integrity: resolution.optionalText("integrity"),
    resolved: resolution.optionalText("tarball"),
    runsOn: runsOn(fields),
  });
}

/** A registry's package has a name and a version for its key, wherever the registry keeps its archive. */
function sourceOf(resolution: JsonFields, key: LockedKey): Pick<UncoveredEntry, "source" | "reason"> | undefined {
  const type = resolution.optionalText("type");
  if (type === "git" || resolution.value("repo") !== undefined) return whereElse("git:");
  if (type === "directory" || resolution.value("directory") !== undefined) return whereElse("file:");
  const byKey = whereElse(key.version);
  if (byKey) return byKey;
  if (isVersion(key.version) && isPackageName(key.name)) return undefined;
  const tarball = resolution.optionalText("tarball");
  if (tarball === undefined) return undefined;
  return resolution.optionalBoolean("gitHosted") === true ? whereElse("git:") : (whereElse(tarball) ?? BY_ADDRESS);
}

/** Patches change what was installed, after any mirror had its say. */
function patches(fields: JsonFields): readonly LockProblem[] {
  const patched = fields.value("patchedDependencies") ?? {};
  if (!isJsonObject(patched)) throw new JsonShapeError(`${LOCK}: expected patchedDependencies as a map`);
  return Object.keys(patched).map((name) => {
    const at = `patchedDependencies[${quote(name)}]`;
    return { at, text: `${at}: the project patches this package after it is installed; what is checked is the archive without the patch` };
  });
}
