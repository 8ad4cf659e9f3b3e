import type { JsonFields } from "../../../core/json-fields.ts";
import type { LockProblem } from "../../../core/lock-file.ts";
import { quote } from "../../../core/quote.ts";
import type { Version } from "../names.ts";
import { isInRange } from "../range.ts";

/** A package of a lock, with what its own manifest asked for by then. */
export interface ResolvedPackage {
  readonly at: string;
  readonly version: Version;
  /** The dist-tag that it was chosen by. */
  readonly tag?: string;
  /** Range by name; version 2 writes the version that was chosen. */
  readonly dependencies: Readonly<Record<string, string>>;
}

export interface ResolvedGraph {
  readonly resolved: ReadonlyMap<string, ResolvedPackage>;
  /** Dependency groups and extras of the root that the lock was made with. */
  readonly groups: readonly string[];
  readonly extras: readonly string[];
  /** Whether it is the lock of a workspace: its members ask for packages too, in manifests that are not at hand. */
  readonly hasMembers: boolean;
}

/** Edges that lead out of the lock, or to another version than is locked. */
export function openEdges({ resolved }: Pick<ResolvedGraph, "resolved">): readonly LockProblem[] {
  return [...resolved.values()].flatMap(({ at, dependencies }) =>
    Object.entries(dependencies).flatMap(([name, range]) => {
      const unmet = unmetBy(resolved.get(name), range);
      return unmet === undefined ? [] : [{ at, text: `${at} depends on ${quote(name)} as ${quote(range)}, ${unmet}` }];
    }),
  );
}

/**
 * What of the manifest the lock does not say, and what it says that the manifest does not ask for: sections 13.4 and 14.4 let a frozen install go by the lock alone, so the
 * two must agree exactly. A `resolutions` entry stands in for every range of its package. `what` names the manifest. Throws JsonShapeError for a manifest that is none.
 */
export function staleAgainst(graph: ResolvedGraph, manifest: JsonFields, what: string): readonly LockProblem[] {
  const { resolved } = graph;
  const overrides = manifest.optionalTextMap("resolutions");
  const wanted = wantedBy(manifest, graph, what);
  const stale = wanted.stale.map((text) => ({ at: what, text }));
  for (const { name, range, required } of wanted.dependencies) {
    const found = resolved.get(name);
    if (!found && !required) continue;
    const asked = Object.hasOwn(overrides, name) ? (overrides[name] ?? range) : range;
    const unmet = unmetBy(found, asked);
    if (unmet !== undefined) stale.push({ at: what, text: `${what} asks for ${quote(name)} as ${quote(asked)}, ${unmet}` });
  }
  if (graph.hasMembers) return stale;
  const reached = reachedFrom(wanted.dependencies, resolved);
  const orphans = [...resolved].filter(([name]) => !reached.has(name));
  return [...stale, ...orphans.map(([, { at }]) => ({ at, text: `${at} is locked, and nothing that ${what} asks for needs it` }))];
}

interface Wanted {
  readonly name: string;
  readonly range: string;
  /** Optional and peer dependencies may be left out of an install. */
  readonly required: boolean;
}

function wantedBy(manifest: JsonFields, { groups, extras }: ResolvedGraph, what: string) {
  const dependencies: Wanted[] = [];
  const stale: string[] = [];
  const add = (ranges: Readonly<Record<string, string>>, required: boolean): void => {
    for (const [name, range] of Object.entries(ranges)) dependencies.push({ name, range, required });
  };
  add(manifest.optionalTextMap("dependencies"), true);
  add(manifest.optionalTextMap("optionalDependencies"), false);
  add(manifest.optionalTextMap("peerDependencies"), false);
  for (const [member, names] of [["dependencyGroups", groups] as const, ["extras", extras] as const]) {
    const all = manifest.optionalObject(member);
    for (const name of names) {
      const chosen = all?.optionalObject(name);
      if (chosen) add(chosen.optionalTextMap("dependencies"), true);
      else stale.push(`the lock was made with ${quote(name)} of ${member}, which ${what} does not have`);
    }
  }
  return { dependencies, stale };
}

/** Why what is locked is not what is asked for; undefined where it is. A range that is none may still be the dist-tag that the version was chosen by. */
function unmetBy(found: ResolvedPackage | undefined, range: string): string | undefined {
  if (!found) return "and the lock has none of it";
  const isMet = isInRange(found.version, range) ?? found.tag === range;
  return isMet ? undefined : `and the lock has ${found.version}`;
}

function reachedFrom(wanted: readonly Wanted[], resolved: ResolvedGraph["resolved"]): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = wanted.map(({ name }) => name);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    open.push(...Object.keys(resolved.get(name)?.dependencies ?? {}));
  }
  return reached;
}
