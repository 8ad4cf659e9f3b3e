import type { Digest } from "../digest.ts";
import type { DocumentAnswer, DocumentQuery, Upstream } from "./upstream-client.ts";

/** A registry that is this Assay itself, in the protocol of its ecosystem. `upstream` says of which repository. */
export interface OwnRegistry {
  fetch(upstream: Upstream, query: DocumentQuery): Promise<DocumentAnswer>;
  /** The bytes at an address; undefined where nothing is, or nothing that may be seen. */
  archive(upstream: Upstream, url: URL): Promise<{ readonly digest: Digest; readonly sizeBytes: number } | undefined>;
}
