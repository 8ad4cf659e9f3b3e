import type { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress, createGunzip, createZstdDecompress } from "node:zlib";
import { AssayError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { DocumentAnswer, DocumentQuery } from "../core/ports/upstream-client.ts";
import { statusFailure } from "./check-status.ts";
import { discard, type Exchange, type ExchangeAnswer, type ExchangeRequest } from "./exchange.ts";
import { readBody, tooLong } from "./read-body.ts";
import { describeUrl } from "./upstream-failure.ts";

/** `deflate` is left out: servers disagree on what it means (zlib or raw), and all of them know gzip. */
const DECODERS: ReadonlyMap<string, () => Transform> = new Map([
  ["gzip", () => createGunzip({ chunkSize: 64 * 1024 })],
  ["x-gzip", () => createGunzip({ chunkSize: 64 * 1024 })],
  ["br", () => createBrotliDecompress({ chunkSize: 64 * 1024 })],
  ["zstd", () => createZstdDecompress({ chunkSize: 64 * 1024 })],
]);
const ACCEPT_ENCODING = "gzip, br, zstd";

/** One attempt at a document. Throws as the port says, and UPSTREAM_MALFORMED for a body that is not what its headers promise. */
export async function fetchDocument(exchange: Exchange, query: DocumentQuery, clock: Clock): Promise<DocumentAnswer> {
  const answer = await exchange.run(requestFor(query));
  const { status, headers, url } = answer;
  if (status === 404 || status === 410) {
    await discard(answer);
    return { kind: "absent" };
  }
  if (status === 304 && (query.etag !== undefined || query.lastModified !== undefined)) {
    await discard(answer);
    return { kind: "not-modified" };
  }
  if (status !== 200) throw await statusFailure(answer);
  const body = await decodedBody(answer, query.maxBytes, clock);
  return {
    kind: "document",
    response: {
      body,
      contentType: headers.contentType,
      url,
      ...(headers.etag === undefined ? {} : { etag: headers.etag }),
      ...(headers.lastModified === undefined ? {} : { lastModified: headers.lastModified }),
      ...(headers.link === undefined ? {} : { link: headers.link }),
      ...(headers.totalCount === undefined ? {} : { totalCount: headers.totalCount }),
    },
  };
}

function requestFor(query: DocumentQuery): ExchangeRequest {
  const headers: Record<string, string> = { accept: query.accept, "accept-encoding": ACCEPT_ENCODING };
  if (query.etag !== undefined) headers["if-none-match"] = query.etag;
  if (query.lastModified !== undefined) headers["if-modified-since"] = query.lastModified;
  if (query.method !== "POST") return { url: query.url, method: "GET", headers, bulk: false };
  headers["content-type"] = query.contentType ?? "application/octet-stream";
  return { url: query.url, method: "POST", headers, body: query.requestBody ?? Buffer.alloc(0), bulk: false };
}

/**
 * Bounded on both sides of the decoder: a small body may unpack to any length, and a long one of empty blocks to nothing.
 * One content-coding at most, so that no chain of decoders can be ordered from outside.
 */
async function decodedBody(answer: ExchangeAnswer, maxBytes: number, clock: Clock): Promise<Buffer> {
  const { contentCoding } = answer.headers;
  const sent = readBody(answer, maxBytes, clock);
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw tooLong(answer.url, maxBytes);
      chunks.push(chunk);
    }
  };
  if (contentCoding === undefined) await collect(sent);
  else {
    const makeDecoder = DECODERS.get(contentCoding);
    if (!makeDecoder) {
      answer.body.destroy();
      throw new AssayError("UPSTREAM_MALFORMED", `a content-coding that was not asked for (${contentCoding}): ${describeUrl(answer.url)}`);
    }
    try {
      await pipeline(sent, makeDecoder(), collect);
    } catch (error) {
      if (error instanceof AssayError) throw error;
      throw new AssayError("UPSTREAM_MALFORMED", `the body is not valid ${contentCoding}: ${describeUrl(answer.url)}`, { cause: error });
    }
  }
  return Buffer.concat(chunks, sizeBytes);
}
