import { createHash } from "node:crypto";
import type { ArtifactRef } from "../../src/core/artifact.ts";
import { parseDigest } from "../../src/core/digest.ts";
import { AssayError, isUpstreamFailure } from "../../src/core/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/core/limits.ts";
import type { DocumentRequest, Documents, HeldDocument } from "../../src/core/ports/documents.ts";
import type { EcosystemServices, Repository } from "../../src/core/ports/ecosystem.ts";
import type { Foresight, ListedPackage, Marks } from "../../src/core/ports/foresight.ts";
import type { Index, KnownFile, Listing } from "../../src/core/ports/index-store.ts";
import type { Log, LogFields } from "../../src/core/ports/log.ts";
import type { Admission } from "../../src/core/verdict.ts";

/** What an upstream answers at one address; nothing at all is a 404. */
export interface UpstreamPage {
  readonly contentType: string;
  readonly body: string | Buffer;
}

const FETCHED_AT = Date.UTC(2026, 0, 1);

/** Documents and the index reads in memory: all of what an ecosystem is given, with an upstream that is a table of addresses. */
export class MemoryServices implements Documents, Foresight, Pick<Index, "file" | "files" | "admitted"> {
  /** What upstreams have, by address. */
  readonly pages = new Map<string, UpstreamPage>();
  /** Addresses asked of upstreams, in order. */
  readonly requests: string[] = [];
  readonly warnings: LogFields[] = [];
  /** Archives that a page is to mark, by file, and until when. */
  readonly marked = new Map<string, string>();
  markedUntil = Number.POSITIVE_INFINITY;
  /** What `marks` was asked, in order. */
  readonly listings: ListedPackage[] = [];
  /** Thrown in place of every upstream answer. */
  failure: AssayError | undefined;

  readonly #held = new Map<string, HeldDocument>();
  readonly #rows = new Map<string, KnownFile>();
  readonly #admissions: Admission[] = [];

  /** The services as an ecosystem takes them. */
  services(limits: Partial<Limits> = {}): EcosystemServices {
    const warn = (fields: LogFields): void => void this.warnings.push(fields);
    const log: Log = { debug: () => {}, info: () => {}, warn, error: warn, child: () => log };
    const fetch = (): never => {
      throw new Error("this ecosystem gets its documents through Documents");
    };
    return {
      documents: this,
      index: this,
      foresight: this,
      upstream: { fetch },
      limits: { ...DEFAULT_LIMITS, ...limits },
      log,
      upstreamsFor: ({ upstreams }) => upstreams,
    };
  }

  /** Records that these bytes were let in under `ref`. */
  admit(ref: ArtifactRef, bytes: string, more: Partial<Admission> = {}): Admission {
    const admission: Admission = {
      ref,
      decidedAt: FETCHED_AT,
      digest: parseDigest(createHash("sha256").update(bytes).digest("hex")),
      sizeBytes: bytes.length,
      url: `https://files.example/${encodeURIComponent(ref.file)}`,
      upstream: "a",
      claims: [],
      evidence: [],
      verdict: { kind: "admit", warnings: [] },
      ...more,
    };
    this.#admissions.push(admission);
    return admission;
  }

  /** Flips a bit of what is held under `key`, as a bad disk would. */
  damage(key: string): void {
    for (const [held, document] of this.#held) {
      if (!held.endsWith(`\0${key}`)) continue;
      const body = Buffer.from(document.body);
      body[0] = (body[0] ?? 0) ^ 1;
      this.#held.set(held, { ...document, body });
    }
  }

  /** Loses what is held under `key`, as happens to a document that is too old to stand in for its upstream. */
  forget(key: string): void {
    for (const held of this.#held.keys()) if (held.endsWith(`\0${key}`)) this.#held.delete(held);
  }

  async get(requests: readonly DocumentRequest[]): Promise<HeldDocument | undefined> {
    for (const request of requests) {
      const key = `${request.repository}\0${request.upstream.id}\0${request.key}`;
      const held = this.#held.get(key);
      try {
        const found = this.#ask(request);
        if (found) {
          this.#held.set(key, found);
          return found;
        }
      } catch (error) {
        if (!held || !isUpstreamFailure(error)) throw error;
        return { ...held, stale: error.message };
      }
      if (held) return request.keepWhenAbsent ? { ...held, stale: "upstream has it no more" } : undefined;
    }
    return undefined;
  }

  #ask(request: DocumentRequest): HeldDocument | undefined {
    this.requests.push(request.url.href);
    if (this.failure) throw this.failure;
    const page = this.pages.get(request.url.href);
    if (!page) return undefined;
    const body = Buffer.from(page.body);
    if (body.length > request.maxBytes) throw new AssayError("UPSTREAM_LIMIT", `more than ${request.maxBytes} bytes`);
    const listing = request.read({ body, contentType: page.contentType, url: request.url });
    if (listing) this.#list(request, listing);
    return {
      key: request.key,
      body,
      contentType: page.contentType,
      url: request.url,
      upstream: request.upstream,
      fetchedAt: FETCHED_AT,
      validatedAt: FETCHED_AT,
      freshUntil: FETCHED_AT + 60_000,
      revision: createHash("sha256").update(body).digest("hex"),
    };
  }

  #list(request: DocumentRequest, listing: Listing): void {
    const prefix = `${request.repository}\0${listing.name}\0`;
    for (const [key, row] of this.#rows) if (key.startsWith(prefix)) this.#rows.set(key, { ...row, listed: false });
    for (const file of listing.files) {
      // What a database would give back: plain JSON, nothing that only lives in memory.
      const row = JSON.parse(JSON.stringify(file)) as typeof file;
      this.#rows.set(prefix + file.file, { ...row, upstream: request.upstream.url.href, firstSeenAt: FETCHED_AT, listed: true });
    }
  }

  async marks(_repository: Repository, listed: ListedPackage): Promise<Marks> {
    this.listings.push(listed);
    return { reasons: new Map(this.marked), unobtainable: new Set(), until: this.markedUntil };
  }

  barred(_repository: Repository, { archives }: Pick<ListedPackage, "archives">): ReadonlyMap<string, string> {
    return new Map(archives.flatMap(({ file }) => (this.marked.has(file) ? [[file, this.marked.get(file) ?? ""]] : [])));
  }

  async file(ref: ArtifactRef): Promise<KnownFile | undefined> {
    return this.#rows.get(`${ref.repository}\0${ref.name}\0${ref.file}`);
  }

  async files(repository: string, name: string): Promise<readonly KnownFile[]> {
    return [...this.#rows].filter(([key]) => key.startsWith(`${repository}\0${name}\0`)).map(([, row]) => row);
  }

  async admitted(repository: string, name: string): Promise<readonly Admission[]> {
    const ofPackage = this.#admissions.filter(({ ref }) => ref.repository === repository && ref.name === name);
    return ofPackage.filter(({ verdict }) => verdict.kind === "admit");
  }
}
