import { posix } from "node:path";
import type { Complaints } from "../../../core/complaints.ts";
import type { Checksum } from "../../../core/digest.ts";
import { JsonShapeError } from "../../../core/json-fields.ts";
import type { Limits } from "../../../core/limits.ts";
import type { LockEntry, LockProblem, LockReader } from "../../../core/lock-file.ts";
import { lockReading } from "../../../core/lock-reading.ts";
import { quote } from "../../../core/quote.ts";
import { prefixedHash } from "./locked-file.ts";
import { parseRequirement, type Requirement } from "./requirement.ts";
import { type LineOption, type LogicalLine, requirementLines, splitOptions } from "./requirement-lines.ts";

const LOCK = "requirements.txt";
/** Files that take in files that take in files. */
const MAX_DEPTH = 20;

/** What pip-compile, `uv export` and people write: `name==version --hash=…`. Any file that ends with `.txt`. https://pip.pypa.io/en/stable/topics/secure-installs/ */
export const REQUIREMENTS_TXT: LockReader = {
  fileNames: [LOCK, "NAME.txt"],
  isFor: (name) => name.toLowerCase().endsWith(".txt"),
  manifestNames: [],
  includes,
  read: (lock, { name = LOCK, included = new Map() }, limits) =>
    lockReading(limits, (complaints) => readLock(lock, { name, included, complaints, limits })),
};

/** Of a file that cannot be read nothing is taken in: that is told where it is read. */
function includes(body: Buffer, { sidecarBytes }: Limits): readonly string[] {
  if (body.length > sidecarBytes) return [];
  try {
    return requirementLines(body, LOCK).flatMap((line) =>
      splitOptions(line).options.flatMap((option) => (isInclude(option) ? option.value : [])),
    );
  } catch (error) {
    if (error instanceof JsonShapeError) return [];
    throw error;
  }
}

function isInclude({ name }: LineOption): boolean {
  return name === "--requirement" || name === "--constraint";
}

interface Surroundings {
  readonly name: string;
  readonly included: ReadonlyMap<string, Buffer>;
  readonly complaints: Complaints;
  readonly limits: Pick<Limits, "sidecarBytes" | "listedFiles">;
}

/** What a line says. */
interface Line {
  readonly at: string;
  readonly requirement: Requirement;
  /** As the line writes them, all of one version's files. */
  readonly hashes: readonly Checksum[];
  /** Whether it pins hashes at all, of whatever kinds. */
  readonly isHashed: boolean;
}

/** Everything that the files say, in the order in which pip reads them. */
class Collected {
  readonly lines: Line[] = [];
  readonly constraints: Line[] = [];
  readonly notes: LockProblem[] = [];
  readonly #read = new Set<string>();

  /** Whether a file is read for the first time as what it is read as. */
  isNew(path: string, isConstraint: boolean): boolean {
    const key = `${isConstraint}\0${path}`;
    return !this.#read.has(key) && this.#read.add(key) !== undefined;
  }
}

function readLock(lock: Buffer, surroundings: Surroundings) {
  const collected = new Collected();
  readFile({ path: surroundings.name, body: lock, isConstraint: false, depth: 0 }, collected, surroundings);
  const constraints = new Map(
    collected.constraints.flatMap((line) => (line.requirement.kind === "named" ? [[line.requirement.project, line]] : [])),
  );
  return { format: surroundings.name, entries: collected.lines.map((line) => entryOf(line, constraints)), notes: collected.notes };
}

interface RequirementsFile {
  readonly path: string;
  readonly body: Buffer;
  readonly isConstraint: boolean;
  readonly depth: number;
}

