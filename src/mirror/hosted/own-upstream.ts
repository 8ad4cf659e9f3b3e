import { AssayError } from "../../core/errors.ts";
import type { BlobStore } from "../../core/ports/blob-store.ts";
import type { OwnRegistry } from "../../core/ports/own-registry.ts";
import type { ArchiveStream, UpstreamClient } from "../../core/ports/upstream-client.ts";
import { blobContent } from "../blob-content.ts";

/**
 * The same client, which also reaches what was published here. So a hosted repository is mirrored like any other: its archives come by the one road, with their
 * evidence, under the policy of now.
 */
export function withOwnRegistry(client: UpstreamClient, registry: OwnRegistry, blobs: Pick<BlobStore, "find" | "open">): UpstreamClient {
  return {
    fetch: (upstream, query) => (upstream.own ? registry.fetch(upstream, query) : client.fetch(upstream, query)),
    open: async (upstream, url, options) => {
      if (!upstream.own) return client.open(upstream, url, options);
      const archive = await registry.archive(upstream, url);
      if (!archive) throw new AssayError("NOT_FOUND", "nothing was published at that address");
      const blob = await blobs.find(archive.digest, archive.sizeBytes);
      if (blob) return { sizeBytes: blob.sizeBytes, url, checksums: {}, bytes: blobContent(blob, blobs) } satisfies ArchiveStream;
      throw new AssayError("STORE_CORRUPT", `an archive that was published here is missing: sha256 ${archive.digest}`, {
        help: "restore the data folder from a backup: nobody else has it",
      });
    },
    load: () => client.load(),
    close: () => client.close(),
  };
}
