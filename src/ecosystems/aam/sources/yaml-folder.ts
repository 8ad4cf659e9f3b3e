import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../core/json.ts";
import { parseYamlObject } from "../../../core/yaml-document.ts";
import { folderName, type PackageName } from "../names.ts";
import { archiveInFolder, type FolderSource } from "./folder-source.ts";
import { catalogueEntries } from "./json-folder.ts";
import { readPackageObject } from "./read-package-object.ts";

/** The local registry that the `aam` client 0.1.0 writes and reads: `index.yaml` and `packages/<folder>/metadata.yaml`. */
export const YAML_FOLDER: FolderSource = {
  id: "metadata.yaml",
  accept: "application/yaml",
  maxBytes: (limits) => limits.sidecarBytes,
  packageUrl: (registry, name) => new URL(`packages/${folderName(name)}/metadata.yaml`, registry),
  readPackage(document, name, context) {
    const source = `the metadata.yaml of ${name}`;
    const object = parseYamlObject(document.body, { maxDepth: context.limits.jsonDepth, source });
    return readPackageObject(asPackageObject(object, name, source), name, {
      source,
      limits: context.limits,
      archiveUrl: (version, tarball) => archiveInFolder(tarball, version, document, context),
    });
  },
  catalogueUrl: (registry) => new URL("index.yaml", registry),
  readCatalogue(document, context) {
    const source = "the registry's index.yaml";
    const { packages } = parseYamlObject(document.body, { maxDepth: context.limits.jsonDepth, source });
    const entries = catalogueEntries(packages, { source, maxEntries: context.limits.listedFiles });
    // `artifact_types` is always empty in what the client writes.
    return entries.map(({ name, fields: { updated_at, artifact_types, ...fields } }) => ({
      name,
      fields: { ...fields, ...(updated_at === undefined ? {} : { updatedAt: updated_at }) },
    }));
  },
};

/** The same facts under the names of the HTTP protocol. What the client writes once a package holds for each of its versions. */
function asPackageObject(object: JsonObject, name: PackageName, source: string): JsonObject {
  const { dist_tags, versions, ...fields } = object;
  if (!Array.isArray(versions)) throw new AssayError("UPSTREAM_MALFORMED", `${source} has no list of versions`);
  const common = Object.fromEntries(
    ["author", "license", "repository"].flatMap((key) => (fields[key] == null ? [] : [[key, fields[key]]])),
  );
  const byVersion = new Map<string, JsonValue>();
  for (const entry of versions as readonly JsonValue[]) {
    // An unquoted 1.0 is a number in YAML. The client cannot read it either.
    if (!isJsonObject(entry) || typeof entry["version"] !== "string") continue;
    const { published, checksum, ...rest } = entry;
    const version = entry["version"];
    if (byVersion.has(version)) throw new AssayError("UPSTREAM_MALFORMED", `${source} lists ${name}@${version} twice`);
    byVersion.set(version, {
      ...common,
      ...rest,
      ...(published === undefined ? {} : { publishedAt: published }),
      ...(checksum === undefined ? {} : { integrity: checksum }),
    });
  }
  return { ...fields, versions: Object.fromEntries(byVersion), "dist-tags": dist_tags ?? {} };
}
