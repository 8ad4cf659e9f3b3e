import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from "../../../core/json.ts";
import type { PackageName, Version } from "../names.ts";
import { API_V1_ACCEPT, apiV1Base } from "./api-v1-address.ts";
import { requireJson } from "./http-registry.ts";
import { type ReadOptions, readPackageObject } from "./read-package-object.ts";
import type { ReadContext, Source, SourceDocument } from "./source.ts";

/**
 * A registry that speaks the AAM dialect. What it says of a package names the versions and little more; each version has a document of its own, with its digest, and so
 * have the tags: `api-v1-details.ts` reads those.
 */
export const API_V1_REGISTRY: Source = {
  id: "api-v1",
  accept: API_V1_ACCEPT,
  maxBytes: (limits) => limits.documentBytes,
  packageUrl: (registry, name) => new URL(`packages/${name}`, apiV1Base(registry)),
  readPackage(document, name, context) {
    requireJson(document);
    const source = `the metadata of ${name}`;
    const object = parseJsonObject(document.body, { maxDepth: context.limits.jsonDepth, source });
    return readPackageObject(asPackageObject(object, name, source), name, readOptions(source, name, document, context));
  },
};

/** `document` is what names an archive. */
export function readOptions(source: string, name: PackageName, document: SourceDocument, context: ReadContext): ReadOptions {
  return {
    source,
    limits: context.limits,
    archiveUrl: (version, download) => archiveUrl(download, { name, version }, document, context),
  };
}

/** The same facts under the names of the other dialect. */
function asPackageObject(object: JsonObject, name: PackageName, source: string): JsonObject {
  const { scope, latest_version, created_at, updated_at, versions, ...fields } = object;
  if (!Array.isArray(versions)) throw new AssayError("UPSTREAM_MALFORMED", `${source} has no list of versions`);
  const byVersion = new Map<string, JsonValue>();
  for (const entry of versions as readonly JsonValue[]) {
    if (!isJsonObject(entry) || typeof entry["version"] !== "string") continue;
    const { version, published_at, yanked } = entry;
    if (byVersion.has(entry["version"])) throw new AssayError("UPSTREAM_MALFORMED", `${source} lists ${name}@${entry["version"]} twice`);
    byVersion.set(entry["version"], {
      ...(version === undefined ? {} : { version }),
      ...(published_at === undefined ? {} : { publishedAt: published_at }),
      ...(yanked === undefined ? {} : { yanked }),
    });
  }
  const latest = typeof latest_version === "string" ? { latest: latest_version } : {};
  return { ...withoutNulls(fields), versions: Object.fromEntries(byVersion), "dist-tags": latest };
}

/** The dialect writes null for what a package does not have. */
export function withoutNulls(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/**
 * Where an archive is. The specification's own `download_url` begins with `/api/v1/`: that is below the address that clients are configured with, which need not be the
 * host's. Whether an address off the registry's origin may be fetched is for the upstream client to say. Throws UPSTREAM_MALFORMED for what is no web address.
 */
function archiveUrl(
  download: string | undefined,
  { name, version }: { readonly name: PackageName; readonly version: Version },
  document: SourceDocument,
  { registry }: ReadContext,
): URL {
  const base = apiV1Base(registry);
  const path = download ?? `/api/v1/packages/${name}/${version}/download`;
  const isOfDialect = path.startsWith("/api/v1/");
  const [relative, against] = isOfDialect ? [`./${path.slice("/api/v1/".length)}`, base] : [path, document.url];
  const url = URL.canParse(relative, against.href) ? new URL(relative, against) : undefined;
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:") || url.username || url.password) {
    throw new AssayError(
      "UPSTREAM_MALFORMED",
      `the archive of ${name}@${version} is at no web address: ${JSON.stringify(path.slice(0, 200))}`,
    );
  }
  return url;
}
