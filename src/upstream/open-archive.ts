import { AssayError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { ArchiveStream } from "../core/ports/upstream-client.ts";
import { statusFailure } from "./check-status.ts";
import { discard, type Exchange, type ExchangeAnswer } from "./exchange.ts";
import { readBody, tooLong } from "./read-body.ts";
import { BACKOFF_BASE_MS } from "./retry.ts";
import { describeUrl, UpstreamFailure } from "./upstream-failure.ts";

/** Times that one download is taken up again after a cut. */
export const MAX_RESUMES = 3;

/** What a download needs besides the first answer. */
interface ArchiveContext {
  readonly exchange: Exchange;
  readonly clock: Clock;
  readonly delay: (ms: number) => Promise<void>;
  readonly maxBytes: number;
  /** Called once, when the connection is no longer held. */
  readonly onEnd: () => void;
}

/** One attempt to get an archive's headers. Throws NOT_FOUND, UPSTREAM_LIMIT, UPSTREAM_MALFORMED, and as `statusFailure` and `Exchange.run` say. */
export async function requestArchive(exchange: Exchange, url: URL, maxBytes: number): Promise<ExchangeAnswer> {
  // The digest is claimed for the file, not for a compressed form of it.
  const answer = await exchange.run({ url, method: "GET", headers: { accept: "*/*", "accept-encoding": "identity" }, bulk: true });
  if (answer.status === 404 || answer.status === 410) {
    await discard(answer);
    throw new AssayError("NOT_FOUND", `upstream does not have ${describeUrl(answer.url)} (status ${answer.status})`);
  }
  if (answer.status !== 200) throw await statusFailure(answer);
  if (isRecoded(answer)) {
    answer.body.destroy();
    throw new AssayError(
      "UPSTREAM_MALFORMED",
      `sent as ${answer.headers.contentCoding} although it was asked for as it is: ${describeUrl(url)}`,
    );
  }
  if ((answer.headers.contentLength ?? 0) > maxBytes) {
    answer.body.destroy();
    throw tooLong(answer.url, maxBytes);
  }
  return answer;
}

/**
 * Whether the bytes on the wire are not the file. Some servers label a gzip file's own compression as a content-coding; pip knows them too and
 * takes the bytes as they come, and so do we. The digest would show it if we were wrong.
 */
function isRecoded({ headers, url }: ExchangeAnswer): boolean {
  const { contentCoding } = headers;
  if (contentCoding === undefined) return false;
  const ownCompression = (contentCoding === "gzip" || contentCoding === "x-gzip") && /\.(gz|tgz|aam)$/.test(url.pathname);
  return !ownCompression;
}

/** The rest of an answer that `requestArchive` gave, as the port hands it on. `url` is the one first asked for. */
export function archiveStream(answer: ExchangeAnswer, url: URL, context: ArchiveContext): ArchiveStream {
  const bytes = new ArchiveBytes(answer, url, context);
  return { sizeBytes: answer.headers.contentLength, url: answer.url, checksums: answer.headers.checksums, bytes };
}

/** Not a generator, because `return` on one that was never started runs none of its code, and the connection would stay. */
class ArchiveBytes implements AsyncIterableIterator<Uint8Array> {
  readonly #url: URL;
  readonly #first: ExchangeAnswer;
  readonly #context: ArchiveContext;
  #current: ExchangeAnswer;
  #source: AsyncGenerator<Buffer, void, void>;
  #receivedBytes = 0;
  #resumes = 0;
  #ended = false;
  #handedOut: Buffer | undefined;

  constructor(answer: ExchangeAnswer, url: URL, context: ArchiveContext) {
    this.#url = url;
    this.#first = answer;
    this.#context = context;
    this.#current = answer;
    this.#source = readBody(answer, context.maxBytes, context.clock);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#handedOut) giveUp(this.#handedOut);
    this.#handedOut = undefined;
    try {
      while (!this.#ended) {
        const step = await this.#source.next().catch((error) => this.#resume(error));
        if (!step) continue;
        if (step.done) {
          this.#checkWhole();
          this.#end();
          break;
        }
        this.#receivedBytes += step.value.length;
        this.#handedOut = step.value;
        return { done: false, value: step.value };
      }
      return { done: true, value: undefined };
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#end();
    return { done: true, value: undefined };
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#current.body.destroy();
    this.#context.onEnd();
  }

  #checkWhole(): void {
    const announced = this.#first.headers.contentLength;
    if (announced !== undefined && announced !== this.#receivedBytes) {
      throw new AssayError("UPSTREAM_LENGTH", `announced ${announced} bytes, sent ${this.#receivedBytes}: ${describeUrl(this.#url)}`);
    }
  }

  /**
   * Takes a cut download up where it stopped, or throws `cut`. Only where upstream promised ranges and named this very representation by a
   * validator, so that it can say when it no longer has it. https://www.rfc-editor.org/rfc/rfc9110#field.if-range
   */
  async #resume(cut: unknown): Promise<undefined> {
    const { headers } = this.#first;
    const validator = headers.etag !== undefined && !headers.etag.startsWith("W/") ? headers.etag : headers.lastModified;
    const isCut = cut instanceof AssayError && cut.code === "UPSTREAM_TRUNCATED";
    if (!isCut || this.#ended || !headers.acceptsRanges || validator === undefined) throw cut;

    while (this.#resumes < MAX_RESUMES) {
      await this.#context.delay(BACKOFF_BASE_MS * 2 ** this.#resumes++);
      if (this.#ended) throw cut;
      const answer = await this.#ask(validator);
      if (!answer) continue;
      if (this.#ended) {
        answer.body.destroy();
        throw cut;
      }
      this.#checkContinues(answer, cut);
      this.#current = answer;
      this.#source = readBody(answer, this.#context.maxBytes - this.#receivedBytes, this.#context.clock);
      return undefined;
    }
    throw cut;
  }

  /** Undefined where asking again later may help. */
  async #ask(validator: string): Promise<ExchangeAnswer | undefined> {
    const headers = { accept: "*/*", "accept-encoding": "identity", range: `bytes=${this.#receivedBytes}-`, "if-range": validator };
    try {
      const answer = await this.#context.exchange.run({ url: this.#url, method: "GET", headers, bulk: true });
      if (answer.status === 206 || answer.status === 200) return answer;
      throw await statusFailure(answer);
    } catch (error) {
      if (error instanceof UpstreamFailure && error.mayPass) return undefined;
      throw error;
    }
  }

  /** 200 means that the file changed: what is already handed on cannot be taken back, so the download has failed. */
  #checkContinues(answer: ExchangeAnswer, cut: AssayError): void {
    const { contentRange, contentCoding } = answer.headers;
    const announced = this.#first.headers.contentLength;
    const continues =
      answer.status === 206 && contentRange?.first === this.#receivedBytes && contentCoding === this.#first.headers.contentCoding;
    if (!continues) {
      answer.body.destroy();
      throw cut;
    }
    if ((announced !== undefined && contentRange.total !== announced) || contentRange.last !== contentRange.total - 1) {
      answer.body.destroy();
      throw new AssayError(
        "UPSTREAM_LENGTH",
        `announced ${announced ?? "no"} bytes, then ${contentRange.total} when asked for the rest: ${describeUrl(this.#url)}`,
      );
    }
  }
}

/**
 * Frees the memory of a chunk now, where it has memory of its own. Left to the garbage collector, the chunks of one fast download pile up to some
 * 60 MB before it comes round (measured).
 */
function giveUp(chunk: Buffer): void {
  const { buffer } = chunk;
  if (buffer instanceof ArrayBuffer && !buffer.detached && buffer.byteLength === chunk.length) buffer.transfer(0);
}
