import { Complaints } from "../../../core/complaints.ts";
import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject } from "../../../core/json.ts";
import { JsonFields, JsonShapeError } from "../../../core/json-fields.ts";
import type { Limits } from "../../../core/limits.ts";
import type { LockEntry, LockManifest, LockProblem, LockReader, LockReading, LockSurroundings } from "../../../core/lock-file.ts";
import { parseStrictJsonObject, StrictJsonError } from "../../../core/parse-strict-json.ts";
import { quote } from "../../../core/quote.ts";
import type { PackageName } from "../names.ts";
import { authoredManifest } from "../pack/authored-manifest.ts";
import { lockedArtifact, lockedName, lockedVersion } from "./entry-fields.ts";
import { sourceObject, sourceText, whyUncovered } from "./lock-source.ts";
import { openEdges, type ResolvedGraph, type ResolvedPackage, staleAgainst } from "./staleness.ts";

const LOCK = "package.agent.lock";
/** Section 3: where there are both, the JSON counts. */
const MANIFESTS = ["package.agent.json", "package.agent.yaml"];

/** The lock of the AAM specification (section 13.3), version 2, and version 1 with its sources as texts. */
export const AGENT_LOCK: LockReader = { fileNames: [LOCK], isFor: (name) => name === LOCK, manifestNames: MANIFESTS, read };

type ReadingLimits = Pick<Limits, "sidecarBytes" | "jsonDepth" | "listedFiles">;

function read(lock: Buffer, { manifest }: LockSurroundings, limits: ReadingLimits): LockReading {
  const complaints = new Complaints();
  const graph = complaints.collect("", () => readGraph(readObject(lock, LOCK, limits), complaints, limits));
  const wanted = manifest && complaints.collect(manifest.name, () => readManifest(manifest, limits));
  const told = graph && complaints.collect(manifest?.name ?? "", () => staleness(graph, wanted));
  return complaints.readingOf(
    graph &&
      told && {
        format: `${LOCK}, version ${graph.lockVersion}`,
        entries: [...graph.resolved.values()].map(({ entry }) => entry),
        stale: told,
        notes: [],
      },
  );
}

interface Graph extends ResolvedGraph {
  readonly lockVersion: 1 | 2;
  readonly resolved: ReadonlyMap<string, ResolvedPackage & { readonly entry: LockEntry }>;
}

interface ReadManifest {
  readonly name: string;
  readonly fields: JsonFields;
}

function staleness(graph: Graph, manifest: ReadManifest | undefined): readonly LockProblem[] {
  return [...openEdges(graph), ...(manifest ? staleAgainst(graph, manifest.fields, manifest.name) : [])];
}

function readManifest({ name, body }: LockManifest, limits: ReadingLimits): ReadManifest {
  if (!/\.ya?ml$/.test(name)) return { name, fields: new JsonFields(readObject(body, name, limits), name) };
  try {
    return { name, fields: new JsonFields(authoredManifest(body, limits.jsonDepth), name) };
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    throw new JsonShapeError(error.message);
  }
}

function readObject(body: Buffer, what: string, { sidecarBytes, jsonDepth }: ReadingLimits): JsonObject {
  if (body.length > sidecarBytes) throw new JsonShapeError(`${what} has more than ${sidecarBytes} bytes`);
  try {
    return parseStrictJsonObject(body, jsonDepth);
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    throw new JsonShapeError(`${what} cannot be read: ${error.message}`);
  }
}

function readGraph(document: JsonObject, complaints: Complaints, { listedFiles }: ReadingLimits): Graph {
  const fields = new JsonFields(document, LOCK);
  const lockVersion = fields.value("lockVersion");
  if (lockVersion !== 1 && lockVersion !== 2)
    throw new JsonShapeError(`${LOCK}: expected lockVersion 1 or 2, got ${quote(JSON.stringify(lockVersion) ?? "nothing")}`);
  const { resolved = null } = document;
  if (!isJsonObject(resolved)) throw new JsonShapeError(`${LOCK}: expected resolved as a map of names to what was locked`);
  const entries = Object.entries(resolved);
  if (entries.length > listedFiles) throw new JsonShapeError(`${LOCK}: it locks ${entries.length} packages, more than ${listedFiles}`);
  const packages = entries.flatMap(([written, value]) => {
    const at = `resolved[${quote(written)}]`;
    const found = complaints.collect(at, () => {
      const name = lockedName(written, at);
      return [name, readPackage(name, new JsonFields(value, at), at, lockVersion)] as const;
    });
    return found ? [found] : [];
  });
  return {
    lockVersion,
    resolved: new Map(packages),
    groups: selected(fields, "groups"),
    extras: selected(fields, "selectedExtras"),
    // Section 13.14: what its members ask for stands in their own manifests.
    hasMembers: fields.value("workspaceMembers") !== undefined,
  };
}

function readPackage(
  name: PackageName,
  fields: JsonFields,
  at: string,
  lockVersion: 1 | 2,
): ResolvedPackage & { readonly entry: LockEntry } {
  const version = lockedVersion(fields.text("version"), at);
  const source =
    lockVersion === 2 ? sourceObject(fields.object("source"), at, { name, version }) : sourceText(fields.text("source"), at, name);
  const entry: LockEntry =
    source.kind === "registry"
      ? lockedArtifact(LOCK, { name, version, at, integrity: fields.text("integrity") })
      : { kind: "uncovered", at, name, source: source.kind, reason: whyUncovered(source) };
  const tag = source.kind === "registry" ? source.tag : undefined;
  return { entry, at, version, ...(tag === undefined ? {} : { tag }), dependencies: fields.optionalTextMap("dependencies") };
}

/** The names of a map that are given `true`. */
function selected(fields: JsonFields, member: string): readonly string[] {
  const value = fields.value(member) ?? {};
  const entries = isJsonObject(value) ? Object.entries(value) : undefined;
  if (!entries?.every(([, chosen]) => typeof chosen === "boolean"))
    throw new JsonShapeError(`${LOCK}: expected ${member} as a map of names to true or false`);
  return entries.filter(([, chosen]) => chosen === true).map(([name]) => name);
}
