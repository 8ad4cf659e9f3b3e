import type { IncomingMessage, ServerResponse } from "node:http";
import { type ByteSource, pump } from "./pump.ts";
import { matchesEtag, parseRange, rangeStillValid } from "./range.ts";

/** Names and values in turn, as `writeHead` takes them without another copy. */
export type FlatHeaders = readonly string[];

/** Something that can be sent whole, in part, or as "not modified". Made once, sent many times: nothing is computed per request. */
export interface Representation {
  readonly etag: string;
  readonly sizeBytes: number;
  /** All headers of a 200 but Content-Length. */
  readonly headers: FlatHeaders;
  /** Present where the bytes are in memory. */
  readonly body: Buffer | undefined;
  /** Opens the bytes where they are not. The caller closes. */
  readonly open: (() => Promise<ByteSource & { close(): Promise<void> }>) | undefined;
}

/** Headers of a 304: those a cache needs to go on with what it has (RFC 9110 section 15.4.5). */
const NOT_MODIFIED_HEADERS = new Set(["etag", "cache-control", "vary", "content-location", "age", "warning", "x-request-id"]);

/**
 * Answers GET or HEAD: conditional first, then range, then the whole. HEAD sends what GET would, without the body.
 * Answers the body bytes sent. Throws where bytes cannot be read; headers may have gone out by then.
 */
export async function sendRepresentation(
  request: IncomingMessage,
  response: ServerResponse,
  representation: Representation,
  extra: FlatHeaders = [],
): Promise<number> {
  const headers = extra.length === 0 ? representation.headers : [...representation.headers, ...extra];
  const { etag, sizeBytes } = representation;
  if (matchesEtag(request.headers["if-none-match"], etag)) {
    response.writeHead(304, notModified(headers));
    response.end();
    return 0;
  }
  const wanted =
    request.method === "GET" && rangeStillValid(request.headers["if-range"] as string | undefined, etag)
      ? request.headers.range
      : undefined;
  const range = parseRange(wanted, sizeBytes);
  if (range === "unsatisfiable") {
    response.writeHead(416, ["Content-Range", `bytes */${sizeBytes}`, "Content-Length", "0", "ETag", etag]);
    response.end();
    return 0;
  }
  const { first, last } = range === "whole" ? { first: 0, last: sizeBytes - 1 } : range;
  const length = last - first + 1;
  // Opened before anything is promised: where that fails the client can still be told why.
  const source = request.method === "HEAD" || representation.body ? undefined : await representation.open?.();
  try {
    const partial = range === "whole" ? [] : ["Content-Range", `bytes ${first}-${last}/${sizeBytes}`];
    response.writeHead(range === "whole" ? 200 : 206, [...headers, ...partial, "Content-Length", String(length)]);
    if (request.method === "HEAD") {
      response.end();
      return 0;
    }
    if (source) {
      const sent = await pump(response, source, first, last + 1);
      // Short of its Content-Length the connection must be cut: on one that is kept, the next answer would be read as the rest of this one.
      if (sent !== length) throw new Error(`a body of ${length} bytes ended after ${sent}`);
      response.end();
      return sent;
    }
    if (!representation.body) throw new Error("a representation has neither a body nor a way to open one");
    response.end(length === sizeBytes ? representation.body : representation.body.subarray(first, last + 1));
    return length;
  } finally {
    await source?.close();
  }
}

function notModified(headers: FlatHeaders): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (NOT_MODIFIED_HEADERS.has(name.toLowerCase())) kept.push(name, headers[i + 1] ?? "");
  }
  return kept;
}
