import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";

/**
 * A registry on loopback that can lie. Say what it serves with `serve`, and how it misbehaves, while it runs, with `fault`:
 *
 *     const upstream = await startFakeUpstream();
 *     upstream.serve("/simple/six/", { body: page, contentType: "text/html" });
 *     upstream.fault("/simple/six/", { kind: "status", status: 503, times: 2 });   // two failures, then well again
 *     await client.fetch(…, { url: upstream.url("/simple/six/"), … });
 *     expect(upstream.requestsFor("/simple/six/")).toHaveLength(3);
 *     await upstream.close();
 *
 * Content answers GET, HEAD, `If-None-Match`, `If-Modified-Since` (by equality) and single byte ranges with `If-Range`. What nobody serves is a 404.
 */
export interface FakeUpstream {
  /** `http://127.0.0.1:PORT`, or https where `tls` was given. */
  readonly origin: string;
  readonly port: number;
  /** A URL on this server: `url("/simple/")`. */
  url(path: string): URL;
  /** Serves `content` at `path`. A path with a query matches only that query; one without matches any. A function is asked anew each time. */
  serve(path: string, content: Content | ((request: RecordedRequest) => Content)): void;
  /** Asked for every path that `serve` does not know; undefined means 404. */
  serveOthers(answer: (request: RecordedRequest) => Content | undefined): void;
  /** Takes the content away: 404 after 200. */
  remove(path: string): void;
  /** Makes `path` misbehave, for `times` requests or until `heal`. A second fault on one path replaces the first. `*` is every path without a fault of its own. */
  fault(path: string, fault: Fault & { readonly times?: number }): void;
  /** Ends the fault of one path, or all of them. */
  heal(path?: string): void;
  /** Every request so far, oldest first. */
  readonly requests: readonly RecordedRequest[];
  requestsFor(path: string): RecordedRequest[];
  /** TCP connections accepted so far. */
  readonly connections: number;
  /** Cuts every connection and stops. Safe to call twice. */
  close(): Promise<void>;
}

