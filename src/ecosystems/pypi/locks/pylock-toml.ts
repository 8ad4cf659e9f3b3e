import type { Complaints } from "../../../core/complaints.ts";
import type { Checksum } from "../../../core/digest.ts";
import { type JsonFields, JsonShapeError } from "../../../core/json-fields.ts";
import type { Limits } from "../../../core/limits.ts";
import type { LockEntry, LockProblem, LockReader, UncoveredEntry } from "../../../core/lock-file.ts";
import { lockReading } from "../../../core/lock-reading.ts";
import { quote } from "../../../core/quote.ts";
import { fileNameIn, lockedFile, lockedHash, lockedProject } from "./locked-file.ts";
import { readToml } from "./toml-document.ts";

const LOCK = "pylock.toml";

/** The lock that installers share (PEP 751): `pylock.toml`, `pylock.NAME.toml`. https://packaging.python.org/en/latest/specifications/pylock-toml/ */
export const PYLOCK_TOML: LockReader = {
  fileNames: [LOCK, "pylock.NAME.toml"],
  isFor: (name) => /^pylock\.(?:[^.]+\.)?toml$/.test(name),
  manifestNames: [],
  read: (lock, _surroundings, limits) => lockReading(limits, (complaints) => readLock(lock, complaints, limits)),
};

function readLock(lock: Buffer, complaints: Complaints, limits: Limits) {
  const fields = readToml(lock, LOCK, limits);
  const version = fields.text("lock-version");
  // A tool must refuse a major version that it does not know, and may read a later minor one.
  if (!/^1\.[0-9]{1,3}$/.test(version)) throw new JsonShapeError(`${LOCK}: expected lock-version 1.0, got ${quote(version)}`);
  const notes: LockProblem[] = [];
  const entries = fields.list("packages").flatMap((fields, index) => {
    const at = `packages[${index}]`;
    return complaints.collect(at, () => readPackage(fields, at, notes)) ?? [];
  });
  return { format: `${LOCK}, version ${version}`, entries, notes };
}

function readPackage(fields: JsonFields, at: string, notes: LockProblem[]): readonly LockEntry[] {
  const name = fields.text("name");
  const project = lockedProject(name, at);
  const elsewhere = whereElse(fields);
  if (elsewhere) return [{ kind: "uncovered", at, name, ...elsewhere }];
  const version = fields.optionalText("version");
  const sdist = fields.optionalObject("sdist");
  const wheels = fields.optionalList("wheels").map((wheel, index) => ({ at: `${at}.wheels[${index}]`, fields: wheel }));
  const files = [...(sdist ? [{ at: `${at}.sdist`, fields: sdist }] : []), ...wheels];
  if (files.length === 0) throw new JsonShapeError(`${at}: expected vcs, directory, archive, sdist or wheels, got none of them`);
  return files.flatMap(({ at, fields }) => {
    const [url, path] = [fields.optionalText("url"), fields.optionalText("path")];
    const file = fields.optionalText("name") ?? fileNameIn(path ?? url ?? "", at);
    // With both, an installer takes the file on disk where it is there.
    if (url === undefined && path !== undefined)
      return [{ kind: "uncovered" as const, at, name: file, source: "path" as const, reason: `it comes from the path ${quote(path)}` }];
    const entry = lockedFile({ at, project, version, file, pins: hashesOf(fields, { at, claimedBy: `${LOCK} for ${file}` }) });
    if (!entry) notes.push({ at, text: `${at}: ${quote(file)} is of a kind that no installer takes, and is left out` });
    return entry ?? [];
  });
}

function whereElse(fields: JsonFields): Pick<UncoveredEntry, "source" | "reason"> | undefined {
  if (fields.optionalObject("vcs")) return { source: "git", reason: "it comes from a version control system" };
  const directory = fields.optionalObject("directory");
  if (directory) return { source: "path", reason: `it comes from the folder ${quote(directory.text("path"))}` };
  const archive = fields.optionalObject("archive");
  if (!archive) return undefined;
  const path = archive.optionalText("path");
  if (path !== undefined) return { source: "path", reason: `it comes from the path ${quote(path)}` };
  return { source: "url", reason: "it comes from an address of its own, not from a registry" };
}

function hashesOf(fields: JsonFields, place: { readonly at: string; readonly claimedBy: string }): readonly Checksum[] {
  return Object.entries(fields.textMap("hashes")).flatMap(([algorithm, hex]) => lockedHash(algorithm, hex, place) ?? []);
}
