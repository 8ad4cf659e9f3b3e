import { Readable } from "node:stream";
import { Agent, type Dispatcher, ProxyAgent, request } from "undici";
import { AssayError } from "../core/errors.ts";
import { translateError } from "./translate-error.ts";
import { describeUrl } from "./upstream-failure.ts";

/** Where something is sent to, and what opens the door. */
export interface UploadTarget {
  /** Sent to this origin only: no redirect is followed. */
  readonly token: string | undefined;
  /** `http://[user:password@]host:port` */
  readonly proxy: URL | undefined;
}

export interface UploadAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** Bytes of a registry's answer to one request. */
const MAX_ANSWER_BYTES = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
const CONNECT_MS = 10_000;
/** A registry verifies what it gets before it answers. */
const ANSWER_MS = 120_000;
const IDLE_MS = 30_000;
const MAX_HEADER_BYTES = 32 * 1024;

/**
 * The requests of a publisher to one registry. Answers any status but a redirect. Throws UPSTREAM_REDIRECT, UPSTREAM_LIMIT, UPSTREAM_TIMEOUT, UPSTREAM_TRUNCATED, UPSTREAM_UNREACHABLE. Nothing is
 * retried: only the caller knows what may be sent twice.
 */
export class Uploader {
  readonly #token: string | undefined;
  readonly #dispatcher: Dispatcher;

  constructor({ token, proxy }: UploadTarget) {
    const options = { connect: { timeout: CONNECT_MS }, headersTimeout: ANSWER_MS, bodyTimeout: IDLE_MS, maxHeaderSize: MAX_HEADER_BYTES };
    this.#token = token;
    this.#dispatcher = proxy ? new ProxyAgent({ ...options, uri: proxy.href }) : new Agent(options);
  }

  /** Sends a form; `progress` hears how many of its bytes are on their way, and of how many. */
  async post(url: URL, form: FormData, progress: (sentBytes: number, totalBytes: number) => void): Promise<UploadAnswer> {
    const encoded = new Response(form);
    const contentType = encoded.headers.get("content-type") ?? "multipart/form-data";
    const body = Buffer.from(await encoded.arrayBuffer());
    const headers = { "content-type": contentType, "content-length": String(body.length) };
    return this.#send(url, { method: "POST", headers, body: Readable.from(pieces(body, progress)) });
  }

  async get(url: URL): Promise<UploadAnswer> {
    return this.#send(url, { method: "GET", headers: {}, body: null });
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #send(
    url: URL,
    hop: Pick<Dispatcher.RequestOptions, "method" | "body"> & { readonly headers: Record<string, string> },
  ): Promise<UploadAnswer> {
    const authorization = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    const headers = { "user-agent": "assay", accept: "application/json", ...hop.headers, ...authorization };
    let answer: Dispatcher.ResponseData;
    try {
      answer = await request(url, { method: hop.method, body: hop.body ?? null, headers, dispatcher: this.#dispatcher });
    } catch (error) {
      throw translateError(error, "headers", url);
    }
    const { statusCode: status, body } = answer;
    body.on("error", () => {}); // Whoever reads the body sees its error. A body that nobody reads any more must not end the process.
    if (status >= 300 && status < 400) {
      body.destroy();
      throw new AssayError(
        "UPSTREAM_REDIRECT",
        `${describeUrl(url)} answers with a redirect (${status}), which is not followed with a token`,
        {
          help: "give the address that it leads to",
        },
      );
    }
    return { status, body: await bounded(body, url) };
  }
}

async function* pieces(body: Buffer, progress: (sentBytes: number, totalBytes: number) => void): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < body.length; sent += PIECE_BYTES) {
    yield body.subarray(sent, sent + PIECE_BYTES);
    progress(Math.min(sent + PIECE_BYTES, body.length), body.length);
  }
}

async function bounded(body: Dispatcher.ResponseData["body"], url: URL): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of body) {
      sizeBytes += (chunk as Buffer).length;
      if (sizeBytes > MAX_ANSWER_BYTES) {
        throw new AssayError("UPSTREAM_LIMIT", `the answer has more than ${MAX_ANSWER_BYTES} bytes: ${describeUrl(url)}`);
      }
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw translateError(error, "body", url);
  }
  return Buffer.concat(chunks);
}
