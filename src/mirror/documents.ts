import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { AssayError, isUpstreamFailure } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { DocumentRequest, Documents, HeldDocument } from "../core/ports/documents.ts";
import type { DocumentRecord, Index } from "../core/ports/index-store.ts";
import type { Log } from "../core/ports/log.ts";
import type { DocumentResponse, UpstreamClient } from "../core/ports/upstream-client.ts";
import { SingleFlight } from "../core/single-flight.ts";
import type { Uses } from "./cache/uses.ts";
import type { Counters } from "./counters.ts";

export interface DocumentsSettings {
  /** How long a document counts as fresh after upstream confirmed it. */
  readonly metadataTtlMs: number;
  /** How long an upstream's "absent" is believed. */
  readonly negativeTtlMs: number;
  /** How long after its last confirmation a document may stand in for a failing upstream. */
  readonly staleIfErrorMs: number;
  /** Bytes of documents kept in memory. */
  readonly memoryBytes: number;
  /** With no upstream connection ever, what is held is served whatever its age. */
  readonly offline: boolean;
}

interface DocumentsDeps {
  readonly index: Pick<Index, "document" | "documentOwner" | "putDocument" | "touchDocument">;
  readonly upstream: Pick<UpstreamClient, "fetch">;
  readonly counters: Counters;
  readonly uses: Pick<Uses, "document">;
  readonly clock: Clock;
  readonly log: Log;
}

/** After a failure, what is held is served for this long without asking again, so that clients do not all wait for time-outs. */
const FAILURE_PAUSE_MS = 10_000;

/** A held document is served, stale, when its upstream takes longer than this; the refresh goes on and serves the next request. */
const PATIENCE_MS = 5_000;

const ABSENT = Symbol("absent");
type Found = HeldDocument | typeof ABSENT;

/** Upstream documents with validators, single flight, negative caching and stale-if-error. */
export class MirrorDocuments implements Documents {
  readonly #deps: DocumentsDeps;
  readonly #settings: DocumentsSettings;
  readonly #refreshes = new SingleFlight<Found>();
  readonly #memory: LRUCache<string, DocumentRecord>;
  readonly #absentUntil: LRUCache<string, number>;
  readonly #pausedUntil: LRUCache<string, { until: number; reason: string }>;

  constructor(deps: DocumentsDeps, settings: DocumentsSettings) {
    this.#deps = deps;
    this.#settings = settings;
    this.#memory = new LRUCache({ maxSize: settings.memoryBytes, sizeCalculation: (record) => record.body.length + 512 });
    this.#absentUntil = new LRUCache({ max: 50_000 });
    this.#pausedUntil = new LRUCache({ max: 50_000 });
  }

