import { validRange } from "semver";
import { isJsonObject, type JsonObject, type JsonValue } from "../../core/json.ts";
import { isPackageName, isVersion } from "./names.ts";

type MayHear = (name: string) => boolean;

/** Where pnpm puts the project itself, in the tree of a workspace. */
const PROJECT = ".";

/**
 * What a registry is told of an audit: the names that it may hear of, their versions, and nothing that could hold another name, such as an alias, an address or the
 * name of the project. In the form that it was asked in: `{NAME: [VERSION, …]}`, or the tree of `requires` and `dependencies` that older clients send.
 * Undefined where nothing of it is left to ask.
 */
export function auditedBy(asked: JsonObject, mayHear: MayHear): JsonObject | undefined {
  const isTree = isJsonObject(asked["requires"]) || isJsonObject(asked["dependencies"]);
  const told = isTree ? treeNode(asked, mayHear) : versionsByName(asked, mayHear);
  const names = isTree ? Object.keys({ ...entriesOf(told["requires"]), ...entriesOf(told["dependencies"]) }) : Object.keys(told);
  return names.length === 0 && Object.keys(asked).length > 0 ? undefined : told;
}

function versionsByName(asked: JsonObject, mayHear: MayHear): JsonObject {
  const entries = Object.entries(asked).flatMap(([name, versions]): [string, JsonValue][] => {
    if (!isPackageName(name) || !mayHear(name) || !Array.isArray(versions)) return [];
    return [[name, versions.filter((version: JsonValue) => typeof version === "string" && isVersion(version))]];
  });
  return Object.fromEntries(entries);
}

function treeNode(node: JsonObject, mayHear: MayHear): JsonObject {
  const { version, requires, dependencies } = node;
  const flags = Object.entries(node).filter(([key, value]) => ["dev", "optional", "bundled"].includes(key) && typeof value === "boolean");
  return {
    ...Object.fromEntries(flags),
    ...(typeof version === "string" && isVersion(version) ? { version } : {}),
    // In a lock file of today `requires: true` is a flag, and no list.
    requires: Object.fromEntries(
      Object.entries(entriesOf(requires)).filter(
        ([name, range]) => isPackageName(name) && mayHear(name) && typeof range === "string" && validRange(range) !== null,
      ),
    ),
    dependencies: Object.fromEntries(
      Object.entries(entriesOf(dependencies)).flatMap(([name, child]): [string, JsonValue][] => {
        const isKnown = name === PROJECT || (isPackageName(name) && mayHear(name));
        return isKnown && isJsonObject(child) ? [[name, treeNode(child, mayHear)]] : [];
      }),
    ),
  };
}

function entriesOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
