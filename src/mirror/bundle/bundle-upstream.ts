import type { BundledArtifact, BundledDocument } from "../../core/bundle-manifest.ts";
import { AssayError } from "../../core/errors.ts";
import type { ArchiveStream, DocumentAnswer, DocumentQuery, Upstream, UpstreamClient } from "../../core/ports/upstream-client.ts";
import type { BundleReader } from "./bundle-reader.ts";

/**
 * A bundle in the place of the network: it answers as the upstreams answered its exporter, by their own addresses, and knows nothing else. So what is imported comes down the one
 * road, and an upstream that the policy does not let speak for a name is not asked here either.
 */
export class BundleUpstream implements UpstreamClient {
  readonly #bundle: BundleReader;
  readonly #documents: ReadonlyMap<string, BundledDocument>;
  readonly #artifacts: ReadonlyMap<string, BundledArtifact>;

  constructor(bundle: BundleReader) {
    this.#bundle = bundle;
    // Several repositories may have asked one upstream at different times: it said last what was fetched last.
    const oldestFirst = bundle.manifest.documents.toSorted((one, other) => (one.answer?.fetchedAt ?? 0) - (other.answer?.fetchedAt ?? 0));
    this.#documents = new Map(oldestFirst.map((each) => [addressOf(each.upstream, each.url), each]));
    this.#artifacts = new Map(bundle.manifest.artifacts.map((each) => [addressOf(each.upstream, each.url), each]));
  }

  /** Throws OFFLINE for what is not in the bundle, UPSTREAM_LIMIT past `maxBytes`, UPSTREAM_TRUNCATED for what is damaged. */
  async fetch(upstream: Upstream, { url, maxBytes }: DocumentQuery): Promise<DocumentAnswer> {
    const known = this.#documents.get(addressOf(upstream.url.href, url.href));
    if (!known) throw new AssayError("OFFLINE", `the bundle has no answer of ${upstream.id} to ${url.href}`);
    const { answer } = known;
    if (answer === null) return { kind: "absent" };
    if (answer.sizeBytes > maxBytes)
      throw new AssayError("UPSTREAM_LIMIT", `the bundle's copy of ${url.href} has ${answer.sizeBytes} bytes, more than ${maxBytes}`);
    const body = await this.#bundle.whole({ kind: "document", sha256: answer.sha256 });
    return {
      kind: "document",
      response: { body, contentType: answer.contentType, url: new URL(answer.url), saidAt: answer.fetchedAt },
    };
  }

  /** Throws NOT_FOUND for what is not in the bundle, OFFLINE for what it does not carry, UPSTREAM_LIMIT past `maxBytes`; its bytes throw UPSTREAM_TRUNCATED where they are damaged. */
  async open(upstream: Upstream, url: URL, { maxBytes }: { maxBytes: number }): Promise<ArchiveStream> {
    const known = this.#artifacts.get(addressOf(upstream.url.href, url.href));
    if (!known) throw new AssayError("NOT_FOUND", `the bundle has no archive of ${upstream.id} from ${url.href}`);
    const { sha256, sizeBytes } = known;
    if (sizeBytes > maxBytes) throw new AssayError("UPSTREAM_LIMIT", `the archive has ${sizeBytes} bytes, more than ${maxBytes}`);
    this.#bundle.requireCarried({ kind: "blob", sha256 });
    return { sizeBytes, url, checksums: {}, bytes: this.#bundle.content({ kind: "blob", sha256 }) };
  }

  load(): readonly [] {
    return [];
  }

  /** The bundle is its owner's to close. */
  async close(): Promise<void> {}
}

function addressOf(upstream: string, url: string): string {
  return `${upstream}\0${url}`;
}