function readFile(file: RequirementsFile, collected: Collected, surroundings: Surroundings): void {
  const { complaints, limits } = surroundings;
  const { path, body, isConstraint } = file;
  const lines = complaints.collect(path, () => {
    if (body.length > limits.sidecarBytes) throw new JsonShapeError(`${path} has more than ${limits.sidecarBytes} bytes`);
    return requirementLines(body, path);
  });
  for (const line of lines ?? []) {
    complaints.collect(line.at, () => {
      const { requirement, options } = splitOptions(line);
      if (requirement !== "") (isConstraint ? collected.constraints : collected.lines).push(lineOf(line, requirement, options));
      else for (const option of options) followOption(option, line, { file, collected, surroundings });
    });
  }
}

function lineOf({ at }: LogicalLine, text: string, options: readonly LineOption[]): Line {
  const requirement = parseRequirement(text, at);
  const hashes = options.filter(({ name }) => name === "--hash").map(({ value }) => value);
  const claimedBy = requirement.kind === "named" ? `${at} for ${requirement.project}` : at;
  return { at, requirement, hashes: hashes.flatMap((hash) => prefixedHash(hash, { at, claimedBy }) ?? []), isHashed: hashes.length > 0 };
}

function followOption(
  option: LineOption,
  { at }: LogicalLine,
  {
    file,
    collected,
    surroundings,
  }: { readonly file: RequirementsFile; readonly collected: Collected; readonly surroundings: Surroundings },
): void {
  switch (option.name) {
    case "--requirement":
    case "--constraint":
      readIncluded(option, at, { file, collected, surroundings });
      return;
    case "--editable":
      collected.lines.push({ at, requirement: elsewhere(option.value, at), hashes: [], isHashed: false });
      return;
    case "--index-url":
    case "--extra-index-url":
    case "--find-links":
      // Its address may hold a password.
      collected.notes.push({ at, text: `${at}: the address after ${option.name} is not followed: the upstreams of this mirror are asked` });
      return;
    default:
      return; // What else there is tells an installer how to build or choose, and says nothing of bytes.
  }
}

function elsewhere(place: string, at: string): Requirement {
  const requirement = parseRequirement(place, at);
  if (requirement.kind === "elsewhere") return requirement;
  return { kind: "elsewhere", name: place, source: "path", reason: "it comes from a path, not from a registry" };
}

function readIncluded(
  { name, value }: LineOption,
  at: string,
  {
    file,
    collected,
    surroundings,
  }: { readonly file: RequirementsFile; readonly collected: Collected; readonly surroundings: Surroundings },
): void {
  const path = posix.join(posix.dirname(file.path), value);
  const body = surroundings.included.get(path);
  const isConstraint = file.isConstraint || name === "--constraint";
  if (path === surroundings.name || !collected.isNew(path, isConstraint)) return;
  if (!body) throw new JsonShapeError(`${at}: ${quote(value)} was not found`);
  if (file.depth >= MAX_DEPTH) throw new JsonShapeError(`${at}: files take in files more than ${MAX_DEPTH} deep`);
  readFile({ path, body, isConstraint, depth: file.depth + 1 }, collected, surroundings);
}

/** What a line leaves open its constraint may say: pip merges the two. */
function entryOf(line: Line, constraints: ReadonlyMap<string, Line>): LockEntry {
  const { at, requirement } = line;
  if (requirement.kind === "elsewhere") {
    const { name, source, reason } = requirement;
    return { kind: "uncovered", at, name, source, reason };
  }
  const { project } = requirement;
  const constraint = constraints.get(project);
  const constrained = constraint?.requirement.kind === "named" ? constraint.requirement.version : undefined;
  const version = requirement.version ?? constrained;
  const { hashes, isHashed } = line.isHashed ? line : (constraint ?? line);
  const [first, ...others] = hashes;
  const uncovered = (reason: string): LockEntry => ({ kind: "uncovered", at, name: project, source: "registry", reason });
  if (version === undefined) return uncovered("the line pins no exact version (==)");
  if (!first) return uncovered(isHashed ? "the line pins no digest that Assay computes" : "the line pins no digest (--hash)");
  return { kind: "version", at, ecosystem: "pypi", name: project, version, anyOf: [first, ...others] };
}
