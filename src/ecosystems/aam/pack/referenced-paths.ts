import { isJsonObject, type JsonObject, type JsonValue } from "../../../core/json.ts";

/** A path that a manifest names, as written there. */
export interface ReferencedPath {
  /** Where: `package.agent.json: artifacts.skills[0].path`. */
  readonly from: string;
  readonly written: string;
  /** A file that the folder must hold to be what the manifest says it is. */
  readonly holds?: string;
  /** A folder that the manifest only says to look in: it need not exist. */
  readonly optional?: true;
}

const UAAPS_LISTS = ["skills", "agents", "commands"];
const CLIENT_LISTS = ["skills", "agents", "prompts", "instructions"];
/** A skill that is a folder has its text in this file. Section 4. */
const SKILL_FILE = "SKILL.md";

const FOLDERS = ["skills", "commands", "agents", "rules"];
const FILES = ["hooks", "mcp"];

/** Every path that `package.agent.json` refers to: declared artifacts, quality checks, and where artifacts, hooks and MCP servers are said to be. Section 3. */
export function uaapsPaths(manifest: JsonObject): readonly ReferencedPath[] {
  const source = "package.agent.json";
  return [
    ...artifactPaths(manifest, UAAPS_LISTS, source),
    ...["tests", "evals"].flatMap((list) => listedPaths(member(manifest, "quality")?.[list], `${source}: quality.${list}`)),
    ...FOLDERS.flatMap((key) => overridden(manifest, key, source).map((path) => ({ ...path, optional: true as const }))),
    ...FILES.flatMap((key) => overridden(manifest, key, source)),
  ];
}

/** The same for `aam.yaml`, which only the `aam` client reads. */
export function clientPaths(manifest: JsonObject): readonly ReferencedPath[] {
  return artifactPaths(manifest, CLIENT_LISTS, "aam.yaml");
}

function artifactPaths(manifest: JsonObject, lists: readonly string[], source: string): readonly ReferencedPath[] {
  const artifacts = member(manifest, "artifacts");
  return lists.flatMap((list) => {
    const paths = listedPaths(artifacts?.[list], `${source}: artifacts.${list}`);
    return list === "skills" ? paths.map((path) => ({ ...path, holds: SKILL_FILE })) : paths;
  });
}

function listedPaths(list: JsonValue | undefined, from: string): readonly ReferencedPath[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: JsonValue, position): ReferencedPath[] => {
    const written = isJsonObject(item) ? item["path"] : undefined;
    return typeof written === "string" ? [{ from: `${from}[${position}].path`, written }] : [];
  });
}

function overridden(manifest: JsonObject, key: string, source: string): readonly ReferencedPath[] {
  const written = manifest[key];
  return typeof written === "string" ? [{ from: `${source}: ${key}`, written }] : [];
}

function member(object: JsonObject, key: string): JsonObject | undefined {
  const value = object[key];
  return isJsonObject(value) ? value : undefined;
}
