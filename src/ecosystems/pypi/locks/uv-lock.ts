import type { Complaints } from "../../../core/complaints.ts";
import { type JsonFields, JsonShapeError } from "../../../core/json-fields.ts";
import type { Limits } from "../../../core/limits.ts";
import type { LockEntry, LockProblem, LockReader, UncoveredEntry } from "../../../core/lock-file.ts";
import { lockReading } from "../../../core/lock-reading.ts";
import { quote, quoteValue } from "../../../core/quote.ts";
import { fileNameIn, lockedFile, lockedProject, prefixedHash } from "./locked-file.ts";
import { readToml } from "./toml-document.ts";

const LOCK = "uv.lock";

/** What uv writes of a project: every file of every version, for all platforms. https://docs.astral.sh/uv/concepts/resolution/ */
export const UV_LOCK: LockReader = {
  fileNames: [LOCK],
  isFor: (name) => name === LOCK,
  manifestNames: [],
  read: (lock, _surroundings, limits) => lockReading(limits, (complaints) => readLock(lock, complaints, limits)),
};

function readLock(lock: Buffer, complaints: Complaints, limits: Limits) {
  const fields = readToml(lock, LOCK, limits);
  const version = fields.value("version");
  if (version !== 1) throw new JsonShapeError(`${LOCK}: expected version 1, got ${quoteValue(version)}`);
  const members = fields.optionalObject("manifest")?.value("members");
  const own = new Set(Array.isArray(members) ? members : []);
  const notes: LockProblem[] = [];
  const entries = fields.optionalList("package").flatMap((fields, index) => {
    const at = `package[${index}]`;
    return complaints.collect(at, () => readPackage(fields, { at, own, notes })) ?? [];
  });
  return { format: `${LOCK}, version 1`, entries, notes };
}

interface Reading {
  readonly at: string;
  /** The members of the workspace. */
  readonly own: ReadonlySet<unknown>;
  /** For what is left out. */
  readonly notes: LockProblem[];
}

function readPackage(fields: JsonFields, { at, own, notes }: Reading): readonly LockEntry[] {
  const name = fields.text("name");
  const project = lockedProject(name, at);
  const source = fields.object("source");
  const elsewhere = whereElse(source);
  if (elsewhere) {
    const isOwn = elsewhere.source === "path" && (elsewhere.place === "." || own.has(name));
    return isOwn ? [] : [{ kind: "uncovered", at, name, source: elsewhere.source, reason: elsewhere.reason }];
  }
  // Which registry it was is left out: the mirror's own upstreams are asked.
  source.text("registry");
  const version = fields.text("version");
  const sdist = fields.optionalObject("sdist");
  const files = [...(sdist ? [{ at: `${at}.sdist`, fields: sdist }] : []), ...wheelsOf(fields, at)];
  if (files.length === 0) return [{ kind: "uncovered", at, name, source: "registry", reason: "the lock names no file of it" }];
  return files.flatMap(({ at, fields }) => {
    const file = fileNameIn(fields.optionalText("url") ?? fields.optionalText("path") ?? fields.text("filename"), at);
    const hash = fields.optionalText("hash");
    const pin = hash === undefined ? undefined : prefixedHash(hash, { at, claimedBy: `${LOCK} for ${file}` });
    const entry = lockedFile({ at, project, version, file, pins: pin ? [pin] : [] });
    if (!entry) notes.push({ at, text: `${at}: ${quote(file)} is of a kind that no installer takes, and is left out` });
    return entry ?? [];
  });
}

function wheelsOf(fields: JsonFields, at: string) {
  return fields.optionalList("wheels").map((wheel, index) => ({ at: `${at}.wheels[${index}]`, fields: wheel }));
}

/** Where a package comes from that is no registry's; undefined for one that is. */
function whereElse(source: JsonFields): (Pick<UncoveredEntry, "source" | "reason"> & { readonly place: string }) | undefined {
  const git = source.optionalText("git");
  if (git !== undefined) return { source: "git", place: git, reason: "it comes from a git repository" };
  const url = source.optionalText("url");
  if (url !== undefined) return { source: "url", place: url, reason: "it comes from an address of its own, not from a registry" };
  for (const kind of ["path", "directory", "editable", "virtual"]) {
    const place = source.optionalText(kind);
    if (place !== undefined) return { source: "path", place, reason: `it comes from the path ${quote(place)}, not from a registry` };
  }
  const registry = source.optionalText("registry");
  // A flat index on disk. With a scheme it is an address; `C:/` is none.
  if (registry !== undefined && !/^[a-z][a-z0-9+.-]+:\/\//i.test(registry))
    return { source: "path", place: registry, reason: `it comes from the folder ${quote(registry)}, not from a registry` };
  return undefined;
}
