import { AssayError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json.ts";
import type { PackageName, Version } from "../names.ts";
import type { ReadContext, Source, SourceDocument } from "./source.ts";

/** One package in a local registry's own list. Its fields are what the list says, under the names of the HTTP protocol. */
export interface CatalogueEntry {
  readonly name: PackageName;
  readonly fields: JsonObject;
}

/** A local registry: a folder that is shared or mounted. It has a list of its packages, which a reader may need to do without. */
export interface FolderSource extends Source {
  catalogueUrl(registry: URL): URL;
  /** Throws UPSTREAM_MALFORMED or UPSTREAM_LIMIT. Entries whose name is outside the grammar are left out: no route could ask for them. */
  readCatalogue(document: SourceDocument, context: ReadContext): readonly CatalogueEntry[];
}

/**
 * The address of an archive that a local registry's document names, relative to that document; `versions/<version>.aam` where it names none.
 * Throws UPSTREAM_MALFORMED for one outside the registry: the file's author must not choose what else on this machine is read.
 */
export function archiveInFolder(tarball: string | undefined, version: Version, document: SourceDocument, context: ReadContext): URL {
  const path = tarball ?? `versions/${version}.aam`;
  const url = URL.canParse(path, document.url.href) ? new URL(path, document.url) : undefined;
  if (!url?.href.startsWith(context.registry.href) || url.search || url.hash) {
    throw new AssayError(
      "UPSTREAM_MALFORMED",
      `the archive of ${version} must be a file inside the registry's folder, got ${JSON.stringify(path.slice(0, 200))}`,
    );
  }
  return url;
}
