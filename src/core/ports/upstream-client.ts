/** One registry that a repository mirrors. How to reach it (credentials, CA, proxy, timeouts) is the client's business. */
export interface Upstream {
  /** Names this upstream in the log, the index and in evidence: see `upstreamId`. */
  readonly id: string;
  /** As the operator calls it, for the policy's rules; unique within its repository. */
  readonly name?: string;
  /**
   * What it means where an index announces evidence and this upstream does not have it: that it could not be had (`required`, also where left out), or that there is
   * none, for upstreams which pass indexes on and not what they announce.
   */
  readonly evidence?: "required" | "as_served";
  /** Base address, ends with a slash: `https://…`, `http://…` or `file:///…`. Holds no credentials. */
  readonly url: URL;
  /** Name of the trust material that evidence from here is checked against; `public` where left out. Never chosen by a document. */
  readonly trust?: string;
  /** Whether it is another Assay, which has a signed verdict beside each archive. Nobody else is asked for one. */
  readonly verdicts?: boolean;
  /** What an AAM registry speaks, where the operator says; found out otherwise. */
  readonly dialect?: Dialect;
  /** Whether it is this Assay itself: packages that were published here. What it says is never older than the question. */
  readonly own?: true;
}

/** The HTTP protocols of AAM registries: that of the UAAPS specification, and the AAM one below `/api/v1`. */
export const DIALECTS = ["uaaps", "api-v1"] as const;
export type Dialect = (typeof DIALECTS)[number];

/** The few response headers that are passed on. Never a client's or an upstream's header array. */
export interface DocumentResponse {
  /** Decompressed, at most `maxBytes` long. */
  readonly body: Buffer;
  /** Lowercase media type without parameters; empty where upstream named none. */
  readonly contentType: string;
  readonly etag?: string;
  readonly lastModified?: string;
  /** Where the answer came from after redirects; relative links are relative to this. */
  readonly url: URL;
  /** `Link` and `X-Total-Count` as sent: the next page and the length of a list that is passed on. Not kept with documents. */
  readonly link?: string;
  readonly totalCount?: string;
  /** When upstream said it, where that was before now: what a bundle carries is as old as it is. Milliseconds since the epoch. */
  readonly saidAt?: number;
}

export interface DocumentQuery {
  readonly url: URL;
  readonly accept: string;
  /** Bytes of the decompressed body past which UPSTREAM_LIMIT is thrown. */
  readonly maxBytes: number;
  /** Validators of what we hold. With one of them upstream may answer 304. */
  readonly etag?: string;
  readonly lastModified?: string;
  readonly method?: "GET" | "POST";
  /** Sent as it is with `method: "POST"`, as `contentType`, which it is then required with. */
  readonly requestBody?: Buffer;
  readonly contentType?: string;
}

export type DocumentAnswer =
  | { readonly kind: "document"; readonly response: DocumentResponse }
  | { readonly kind: "not-modified" }
  /** 404 or 410: upstream is well and does not have it. */
  | { readonly kind: "absent" };

export interface ArchiveStream {
  /** Bytes upstream announced; undefined where it announced none. */
  readonly sizeBytes: number | undefined;
  readonly url: URL;
  /** `X-Checksum-Sha256`, `X-Checksum-Sha512`, `X-Checksum-Sha1` and `X-Checksum-Md5` as sent, by algorithm. */
  readonly checksums: Readonly<Record<string, string>>;
  /**
   * The bytes as they arrive, each chunk valid until the next is asked for. Throws UPSTREAM_TRUNCATED, UPSTREAM_LENGTH,
   * UPSTREAM_TIMEOUT, UPSTREAM_LIMIT or UPSTREAM_UNREACHABLE. Must be iterated or returned: it holds a connection.
   */
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface UpstreamLoad {
  readonly id: string;
  /** Requests that wait for their turn. */
  readonly waitingDocuments: number;
  readonly waitingArchives: number;
  /** Origins that are left alone because they did not answer. */
  readonly openCircuits: number;
}

/**
 * The only way out. Every call may throw OFFLINE, UPSTREAM_ADDRESS, UPSTREAM_AUTH, UPSTREAM_CIRCUIT_OPEN, UPSTREAM_LIMIT,
 * UPSTREAM_RATE_LIMITED, UPSTREAM_REDIRECT, UPSTREAM_STATUS, UPSTREAM_TIMEOUT, UPSTREAM_TRUNCATED or UPSTREAM_UNREACHABLE.
 * Safe to call concurrently. Callers do the single flight; the client does retries, redirects and the address filter.
 */
export interface UpstreamClient {
  /** Fetches a document whole. Retried on failures that may pass (POST is not). */
  fetch(upstream: Upstream, query: DocumentQuery): Promise<DocumentAnswer>;
  /** Opens an archive for streaming. Throws NOT_FOUND for 404 and 410. */
  open(upstream: Upstream, url: URL, options: { maxBytes: number }): Promise<ArchiveStream>;
  /** How busy each upstream is, now. */
  load(): readonly UpstreamLoad[];
  /** Ends pooled connections. Open streams fail. */
  close(): Promise<void>;
}