export interface Content {
  readonly body: Buffer | string;
  /** Default `application/octet-stream`. */
  readonly contentType?: string;
  /** Default 200. */
  readonly status?: number;
  /** As sent, with its quotes: `"abc"` or `W/"abc"`. */
  readonly etag?: string;
  /** An HTTP date. */
  readonly lastModified?: string;
  /** Whether byte ranges are honoured and announced. Default true. */
  readonly ranges?: boolean;
  /** Further headers, sent as they are (`X-Checksum-Sha256`, `Content-Encoding`, …). `transfer-encoding: chunked` announces no length. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type Fault =
  /** Right length, one byte flipped in the middle. */
  | { readonly kind: "wrong-bytes" }
  /** Announces the whole length and cuts the connection after `afterBytes` of the answer's body. */
  | { readonly kind: "truncate"; readonly afterBytes: number }
  /** Announces `bytes` whatever the body has, sends the whole body, then ends the connection. */
  | { readonly kind: "content-length"; readonly bytes: number }
  /** Another status, with a short text body: 500s, 429 with `Retry-After`, 404 after 200. */
  | { readonly kind: "status"; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Goes silent before the headers, or after this many body bytes, with the connection open. */
  | { readonly kind: "stall"; readonly at: "headers" | number }
  /** Sends the body at this speed. */
  | { readonly kind: "slow"; readonly bytesPerSecond: number }
  /** `location` is sent as it is. Default status 302. */
  | { readonly kind: "redirect"; readonly location: string; readonly status?: number }
  /** A login page with status 200. */
  | { readonly kind: "html" }
  /** A gzip-coded answer of the content's type that unpacks to `unpackedBytes` zeros. */
  | { readonly kind: "gzip-bomb"; readonly unpackedBytes: number }
  /** Cuts the connection without an answer. */
  | { readonly kind: "disconnect" };

export interface RecordedRequest {
  readonly method: string;
  /** Request target as sent, with its query. */
  readonly path: string;
  /** By lowercase name; repeated ones joined as Node does. */
  readonly headers: Readonly<Record<string, string>>;
  /** Body of a POST; empty otherwise. */
  readonly body: Buffer;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface FakeUpstreamOptions {
  /** Default 127.0.0.1. Only loopback. */
  readonly host?: string;
  /** Default: any free port. */
  readonly port?: number;
  /** PEM texts; makes it an https server. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export async function startFakeUpstream(options: FakeUpstreamOptions = {}): Promise<FakeUpstream> {
  const { host = "127.0.0.1", port: wantedPort = 0, tls } = options;
  const contents = new Map<string, (request: RecordedRequest) => Content>();
  const faults = new Map<string, { fault: Fault; timesLeft: number }>();
  const requests: RecordedRequest[] = [];
  let others: (request: RecordedRequest) => Content | undefined = () => undefined;
  let connections = 0;

  const listener: RequestListener = async (incoming, response) => {
    response.on("error", () => {}); // The client may leave at any time.
    const request = await record(incoming).catch(() => undefined);
    if (!request) return;
    requests.push(request);
    const content = (byPath(contents, request.path) ?? others)(request);
    await misbehave(takeFault(request.path), content, request, response).catch(() => response.destroy());
  };

  /** The fault for this request, counted down. */
  function takeFault(path: string): Fault | undefined {
    const active = byPath(faults, path) ?? faults.get("*");
    if (!active || active.timesLeft <= 0) return undefined;
    active.timesLeft--;
    return active.fault;
  }

  const server = tls ? createTlsServer({ key: tls.key, cert: tls.cert }, listener) : createServer(listener);
  server.keepAliveTimeout = 60_000;
  server.on("connection", () => {
    connections++;
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(wantedPort, host, resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;

  return {
    origin,
    port,
    url: (path) => new URL(path, origin),
    serve: (path, content) => contents.set(path, typeof content === "function" ? content : () => content),
    serveOthers: (answer) => {
      others = answer;
    },
    remove: (path) => contents.delete(path),
    fault: (path, { times = Number.POSITIVE_INFINITY, ...fault }) => faults.set(path, { fault: fault as Fault, timesLeft: times }),
    heal: (path) => (path === undefined ? faults.clear() : faults.delete(path)),
    requests,
    requestsFor: (path) => requests.filter((request) => request.path === path || withoutQuery(request.path) === path),
    get connections() {
      return connections;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function withoutQuery(path: string): string {
  return path.split("?", 1)[0] ?? path;
}

function byPath<T>(map: ReadonlyMap<string, T>, path: string): T | undefined {
  return map.get(path) ?? map.get(withoutQuery(path));
}

async function record(incoming: IncomingMessage): Promise<RecordedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
  return { method: incoming.method ?? "", path: incoming.url ?? "", headers, body: Buffer.concat(chunks), at: Date.now() };
}

async function misbehave(
  fault: Fault | undefined,
  content: Content | undefined,
  request: RecordedRequest,
  response: ServerResponse,
): Promise<void> {
  const answer = answerTo(request, content);
  switch (fault?.kind) {
    case undefined:
      return send(response, request, answer);
    case "wrong-bytes":
      return send(response, request, { ...answer, body: flipMiddle(answer.body) });
    case "truncate":
      await sendPart(response, answer, answer.body.length, fault.afterBytes);
      return void response.destroy();
    case "content-length":
      await sendPart(response, answer, fault.bytes, answer.body.length);
      return void response.socket?.end();
    case "status":
      return send(response, request, {
        status: fault.status,
        headers: { "content-type": "text/plain", ...fault.headers },
        body: Buffer.from(`fault: ${fault.status}\n`),
      });
    case "stall":
      if (fault.at !== "headers") await sendPart(response, answer, answer.body.length, fault.at);
      return;
    case "slow":
      return sendSlowly(response, answer, fault.bytesPerSecond);
    case "redirect":
      return send(response, request, { status: fault.status ?? 302, headers: { location: fault.location }, body: Buffer.alloc(0) });
    case "html":
      return send(response, request, {
        status: 200,
        headers: { "content-type": "text/html; charset=utf-8" },
        body: Buffer.from("<!doctype html><title>Sign in</title><p>Please sign in to this network."),
      });
    case "gzip-bomb":
      return send(response, request, {
        status: 200,
        headers: { "content-type": content?.contentType ?? "application/json", "content-encoding": "gzip" },
        body: gzipSync(Buffer.alloc(fault.unpackedBytes)),
      });
    case "disconnect":
      return void response.destroy();
    default:
      return fault satisfies never;
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** What an honest server says: content, 304, 206, 416 or 404. */
function answerTo(request: RecordedRequest, content: Content | undefined): Answer {
  if (!content) return { status: 404, headers: { "content-type": "text/plain" }, body: Buffer.from("not here\n") };
  const body = typeof content.body === "string" ? Buffer.from(content.body) : content.body;
  const headers: Record<string, string> = { "content-type": content.contentType ?? "application/octet-stream" };
  if (content.etag !== undefined) headers["etag"] = content.etag;
  if (content.lastModified !== undefined) headers["last-modified"] = content.lastModified;
  if (content.ranges !== false) headers["accept-ranges"] = "bytes";
  Object.assign(headers, content.headers);

  const { "if-none-match": ifNoneMatch, "if-modified-since": ifModifiedSince, "if-range": ifRange } = request.headers;
  const unchanged =
    ifNoneMatch === undefined
      ? ifModifiedSince !== undefined && ifModifiedSince === content.lastModified
      : content.etag !== undefined && ifNoneMatch.split(", ").includes(content.etag);
  if (unchanged) return { status: 304, headers, body: Buffer.alloc(0) };

  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers["range"] ?? "");
  const rangeHolds = ifRange === undefined || ifRange === content.etag || ifRange === content.lastModified;
  if (range && rangeHolds && content.ranges !== false) {
    const first = Number(range[1]);
    const last = Math.min(range[2] ? Number(range[2]) : body.length - 1, body.length - 1);
    if (first > last) return { status: 416, headers: { "content-range": `bytes */${body.length}` }, body: Buffer.alloc(0) };
    headers["content-range"] = `bytes ${first}-${last}/${body.length}`;
    return { status: 206, headers, body: body.subarray(first, last + 1) };
  }
  return { status: content.status ?? 200, headers, body };
}

function send(response: ServerResponse, request: RecordedRequest, { status, headers, body }: Answer): void {
  const announced = status === 304 || "transfer-encoding" in headers ? {} : { "content-length": String(body.length) };
  response.writeHead(status, { ...announced, ...headers });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** Writes the headers with a length of our choice and part of the body, and leaves the connection open. */
async function sendPart(response: ServerResponse, answer: Answer, announcedBytes: number, sentBytes: number): Promise<void> {
  const announced = "transfer-encoding" in answer.headers ? {} : { "content-length": String(announcedBytes) };
  response.writeHead(answer.status, { ...answer.headers, ...announced });
  response.flushHeaders();
  if (sentBytes > 0) await new Promise<void>((resolve) => response.write(answer.body.subarray(0, sentBytes), () => resolve()));
}

async function sendSlowly(response: ServerResponse, answer: Answer, bytesPerSecond: number): Promise<void> {
  response.writeHead(answer.status, { ...answer.headers, "content-length": String(answer.body.length) });
  const startedAt = performance.now();
  for (let sent = 0; sent < answer.body.length && !response.destroyed; ) {
    const due = Math.ceil(((performance.now() - startedAt) / 1000) * bytesPerSecond);
    const next = Math.min(answer.body.length, Math.max(due, sent));
    if (next > sent) await new Promise<void>((resolve) => response.write(answer.body.subarray(sent, next), () => resolve()));
    sent = next;
    await delay(20);
  }
  response.end();
}

function flipMiddle(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  const middle = copy.length >> 1;
  if (copy.length > 0) copy.writeUInt8((copy.readUInt8(middle) ^ 0x01) & 0xff, middle);
  return copy;
}
