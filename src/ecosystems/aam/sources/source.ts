import type { Limits } from "../../../core/limits.ts";
import type { PackageName } from "../names.ts";
import type { Package } from "../package.ts";

/** A document as upstream sent it, or as we hold it. */
export interface SourceDocument {
  readonly body: Buffer;
  readonly contentType: string;
  readonly url: URL;
}

export interface ReadContext {
  /** The upstream's base address. */
  readonly registry: URL;
  readonly limits: Limits;
}

/** One way in which a registry writes down its packages: where the documents are, and how they are read. */
export interface Source {
  /** Begins the key of its documents. */
  readonly id: string;
  readonly accept: string;
  readonly maxBytes: (limits: Limits) => number;
  /** The document with all versions of a package. */
  packageUrl(registry: URL, name: PackageName): URL;
  /** Throws UPSTREAM_MALFORMED, UPSTREAM_CONTENT_TYPE or UPSTREAM_LIMIT for a document that is not about `name` or that cannot be relied on. */
  readPackage(document: SourceDocument, name: PackageName, context: ReadContext): Package;
}
