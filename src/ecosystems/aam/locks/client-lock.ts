import { Complaints } from "../../../core/complaints.ts";
import { AssayError } from "../../../core/errors.ts";
import { isJsonObject } from "../../../core/json.ts";
import { JsonFields, JsonShapeError } from "../../../core/json-fields.ts";
import type { Limits } from "../../../core/limits.ts";
import type { LockEntry, LockReader, LockReading, UncoveredEntry } from "../../../core/lock-file.ts";
import { quote } from "../../../core/quote.ts";
import { parseYamlObject } from "../../../core/yaml-document.ts";
import { lockedArtifact, lockedName, lockedVersion } from "./entry-fields.ts";

const LOCK = "aam-lock.yaml";
/** YAML is slow to parse. The client's own lock takes some 300 bytes a package. */
const LOCK_BYTES = 1024 * 1024;

/**
 * What the `aam` client (0.1.0) writes of what it installed: `.aam/aam-lock.yaml`. Its `source` is the name that the user's configuration gives the registry, or `local` or
 * `source` for what came from elsewhere. It is made from no manifest, and it names dependencies by their ranges: the client installs none of them.
 */
export const CLIENT_LOCK: LockReader = {
  fileNames: [LOCK],
  isFor: (name) => name === LOCK,
  manifestNames: [],
  read: (lock, _surroundings, limits) => read(lock, limits),
};

function read(lock: Buffer, limits: Pick<Limits, "jsonDepth">): LockReading {
  const complaints = new Complaints();
  const entries = complaints.collect("", () => readEntries(lock, complaints, limits));
  return complaints.readingOf(entries && { format: `${LOCK}, version 1`, entries, stale: [], notes: [] });
}

function readEntries(lock: Buffer, complaints: Complaints, { jsonDepth }: Pick<Limits, "jsonDepth">): readonly LockEntry[] {
  const fields = new JsonFields(parse(lock, jsonDepth), LOCK);
  const lockVersion = fields.value("lockfile_version");
  if (lockVersion !== 1)
    throw new JsonShapeError(`${LOCK}: expected lockfile_version 1, got ${quote(JSON.stringify(lockVersion) ?? "nothing")}`);
  const packages = fields.value("packages") ?? {};
  if (!isJsonObject(packages)) throw new JsonShapeError(`${LOCK}: expected packages as a map of names to what was installed`);
  const read = Object.entries(packages).flatMap(([name, value]) => {
    const at = `packages[${quote(name)}]`;
    return complaints.collect(at, () => readInstalled(name, new JsonFields(value, at), at)) ?? [];
  });
  const locked = new Set(Object.keys(packages));
  return [...read.map(({ entry }) => entry), ...read.flatMap((installed) => leftOut(installed, locked))];
}

function parse(lock: Buffer, maxDepth: number) {
  if (lock.length > LOCK_BYTES) throw new JsonShapeError(`${LOCK} has more than ${LOCK_BYTES} bytes`);
  try {
    return parseYamlObject(lock, { maxDepth, source: LOCK });
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    throw new JsonShapeError(error.message);
  }
}

interface Installed {
  readonly entry: LockEntry;
  readonly dependencies: Readonly<Record<string, string>>;
}

function readInstalled(written: string, fields: JsonFields, at: string): Installed {
  const name = lockedName(written, at);
  const source = fields.text("source");
  const dependencies = fields.optionalTextMap("dependencies");
  const uncovered = (from: UncoveredEntry["source"], reason: string): Installed => ({
    entry: { kind: "uncovered", at, name, source: from, reason },
    dependencies,
  });
  if (source === "local") return uncovered("path", "it was installed from this machine, not from a registry");
  // Its checksum is of a manifest that the client made, not of anything that was published.
  if (source === "source") return uncovered("git", `it comes from the git source ${quote(fields.optionalText("source_name") ?? "")}`);
  const version = lockedVersion(fields.text("version"), at);
  const integrity = fields.optionalText("checksum");
  if (integrity === undefined) return uncovered("registry", "the lock pins no digest of it");
  return { entry: lockedArtifact(LOCK, { name, version, at, integrity }), dependencies };
}

/** Dependencies that the client named and did not install: nothing says which version, or which bytes, an agent would meet. */
function leftOut({ entry, dependencies }: Installed, locked: ReadonlySet<string>): readonly LockEntry[] {
  return Object.entries(dependencies)
    .filter(([name]) => !locked.has(name))
    .map(([name, range]) => ({
      kind: "uncovered",
      at: `${entry.at}.dependencies`,
      name,
      source: "registry",
      reason: `${entry.name} depends on it as ${quote(range)}, and it is not locked: the aam client installs no dependencies`,
    }));
}
