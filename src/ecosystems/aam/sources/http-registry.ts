import { AssayError } from "../../../core/errors.ts";
import { parseJsonObject } from "../../../core/json.ts";
import type { PackageName, Version } from "../names.ts";
import { readPackageObject } from "./read-package-object.ts";
import type { ReadContext, Source, SourceDocument } from "./source.ts";

/** What we ask upstream registries for: the protocol's own type, and plain JSON, which they must answer too. Section 12.6. */
export const UAAPS_ACCEPT = "application/vnd.uaaps.v1+json, application/json;q=0.9";

/** A registry that speaks the UAAPS HTTP protocol. */
export const HTTP_REGISTRY: Source = {
  id: "packages",
  accept: UAAPS_ACCEPT,
  maxBytes: (limits) => limits.documentBytes,
  packageUrl: (registry, name) => new URL(`packages/${name}`, registry),
  readPackage(document, name, context) {
    requireJson(document);
    const source = `the metadata of ${name}`;
    return readPackageObject(parseJsonObject(document.body, { maxDepth: context.limits.jsonDepth, source }), name, {
      source,
      limits: context.limits,
      archiveUrl: (version, tarball) => archiveUrl(tarball, name, version, document, context),
    });
  },
};

/** Throws UPSTREAM_CONTENT_TYPE for what names another type than JSON, such as the HTML of a login page. */
export function requireJson(document: Pick<SourceDocument, "contentType" | "url">): void {
  const { contentType } = document;
  if (contentType === "" || contentType === "application/json" || contentType.endsWith("+json")) return;
  throw new AssayError("UPSTREAM_CONTENT_TYPE", `expected JSON from ${document.url.host}, got ${contentType}`, {
    help: "check that the upstream's address is that of a UAAPS registry",
  });
}

/** Whether an address off the registry's origin may be fetched is for the upstream client to say; it knows what the operator allowed. */
function archiveUrl(tarball: string | undefined, name: PackageName, version: Version, document: SourceDocument, context: ReadContext): URL {
  if (tarball === undefined) return new URL(`packages/${name}/${version}/tarball`, context.registry);
  const url = URL.canParse(tarball, document.url.href) ? new URL(tarball, document.url) : undefined;
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:") || url.username || url.password) {
    throw new AssayError(
      "UPSTREAM_MALFORMED",
      `the tarball of ${name}@${version} is at no web address: ${JSON.stringify(tarball.slice(0, 200))}`,
    );
  }
  return url;
}