  async get(requests: readonly DocumentRequest[]): Promise<HeldDocument | undefined> {
    for (const request of requests) {
      const found = await this.#find(request);
      if (found !== ABSENT) return found;
      // A name that this upstream had stays this upstream's, deleted or not: the next one must not be able to take it over.
      const held = await this.#held(request);
      if (held) return request.keepWhenAbsent ? this.#answerStale(request, held, "upstream has it no more") : undefined;
      if ((await this.#deps.index.documentOwner(request))?.upstream === request.upstream.url.href) return undefined;
    }
    return undefined;
  }

  async #find(request: DocumentRequest): Promise<Found> {
    const now = this.#deps.clock.now();
    const held = await this.#held(request);
    if (held && (request.settled || this.#isFresh(request, held))) return this.#answer(request, held);
    const absentUntil = this.#absentUntil.get(memoryKey(request));
    if (absentUntil !== undefined && now < absentUntil && !request.upstream.own) return ABSENT;
    const paused = this.#pausedUntil.get(memoryKey(request));
    if (held && paused && now < paused.until) return this.#answerStale(request, held, paused.reason);

    const refresh = this.#refreshes.run(memoryKey(request), () => this.#refresh(request, held));
    if (!held || !this.#mayServeStale(request, held)) return refresh;
    return this.#orStaleWhenSlow(request, held, refresh);
  }

  async #held(request: DocumentRequest): Promise<DocumentRecord | undefined> {
    const key = documentKey(request);
    // Offline nothing comes in by this process, but an import beside it may bring something newer than what is in memory.
    if (this.#settings.offline) this.#memory.delete(key);
    await this.#dropLetGo(request);
    const stored = this.#memory.get(key) ?? (await this.#deps.index.document(request));
    // A refresh may have ended meanwhile.
    const record = this.#memory.get(key) ?? stored;
    if (record) this.#memory.set(key, record);
    // The repository may have been given another upstream since, or the name may have been bound to another: what one said is not the other's word.
    return record?.upstream === request.upstream.url.href ? record : undefined;
  }

  /** What is in memory and not used for long may have been let go, with all that it listed. Nothing is that is fresh. */
  async #dropLetGo(request: DocumentRequest): Promise<void> {
    const record = this.#memory.get(documentKey(request));
    if (!record || this.#isFresh(request, record)) return;
    if ((await this.#deps.index.documentOwner(request))?.isLetGo) this.#memory.delete(documentKey(request));
  }

  async #refresh(request: DocumentRequest, held: DocumentRecord | undefined): Promise<Found> {
    try {
      const answer = await this.#deps.upstream.fetch(request.upstream, {
        url: request.url,
        accept: request.accept,
        maxBytes: request.maxBytes,
        ...(held?.etag ? { etag: held.etag } : {}),
        ...(held?.lastModified ? { lastModified: held.lastModified } : {}),
      });
      switch (answer.kind) {
        case "absent":
          this.#absentUntil.set(memoryKey(request), this.#deps.clock.now() + this.#settings.negativeTtlMs);
          return ABSENT;
        case "not-modified":
          if (!held) throw new Error("the upstream client answered not-modified to an unconditional request");
          return this.#answer(request, await this.#confirm(request, held, {}, this.#deps.clock.now()));
        case "document":
          return this.#answer(request, await this.#keep(request, held, answer.response));
        default:
          return answer satisfies never;
      }
    } catch (error) {
      // With a full disk nothing new can be kept, and what is held must not go dark over it.
      const passing = isUpstreamFailure(error) || isStoreFull(error);
      if (!passing || !held || !this.#mayServeStale(request, held)) throw error;
      return this.#standIn(request, held, error);
    }
  }

  async #keep(request: DocumentRequest, held: DocumentRecord | undefined, response: DocumentResponse): Promise<DocumentRecord> {
    this.#deps.counters.add(request.repository, "documents_fetched", 1);
    this.#deps.counters.add(request.repository, "bytes_fetched", response.body.length);
    const revision = createHash("sha256").update(response.body).digest("hex");
    const validators = {
      ...(response.etag ? { etag: response.etag } : {}),
      ...(response.lastModified ? { lastModified: response.lastModified } : {}),
    };
    // Most refreshes bring what we hold, from upstreams without validators too: nothing to parse, nothing to write but the time.
    const now = this.#deps.clock.now();
    const saidAt = Math.min(response.saidAt ?? now, now);
    if (held && held.revision === revision && held.contentType === response.contentType)
      return this.#confirm(request, held, validators, Math.max(saidAt, Math.min(held.validatedAt, now)));
    // What was said earlier, in a bundle that comes late, must not take back what was said or confirmed since. What upstream says itself is the newest there is, whatever our clock said before.
    if (held && response.saidAt !== undefined && saidAt < held.validatedAt) return held;
    const listing = request.read({ body: response.body, contentType: response.contentType, url: response.url });
    const record: DocumentRecord = {
      body: response.body,
      contentType: response.contentType,
      url: response.url.href,
      upstream: request.upstream.url.href,
      fetchedAt: saidAt,
      validatedAt: saidAt,
      revision,
      ...validators,
    };
    await this.#deps.index.putDocument({ repository: request.repository, key: request.key }, record, listing);
    this.#remember(request, record);
    return record;
  }

  async #confirm(
    request: DocumentRequest,
    held: DocumentRecord,
    validators: Partial<DocumentRecord>,
    validatedAt: number,
  ): Promise<DocumentRecord> {
    const record = { ...held, ...validators, validatedAt };
    // Another upstream's may have taken its place meanwhile, where the policy changed whose the name is: the confirmation is not that one's.
    if ((await this.#held(request))?.revision !== held.revision) return record;
    try {
      await this.#deps.index.touchDocument({ repository: request.repository, key: request.key }, record.validatedAt);
    } catch (error) {
      // Only the time is lost: after a restart it counts as older than it is.
      if (!isStoreFull(error)) throw error;
      this.#deps.log.warn(
        { repository: request.repository, document: request.key, code: error.code },
        "the disk is full: a confirmation is not kept",
      );
    }
    this.#remember(request, record);
    return record;
  }

  #remember(request: DocumentRequest, record: DocumentRecord): void {
    this.#memory.set(documentKey(request), record);
    const key = memoryKey(request);
    this.#absentUntil.delete(key);
    this.#pausedUntil.delete(key);
  }

  #mayServeStale(request: DocumentRequest, held: DocumentRecord): boolean {
    return request.keepWhenAbsent || this.#settings.offline || this.#deps.clock.now() - held.validatedAt <= this.#settings.staleIfErrorMs;
  }

  #standIn(request: DocumentRequest, held: DocumentRecord, error: AssayError): HeldDocument {
    const log = { repository: request.repository, document: request.key, code: error.code, validatedAt: new Date(held.validatedAt) };
    if (error.code === "OFFLINE") this.#deps.log.debug(log, "offline: serving what is held");
    else this.#deps.log.warn(log, "a document could not be renewed: serving what is held");
    this.#pausedUntil.set(memoryKey(request), { until: this.#deps.clock.now() + FAILURE_PAUSE_MS, reason: error.message });
    return this.#answerStale(request, held, error.message);
  }

