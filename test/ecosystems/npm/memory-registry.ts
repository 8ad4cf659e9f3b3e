import { createHash } from "node:crypto";
import type { ArtifactRef } from "../../../src/core/artifact.ts";
import { AssayError } from "../../../src/core/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../../../src/core/limits.ts";
import type { DocumentRequest, Documents, HeldDocument } from "../../../src/core/ports/documents.ts";
import type { EcosystemRequest, EcosystemServices, Repository } from "../../../src/core/ports/ecosystem.ts";
import type { Index, KnownFile } from "../../../src/core/ports/index-store.ts";
import type { Log, LogFields } from "../../../src/core/ports/log.ts";
import type { DocumentAnswer, DocumentQuery, Upstream } from "../../../src/core/ports/upstream-client.ts";
import type { Admission } from "../../../src/core/verdict.ts";

export const UPSTREAM: Upstream = { id: "npm#0", url: new URL("https://registry.example/") };
export const REPOSITORY: Repository = { name: "npm", ecosystem: "npm", upstreams: [UPSTREAM] };

interface Answer {
  readonly body: string | Buffer;
  readonly contentType: string;
}

/**
 * Everything the npm ecosystem works with, in memory: an upstream whose documents are set by path, documents that are never fresh,
 * and the index rows that they list. Every upstream request is recorded.
 */
export class MemoryRegistry implements Documents {
  readonly requested: string[] = [];
  readonly posted: DocumentQuery[] = [];
  readonly logged: LogFields[] = [];
  readonly admissions: Admission[] = [];
  readonly #answers = new Map<string, Answer | AssayError>();
  readonly #files = new Map<string, KnownFile & { name: string }>();
  readonly #limits: Partial<Limits>;

  constructor(limits: Partial<Limits> = {}) {
    this.#limits = limits;
  }

  /** What the upstream has at `path`, from now on. An error is thrown; undefined takes the path away. */
  serve(path: string, answer: Answer | AssayError | undefined): void {
    const href = new URL(path, UPSTREAM.url).href;
    if (answer) this.#answers.set(href, answer);
    else this.#answers.delete(href);
  }

  serveJson(path: string, value: unknown): void {
    this.serve(path, { body: JSON.stringify(value), contentType: "application/json" });
  }

  services(): EcosystemServices {
    return {
      documents: this,
      index: this.#index(),
      upstream: { fetch: (upstream, query) => this.#fetch(upstream, query) },
      limits: { ...DEFAULT_LIMITS, ...this.#limits },
      log: this.#log(),
    };
  }

  async get(requests: readonly DocumentRequest[]): Promise<HeldDocument | undefined> {
    for (const request of requests) {
      const answer = await this.#fetch(request.upstream, request);
      if (answer.kind !== "document") continue;
      const { body, contentType, url } = answer.response;
      const listing = request.read({ body, contentType, url });
      if (listing) this.#list(listing.name, listing.files, request.upstream);
      const revision = createHash("sha256").update(body).digest("hex");
      return { body, contentType, url, upstream: request.upstream, fetchedAt: 1000, validatedAt: 1000, freshUntil: 2000, revision };
    }
    return undefined;
  }

  async #fetch(_upstream: Upstream, query: DocumentQuery | DocumentRequest): Promise<DocumentAnswer> {
    this.requested.push(query.url.href);
    if ("method" in query) this.posted.push(query);
    const answer = this.#answers.get(query.url.href);
    if (answer instanceof AssayError) throw answer;
    if (!answer) return { kind: "absent" };
    const body = Buffer.from(answer.body);
    if (body.length > query.maxBytes) throw new AssayError("UPSTREAM_LIMIT", "too large");
    return { kind: "document", response: { body, contentType: answer.contentType, url: query.url } };
  }

  #list(name: string, files: readonly Omit<KnownFile, "upstream" | "firstSeenAt" | "listed">[], upstream: Upstream): void {
    for (const [key, known] of this.#files) if (known.name === name) this.#files.set(key, { ...known, listed: false });
    for (const file of files) {
      const key = fileKey(name, file.version, file.file);
      if (this.#files.get(key)?.listed) throw new Error(`listed twice: ${key}`);
      const firstSeenAt = this.#files.get(key)?.firstSeenAt ?? 1000;
      this.#files.set(key, structuredClone({ ...file, name, upstream: upstream.id, firstSeenAt, listed: true }));
    }
  }

  #index(): Pick<Index, "file" | "files" | "admitted"> {
    return {
      file: async (ref: ArtifactRef) => this.#files.get(fileKey(ref.name, ref.version, ref.file)),
      files: async (_repository, name) => [...this.#files.values()].filter((file) => file.name === name),
      admitted: async (_repository, name) => this.admissions.filter((admission) => admission.ref.name === name),
    };
  }

  #log(): Log {
    const log: Log = {
      debug: () => {},
      info: () => {},
      warn: (fields) => this.logged.push(fields),
      error: (fields) => this.logged.push(fields),
      child: () => log,
    };
    return log;
  }
}

/** A request for `path` below the mount `/npm`, decoded as http decodes it. */
export function request(path: string, options: Partial<EcosystemRequest> = {}): EcosystemRequest {
  const url = new URL(`http://mirror.example/${path.replace(/^\//, "")}`);
  return {
    method: "GET",
    segments: path.replace(/^\//, "").replace(/\?.*$/, "").split("/").map(decodeURIComponent),
    query: url.searchParams,
    accept: "application/json",
    origin: "http://mirror.example",
    mount: "/npm",
    body: async () => Buffer.alloc(0),
    requestContentType: undefined,
    ...options,
  };
}

function fileKey(name: string, version: string, file: string): string {
  return `${name}\0${version}\0${file}`;
}
