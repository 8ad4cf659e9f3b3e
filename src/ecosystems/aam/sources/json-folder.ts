import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from "../../../core/json.ts";
import { folderName, parsePackageName } from "../names.ts";
import { archiveInFolder, type CatalogueEntry, type FolderSource } from "./folder-source.ts";
import { readPackageObject } from "./read-package-object.ts";

/** The local registry of the UAAPS specification, section 12.5: `index.json` and `packages/<folder>/meta.json`. */
export const JSON_FOLDER: FolderSource = {
  id: "meta.json",
  accept: "application/json",
  maxBytes: (limits) => limits.documentBytes,
  packageUrl: (registry, name) => new URL(`packages/${folderName(name)}/meta.json`, registry),
  readPackage(document, name, context) {
    const source = `the meta.json of ${name}`;
    return readPackageObject(parseJsonObject(document.body, { maxDepth: context.limits.jsonDepth, source }), name, {
      source,
      limits: context.limits,
      archiveUrl: (version, tarball) => archiveInFolder(tarball, version, document, context),
    });
  },
  catalogueUrl: (registry) => new URL("index.json", registry),
  readCatalogue(document, context) {
    const source = "the registry's index.json";
    const { packages } = parseJsonObject(document.body, { maxDepth: context.limits.jsonDepth, source });
    return catalogueEntries(packages, { source, maxEntries: context.limits.listedFiles });
  },
};

/** The entries of a list `[{name, …}]`. Throws UPSTREAM_MALFORMED, UPSTREAM_LIMIT. */
export function catalogueEntries(
  packages: JsonValue | undefined,
  options: { source: string; maxEntries: number },
): readonly CatalogueEntry[] {
  if (!isJsonArray(packages)) throw new AssayError("UPSTREAM_MALFORMED", `${options.source} has no list of packages`);
  if (packages.length > options.maxEntries) {
    throw new AssayError("UPSTREAM_LIMIT", `${options.source} lists ${packages.length} packages, more than ${options.maxEntries}`, {
      help: "raise limits.listed_files if that is right",
    });
  }
  return packages.filter(isJsonObject).flatMap(catalogueEntry);
}

function catalogueEntry(entry: JsonObject): readonly CatalogueEntry[] {
  const name = typeof entry["name"] === "string" ? parsePackageName(entry["name"]) : undefined;
  return name ? [{ name, fields: entry }] : [];
}

function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
