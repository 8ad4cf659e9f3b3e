import type { AssayError } from "../core/errors.ts";
import type { Limits } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { ArchiveStream, DocumentAnswer, DocumentQuery, UpstreamLoad } from "../core/ports/upstream-client.ts";
import { Semaphore } from "../core/semaphore.ts";
import { Destinations } from "./destination.ts";
import { Exchange } from "./exchange.ts";
import { fetchDocument } from "./fetch-document.ts";
import { archiveStream, requestArchive } from "./open-archive.ts";
import type { UpstreamOptions } from "./options.ts";
import type { ResolveHost } from "./resolve-host.ts";
import { type RetryOptions, withRetries } from "./retry.ts";
import { Transport } from "./transport.ts";

interface HttpUpstreamParts {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  readonly resolve: ResolveHost;
  readonly random: () => number;
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** One upstream over http or https: takes turns, retries, and hands each attempt to `Exchange`. */
export class HttpUpstream {
  readonly #clock: Clock;
  readonly #exchange: Exchange;
  readonly #transport: Transport;
  readonly #documents: Semaphore;
  readonly #archives: Semaphore;
  readonly #retry: RetryOptions;
  readonly #closing = new AbortController();

  constructor(options: UpstreamOptions, { limits, clock, log, resolve, random, delay }: HttpUpstreamParts) {
    this.#clock = clock;
    this.#transport = new Transport(options, resolve);
    this.#exchange = new Exchange(options, {
      destinations: new Destinations(options, resolve, clock),
      transport: this.#transport,
      maxRedirects: limits.redirects,
      clock,
      log,
    });
    const turns = { slots: options.concurrency, queue: limits.fetchQueue };
    this.#documents = new Semaphore({ ...turns, what: `documents of ${options.upstream.id}` });
    this.#archives = new Semaphore({ ...turns, what: `archives of ${options.upstream.id}` });
    this.#retry = {
      retries: options.retries,
      random,
      delay: (ms) => delay(ms, this.#closing.signal),
      onRetry: (failure: AssayError, waitMs) =>
        log.warn({ code: failure.code, detail: failure.message, waitMs }, "upstream failed, will ask again"),
    };
  }

  async fetch(query: DocumentQuery): Promise<DocumentAnswer> {
    const attempt = (): Promise<DocumentAnswer> => this.#documents.run(() => fetchDocument(this.#exchange, query, this.#clock));
    // A POST may have been acted upon before its answer was lost.
    return query.method === "POST" ? attempt() : withRetries(attempt, this.#retry);
  }

  async open(url: URL, { maxBytes }: { maxBytes: number }): Promise<ArchiveStream> {
    const leave = await this.#archives.acquire();
    try {
      const answer = await withRetries(() => requestArchive(this.#exchange, url, maxBytes), this.#retry);
      const { delay } = this.#retry;
      return archiveStream(answer, url, { exchange: this.#exchange, clock: this.#clock, delay, maxBytes, onEnd: leave });
    } catch (error) {
      leave();
      throw error;
    }
  }

  load(): Omit<UpstreamLoad, "id"> {
    return {
      waitingDocuments: this.#documents.waiting,
      waitingArchives: this.#archives.waiting,
      openCircuits: this.#exchange.openCircuits,
    };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#transport.close();
  }
}
