import type { Complaints } from "../../../core/complaints.ts";
import { isJsonObject } from "../../../core/json.ts";
import { JsonFields, JsonShapeError } from "../../../core/json-fields.ts";
import type { Limits } from "../../../core/limits.ts";
import type { LockEntry, LockReader } from "../../../core/lock-file.ts";
import { lockReading } from "../../../core/lock-reading.ts";
import { parseStrictJsonObject, StrictJsonError } from "../../../core/parse-strict-json.ts";
import { quote, quoteValue } from "../../../core/quote.ts";
import { bundledFolders } from "./bundled-folders.ts";
import { lockedPackage, runsOn } from "./locked-package.ts";
import { BY_ADDRESS, whereElse } from "./locked-source.ts";
import { type NestedPackage, nestedPackages } from "./nested-packages.ts";

const LOCK = "package-lock.json";
const NAMES: readonly string[] = [LOCK, "npm-shrinkwrap.json"];

/** npm's lock in its versions 1 to 3, by both its names. https://docs.npmjs.com/cli/configuring-npm/package-lock-json */
export const PACKAGE_LOCK: LockReader = {
  fileNames: NAMES,
  isFor: (name) => NAMES.includes(name),
  manifestNames: [],
  read: (lock, { name = LOCK }, limits) => lockReading(limits, (complaints) => readLock(lock, { name, complaints, limits })),
};

interface Reading {
  readonly name: string;
  readonly complaints: Complaints;
  readonly limits: Limits;
}

function readLock(lock: Buffer, reading: Reading) {
  const { name } = reading;
  const fields = new JsonFields(parse(lock, reading), name);
  const version = fields.value("lockfileVersion");
  if (version !== 1 && version !== 2 && version !== 3)
    throw new JsonShapeError(`${name}: expected lockfileVersion 1, 2 or 3, got ${quoteValue(version)}`);
  const entries = version === 1 ? readDependencies(fields, reading) : readPackages(fields, reading);
  return { format: `${name}, version ${version}`, entries };
}

function parse(lock: Buffer, { name, limits: { sidecarBytes, jsonDepth } }: Reading) {
  if (lock.length > sidecarBytes) throw new JsonShapeError(`${name} has more than ${sidecarBytes} bytes`);
  try {
    return parseStrictJsonObject(lock, jsonDepth);
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    throw new JsonShapeError(`${name} cannot be read: ${error.message}`);
  }
}

/** Versions 2 and 3: every folder that npm fills, under its path. What version 2 says once more for old clients is left out. */
function readPackages(fields: JsonFields, reading: Reading): readonly LockEntry[] {
  const packages = fields.value("packages");
  if (!isJsonObject(packages)) throw new JsonShapeError(`${reading.name}: expected packages as a map of folders to what is in them`);
  const asked = addressesAskedFor(packages);
  const bundled = bundledFolders(packages);
  return Object.entries(packages).flatMap(([path, value]) => {
    const at = `packages[${quote(path)}]`;
    const isInArchive = bundled.has(path);
    return (
      reading.complaints.collect(at, () => readFolder(path, new JsonFields(value, at), { at, asked, isInArchive, lock: reading.name })) ??
      []
    );
  });
}

interface Folder {
  readonly at: string;
  readonly lock: string;
  /** What packages ask for by address: npm writes it as what the package was resolved to. */
  readonly asked: ReadonlySet<string>;
  readonly isInArchive: boolean;
}

function readFolder(path: string, fields: JsonFields, { at, lock, asked, isInArchive }: Folder): readonly LockEntry[] {
  // On Windows a backslash separates, too.
  const folder = path.replaceAll("\\", "/").lastIndexOf("node_modules/");
  // The project itself, the members of its workspace, and what links lead to: files that nobody fetches.
  if (folder < 0) return [];
  const name = fields.optionalText("name") ?? path.slice(folder + "node_modules/".length);
  const [resolved, integrity] = [fields.optionalText("resolved"), fields.optionalText("integrity")];
  if (!resolved && !integrity && isInArchive) return [];
  const elsewhere = resolved === undefined ? undefined : asked.has(resolved) ? BY_ADDRESS : whereElse(resolved);
  if (fields.optionalBoolean("link") === true) return outsideLink(resolved, { at, name });
  if (elsewhere) return [{ kind: "uncovered", at, name, ...elsewhere }];
  const version = fields.optionalText("version");
  // npm lists peers that it could not place without saying which they are.
  if (version === undefined) return [{ kind: "uncovered", at, name, source: "registry", reason: "the lock gives it no version" }];
  return [lockedPackage({ at, lock, name, version, resolved, integrity, runsOn: runsOn(fields) })];
}

/** A link into the project is the project's own. */
function outsideLink(target: string | undefined, { at, name }: { readonly at: string; readonly name: string }): readonly LockEntry[] {
  const isInside = target !== undefined && !/^(?:\.\.(?:[/\\]|$)|[/\\]|[A-Za-z]:|file:)/.test(target);
  return isInside ? [] : [{ kind: "uncovered", at, name, source: "path", reason: "it is a link to a folder outside of the project" }];
}

const ASKING = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

function addressesAskedFor(packages: Readonly<Record<string, unknown>>): ReadonlySet<string> {
  const asked = new Set<string>();
  for (const value of Object.values(packages)) {
    if (!isJsonObject(value)) continue;
    for (const member of ASKING) {
      const dependencies = Object.hasOwn(value, member) ? value[member] : undefined;
      if (!isJsonObject(dependencies)) continue;
      for (const spec of Object.values(dependencies)) if (typeof spec === "string" && /^https?:/i.test(spec)) asked.add(spec);
    }
  }
  return asked;
}

/** Version 1: packages within packages. */
function readDependencies(fields: JsonFields, reading: Reading): readonly LockEntry[] {
  return nestedPackages(fields, reading).flatMap(
    (nested) => reading.complaints.collect(nested.at, () => readNested(nested, reading.name)) ?? [],
  );
}

function readNested({ at, name: written, isInPackage, fields }: NestedPackage, lock: string): readonly LockEntry[] {
  const [resolved, integrity] = [fields.optionalText("resolved"), fields.optionalText("integrity")];
  // This version does not say which package has it in its archive; whatever could be fetched is told.
  if (fields.optionalBoolean("bundled") === true && isInPackage && !resolved && !integrity) return [];
  const text = fields.text("version");
  const { name, version } = aliased(text) ?? { name: written, version: text };
  const elsewhere = /^https?:/i.test(version) ? BY_ADDRESS : whereElse(version);
  if (elsewhere) return [{ kind: "uncovered", at, name, ...elsewhere }];
  return [lockedPackage({ at, lock, name, version, resolved, integrity, runsOn: undefined })];
}

/** `npm:other@1.0.0`: another package under a name of the project's own. */
function aliased(version: string): { readonly name: string; readonly version: string } | undefined {
  if (!version.startsWith("npm:")) return undefined;
  const at = version.lastIndexOf("@");
  return at > "npm:".length ? { name: version.slice("npm:".length, at), version: version.slice(at + 1) } : undefined;
}
