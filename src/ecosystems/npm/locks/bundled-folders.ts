import { isJsonObject, type JsonObject } from "../../../core/json.ts";

const WITHIN = "/node_modules/";

/**
 * The folders that the archive of a package around them fills, of a lock in version 2 or 3. A flag alone does not say so: npm fetches what is marked and has no other package around it,
 * since what the project itself bundles is in nobody's archive yet, and what it does not find in the archive. So it takes a package around it that bundles something.
 */
export function bundledFolders(packages: JsonObject): ReadonlySet<string> {
  const bundled = new Set<string>();
  // Outer folders first: what is in a bundled one is bundled by whoever bundles that.
  for (const path of Object.keys(packages).sort((one, other) => one.length - other.length)) {
    const around = path.slice(0, Math.max(path.lastIndexOf(WITHIN), 0));
    const outer = Object.hasOwn(packages, around) ? packages[around] : undefined;
    if (!around.includes(WITHIN.slice(1)) || !isJsonObject(outer) || !isMarked(packages[path])) continue;
    if (isMarked(outer) ? bundled.has(around) : isBundling(outer)) bundled.add(path);
  }
  return bundled;
}

function isMarked(entry: unknown): boolean {
  return isJsonObject(entry) && entry["inBundle"] === true;
}

function isBundling(entry: JsonObject): boolean {
  const names = entry["bundleDependencies"];
  return names === true || (Array.isArray(names) && names.length > 0);
}
