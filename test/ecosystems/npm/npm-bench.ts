import { createHash } from "node:crypto";
import type { ArtifactRef } from "../../../src/core/artifact.ts";
import type { AssayError } from "../../../src/core/errors.ts";
import type { Limits } from "../../../src/core/limits.ts";
import type { EcosystemRequest, EcosystemServices, Repository } from "../../../src/core/ports/ecosystem.ts";
import type { KnownFile } from "../../../src/core/ports/index-store.ts";
import type { DocumentAnswer, DocumentQuery, Upstream } from "../../../src/core/ports/upstream-client.ts";
import type { Admission } from "../../../src/core/verdict.ts";
import { requestOf } from "../../contract/ecosystem.ts";
import { MemoryServices, type UpstreamPage } from "../../support/memory-services.ts";

export const UPSTREAM: Upstream = { id: "npm#0", url: new URL("https://registry.example/") };
export const REPOSITORY: Repository = { name: "npm", ecosystem: "npm", upstreams: [UPSTREAM] };

/** The services of an npm repository, in memory. Upstream's documents are set by path, and requests that are passed on are recorded. */
export class NpmBench extends MemoryServices {
  readonly passedOn: DocumentQuery[] = [];
  /** Thrown in place of answers to requests that are passed on. */
  passedOnFailure: AssayError | undefined;
  readonly #limits: Partial<Limits>;

  constructor(limits: Partial<Limits> = {}) {
    super();
    this.#limits = limits;
  }

  /** What the upstream has at `path` from now on; undefined takes it away. */
  serve(path: string, page: UpstreamPage | undefined): void {
    const { href } = new URL(path, UPSTREAM.url);
    if (page) this.pages.set(href, page);
    else this.pages.delete(href);
  }

  serveJson(path: string, value: unknown): void {
    this.serve(path, { body: JSON.stringify(value), contentType: "application/json" });
  }

  /** Records that `bytes` were once admitted under `ref`, with these digests claimed for them. */
  admitClaimed(ref: ArtifactRef, bytes: Buffer, algorithms: readonly ("sha512" | "sha1")[] = ["sha512", "sha1"]): Admission {
    const claims = algorithms.map((algorithm) => ({
      algorithm,
      hex: createHash(algorithm).update(bytes).digest("hex"),
      claimedBy: "the packument of pkg",
    }));
    return this.admit(ref, bytes.toString(), { claims });
  }

  /** A row is of one version; the file name alone does not find it. */
  override async file(ref: ArtifactRef): Promise<KnownFile | undefined> {
    const row = await super.file(ref);
    return row?.version === ref.version ? row : undefined;
  }

  override services(): EcosystemServices {
    const fetch = (_upstream: Upstream, query: DocumentQuery) => this.#passOn(query);
    return { ...super.services(this.#limits), upstream: { fetch } };
  }

  async #passOn(query: DocumentQuery): Promise<DocumentAnswer> {
    this.passedOn.push(query);
    if (this.passedOnFailure) throw this.passedOnFailure;
    const page = this.pages.get(query.url.href);
    if (!page) return { kind: "absent" };
    return { kind: "document", response: { body: Buffer.from(page.body), contentType: page.contentType, url: query.url } };
  }
}

/** A request for `path` below the mount `/npm`, decoded as http decodes it. */
export function request(path: string, options: Partial<EcosystemRequest> = {}): EcosystemRequest {
  const [segments = "", query = ""] = path.split("?");
  return requestOf(segments.split("/").map(decodeURIComponent), {
    query: new URLSearchParams(query),
    origin: "http://mirror.example",
    mount: "/npm",
    ...options,
  });
}