  async #orStaleWhenSlow(request: DocumentRequest, held: DocumentRecord, refresh: Promise<Found>): Promise<Found> {
    let timer: NodeJS.Timeout | undefined;
    const slow = new Promise<"slow">((resolve) => {
      timer = setTimeout(() => resolve("slow"), PATIENCE_MS);
    });
    // Its failure is logged by whoever awaits it; when nobody does any more, it must not end the process.
    refresh.catch(() => {});
    try {
      const first = await Promise.race([refresh, slow]);
      if (first !== "slow") return first;
    } finally {
      clearTimeout(timer);
    }
    this.#deps.log.warn({ repository: request.repository, document: request.key }, "upstream is slow: serving what is held");
    return this.#answerStale(request, held, `upstream took longer than ${PATIENCE_MS / 1000} s`);
  }

  /** Not one that was confirmed in the future: the clock was ahead then, and nobody knows how old it is. */
  #isFresh(request: DocumentRequest, { validatedAt }: DocumentRecord): boolean {
    const now = this.#deps.clock.now();
    return validatedAt <= now && now < validatedAt + this.#ttlMs(request);
  }

  /** To ask ourselves costs nothing, and whoever published something sees it at once. */
  #ttlMs({ upstream }: DocumentRequest): number {
    return upstream.own ? 0 : this.#settings.metadataTtlMs;
  }

  #answer(request: DocumentRequest, record: DocumentRecord): HeldDocument {
    this.#deps.uses.document(request);
    return {
      key: request.key,
      body: record.body,
      contentType: record.contentType,
      url: new URL(record.url),
      upstream: request.upstream,
      fetchedAt: record.fetchedAt,
      validatedAt: record.validatedAt,
      freshUntil: record.validatedAt + this.#ttlMs(request),
      revision: record.revision,
    };
  }

  #answerStale(request: DocumentRequest, record: DocumentRecord, reason: string): HeldDocument {
    this.#deps.counters.add(request.repository, "stale_served", 1);
    return { ...this.#answer(request, record), freshUntil: this.#deps.clock.now() + FAILURE_PAUSE_MS, stale: reason };
  }
}

function isStoreFull(error: unknown): error is AssayError {
  return error instanceof AssayError && error.code === "STORE_FULL";
}

/** One upstream's answer to a request. */
function memoryKey(request: DocumentRequest): string {
  return `${request.repository}\0${request.upstream.id}\0${request.key}`;
}

/** As the index has it: one document a key, whichever upstream it is from, so that what is in memory never outlives its row. */
function documentKey(request: DocumentRequest): string {
  return `${request.repository}\0${request.key}`;
}
