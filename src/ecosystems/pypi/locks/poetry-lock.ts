import type { Complaints } from "../../../core/complaints.ts";
import { type JsonFields, JsonShapeError } from "../../../core/json-fields.ts";
import type { Limits } from "../../../core/limits.ts";
import type { LockEntry, LockProblem, LockReader, UncoveredEntry } from "../../../core/lock-file.ts";
import { lockReading } from "../../../core/lock-reading.ts";
import { quote } from "../../../core/quote.ts";
import { parseFileName } from "../file-name.ts";
import { normalizeName } from "../project-name.ts";
import { sameVersion } from "../version.ts";
import { lockedFile, lockedProject, prefixedHash } from "./locked-file.ts";
import { readToml } from "./toml-document.ts";

const LOCK = "poetry.lock";

/** What Poetry writes of a project: version 2 with the files beside each package, version 1 with all of them in one table at its end. */
export const POETRY_LOCK: LockReader = {
  fileNames: [LOCK],
  isFor: (name) => name === LOCK,
  manifestNames: [],
  read: (lock, _surroundings, limits) => lockReading(limits, (complaints) => readLock(lock, complaints, limits)),
};

function readLock(lock: Buffer, complaints: Complaints, limits: Limits) {
  const fields = readToml(lock, LOCK, limits);
  const metadata = fields.object("metadata");
  const version = metadata.text("lock-version");
  if (!/^[12]\.[0-9]{1,3}$/.test(version)) throw new JsonShapeError(`${LOCK}: expected lock-version 1 or 2, got ${quote(version)}`);
  const filesOf = version.startsWith("1.") ? filesInTable(metadata.object("files")) : filesBeside;
  const notes: LockProblem[] = [];
  const entries = fields.optionalList("package").flatMap((fields, index) => {
    const at = `package[${index}]`;
    return complaints.collect(at, () => readPackage(fields, { at, filesOf, notes })) ?? [];
  });
  return { format: `${LOCK}, version ${version}`, entries, notes };
}

/** The files that the lock names of a package. */
type FilesOf = (fields: JsonFields, about: { readonly project: string; readonly version: string }) => readonly JsonFields[];

interface Reading {
  readonly at: string;
  readonly filesOf: FilesOf;
  /** For what is left out. */
  readonly notes: LockProblem[];
}

function readPackage(fields: JsonFields, { at, filesOf, notes }: Reading): readonly LockEntry[] {
  const name = fields.text("name");
  const project = lockedProject(name, at);
  const version = fields.text("version");
  const elsewhere = whereElse(fields.optionalObject("source"));
  if (elsewhere) return [{ kind: "uncovered", at, name, ...elsewhere }];
  const files = filesOf(fields, { project, version });
  if (files.length === 0) return [{ kind: "uncovered", at, name, source: "registry", reason: "the lock names no file of it" }];
  return files.flatMap((each) => {
    const file = each.text("file");
    const pin = prefixedHash(each.text("hash"), { at, claimedBy: `${LOCK} for ${file}` });
    const entry = lockedFile({ at: `${at}: ${quote(file)}`, project, version, file, pins: pin ? [pin] : [] });
    if (!entry) notes.push({ at, text: `${at}: ${quote(file)} is of a kind that no installer takes, and is left out` });
    return entry ?? [];
  });
}

function filesBeside(fields: JsonFields): readonly JsonFields[] {
  return fields.list("files");
}

/** Version 1 lists the files of all locked versions of a name together: each tells its version by its name. */
function filesInTable(table: JsonFields): FilesOf {
  return (fields, { project, version }) => {
    const name = fields.text("name");
    const written = [name, normalizeName(name)].find((each) => table.value(each) !== undefined);
    if (written === undefined) return [];
    return table.list(written).filter((each) => {
      const parsed = parseFileName(each.text("file"), project);
      // One whose version cannot be told is not passed over: it is complained of where it is read.
      return parsed === undefined || sameVersion(parsed.version, version);
    });
  };
}

/** `legacy` is Poetry's word for an index other than its default. Throws JsonShapeError for a kind of source that is not known. */
function whereElse(source: JsonFields | undefined): Pick<UncoveredEntry, "source" | "reason"> | undefined {
  const type = source?.text("type");
  switch (type) {
    case undefined:
    case "legacy":
      return undefined;
    case "git":
      return { source: "git", reason: "it comes from a git repository" };
    case "url":
      return { source: "url", reason: "it comes from an address of its own, not from a registry" };
    case "file":
    case "directory":
      return { source: "path", reason: `it comes from the path ${quote(source?.text("url") ?? "")}` };
    default:
      throw new JsonShapeError(`expected a source of type legacy, git, url, file or directory, got ${quote(type)}`);
  }
}
