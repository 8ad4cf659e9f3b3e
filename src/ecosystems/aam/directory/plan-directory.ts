import semver from "semver";
import type { Version } from "../names.ts";
import { clientVersionProblem } from "./client-version.ts";
import type { DirectoryEntry, DirectoryTags } from "./directory-entry.ts";
import { indexFiles, json } from "./index-files.ts";
import type { LeftOut } from "./left-out.ts";
import {
  archivePath,
  type ClientEntry,
  type DirectoryPackage,
  evidencePath,
  metadataYaml,
  metaJson,
  newestOf,
  packageFolder,
  sha256File,
} from "./package-files.ts";

/** A directory as it is to be: what is not named is not in it. Paths are relative to it, with slashes. */
export interface DirectoryPlan {
  /** By the path of the archive. */
  readonly archives: ReadonlyMap<string, DirectoryEntry>;
  /** Paths of the files with signatures beside archives. */
  readonly evidence: ReadonlySet<string>;
  /** Texts beside each archive and in each package's folder, by path. */
  readonly packageFiles: ReadonlyMap<string, string>;
  /** Texts at the root, by path: to be written last. */
  readonly indexFiles: ReadonlyMap<string, string>;
  readonly packages: readonly DirectoryPackage[];
  readonly leftOut: readonly LeftOut[];
}

/**
 * A local registry in both layouts at once, which have no file name in common: the one of the specification (section 12.5), and the one that the `aam` client 0.1.0 reads.
 * The first has all `entries`; the second those that the client can install. `known` is what was left out before.
 */
export function planDirectory(entries: readonly DirectoryEntry[], tags: DirectoryTags, known: readonly LeftOut[]): DirectoryPlan {
  const { kept, leftOut: clashing } = withoutClashes(entries);
  const byName = [...Map.groupBy(kept, ({ name }) => name)].sort(([a], [b]) => (a < b ? -1 : 1));
  const packages = byName.flatMap(([, [first, ...others]]) => (first ? [packageOf([first, ...others], tags)] : []));
  const leftOut = [...known, ...clashing, ...kept.flatMap(notForClient)].sort(byPackage);
  return {
    archives: new Map(kept.map((entry) => [archivePath(entry), entry])),
    evidence: new Set(kept.flatMap((entry) => entry.evidence.map((ending) => evidencePath(entry, ending)))),
    packageFiles: new Map(packages.flatMap(filesOf)),
    indexFiles: indexFiles(packages, leftOut),
    packages,
    leftOut,
  };
}

function packageOf(unordered: readonly [DirectoryEntry, ...DirectoryEntry[]], tags: DirectoryTags): DirectoryPackage {
  const [{ name }] = unordered;
  const [first = unordered[0], ...others] = unordered.toSorted((a, b) => semver.compareBuild(a.version, b.version));
  const entries = [first, ...others] as const;
  const own = new Map([...(tags.get(name) ?? [])].filter(([, tagged]) => entries.some(({ version }) => version === tagged)));
  const latest = (newestOf(entries, own.get("latest")) ?? first).version;
  return {
    name,
    entries,
    forClient: entries.flatMap(clientEntry),
    tags: new Map([["latest", latest], ...[...own].filter(([tag]) => tag !== "latest")] as [string, Version][]),
  };
}

function filesOf(found: DirectoryPackage): readonly (readonly [string, string])[] {
  const folder = packageFolder(found.name);
  const forClient = metadataYaml(found);
  return [
    ...found.entries.map((entry) => [`${archivePath(entry)}.sha256`, sha256File(entry)] as const),
    [`${folder}/meta.json`, json(metaJson(found))],
    ...(forClient === undefined ? [] : [[`${folder}/metadata.yaml`, forClient] as const]),
  ];
}

function clientEntry(entry: DirectoryEntry): readonly ClientEntry[] {
  const { client } = entry.facts;
  return "problem" in client || clientVersionProblem(entry.version) !== undefined ? [] : [{ ...entry, client }];
}

function notForClient({ name, version, facts: { client } }: DirectoryEntry): readonly LeftOut[] {
  const line = { package: name, version, from: "aam-client" } as const;
  const problem = clientVersionProblem(version);
  if (problem !== undefined) return [{ ...line, code: "CLIENT_VERSION", reason: problem }];
  return "problem" in client ? [{ ...line, code: "CLIENT_MANIFEST", reason: client.problem }] : [];
}

/**
 * Where the file system does not tell case, `1.0.0-RC` and `1.0.0-rc` are one file. So of two such versions neither is there: which of them is the right one nobody knows.
 */
function withoutClashes(entries: readonly DirectoryEntry[]): {
  readonly kept: readonly DirectoryEntry[];
  readonly leftOut: readonly LeftOut[];
} {
  const byPlace = Map.groupBy(entries, (entry) => archivePath(entry).toLowerCase());
  const clashing = new Set([...byPlace.values()].filter(({ length }) => length > 1).flat());
  const leftOut = [...clashing].map(({ name, version }): LeftOut => {
    const reason = "another version differs from it in case only, which not every file system tells apart";
    return { package: name, version, from: "directory", code: "NAME", reason };
  });
  return { kept: entries.filter((entry) => !clashing.has(entry)), leftOut };
}

function byPackage(a: LeftOut, b: LeftOut): number {
  if (a.package !== b.package) return a.package < b.package ? -1 : 1;
  const [left, right] = [semver.parse(a.version), semver.parse(b.version)];
  return left && right ? left.compareBuild(right) : (a.version ?? "").localeCompare(b.version ?? "", "en");
}
