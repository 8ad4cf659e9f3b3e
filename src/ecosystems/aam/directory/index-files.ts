import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from "../../../core/json.ts";
import { clientYaml } from "./client-yaml.ts";
import type { DirectoryEntry } from "./directory-entry.ts";
import type { LeftOut } from "./left-out.ts";
import { type DirectoryPackage, isoTime, newestOf } from "./package-files.ts";

/** What was not exported and why, for programs: beside the registry's own files, in none of which it has a place. */
export const REPORT_FILE = "export-report.json";

/** The files at the root of the directory, by path. They change when a package does and not with the clock, so that an unchanged directory is not written to. */
export function indexFiles(packages: readonly DirectoryPackage[], leftOut: readonly LeftOut[]): ReadonlyMap<string, string> {
  return new Map([
    ["registry.yaml", clientYaml({ name: "assay", type: "local", description: "What Assay admits", api_version: 1 })],
    ["index.yaml", clientYaml({ packages: packages.flatMap(clientIndexEntry) })],
    ["dist-tags.json", json(Object.fromEntries(packages.map(({ name, tags }) => [name, Object.fromEntries(tags)])))],
    ["index.json", json(indexJson(packages))],
    [REPORT_FILE, json({ formatVersion: 1, leftOut: leftOut.map((each) => ({ ...each })) })],
  ]);
}

/** What an earlier report says was yanked, as `name@version`, as far as it can be read: the file stands where others may write. */
export function yankedIn(text: string | undefined): ReadonlySet<string> {
  if (text === undefined) return new Set();
  try {
    const { leftOut } = parseJsonObject(Buffer.from(text), { maxDepth: 4, source: REPORT_FILE });
    const lines = Array.isArray(leftOut) ? (leftOut as readonly JsonValue[]).filter(isJsonObject) : [];
    return new Set(lines.flatMap(({ package: name, version, code }) => (code === "YANKED" ? [`${String(name)}@${String(version)}`] : [])));
  } catch (error) {
    if (error instanceof AssayError) return new Set();
    throw error;
  }
}

export function json(value: JsonObject): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Section 12.5. */
function indexJson(packages: readonly DirectoryPackage[]): JsonObject {
  const times = packages.flatMap(({ entries }) => entries.map(({ publishedAt }) => publishedAt));
  const newest = times.reduce((latest, time) => Math.max(latest, time), 0);
  return {
    formatVersion: 1,
    updatedAt: isoTime(newest),
    packages: packages.map(({ name, entries, tags }) => ({
      name,
      latest: tags.get("latest") ?? "",
      versions: entries.map(({ version }: DirectoryEntry) => version),
    })),
  };
}

/** What `aam search` reads. Nothing for a package of which the client can install nothing. */
function clientIndexEntry({ name, forClient, tags }: DirectoryPackage): readonly JsonObject[] {
  const newest = newestOf(forClient, tags.get("latest"));
  if (!newest) return [];
  const { description, keywords, artifactTypes } = newest.client;
  return [{ name, description, latest: newest.version, keywords, artifact_types: artifactTypes, updated_at: isoTime(newest.publishedAt) }];
}
