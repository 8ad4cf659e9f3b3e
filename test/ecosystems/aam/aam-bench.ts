import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Limits } from "../../../src/core/limits.ts";
import type { Ecosystem, EcosystemAnswer, EcosystemRequest, EcosystemServices, Repository } from "../../../src/core/ports/ecosystem.ts";
import type { Dialect, DocumentQuery, DocumentResponse } from "../../../src/core/ports/upstream-client.ts";
import { createAam } from "../../../src/ecosystems/aam/index.ts";
import { requestOf } from "../../contract/ecosystem.ts";
import { MemoryServices } from "../../support/memory-services.ts";

export const REGISTRY = "https://registry.example/aam/";
export const FOLDER = "file:///srv/aam-registry/";
export const ORIGIN = "http://127.0.0.1:8740";

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export function integrity(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/** A version as both the HTTP protocol and the JSON layout write it. Its archive's bytes are the text `<name> <version>`. */
export function versionEntry(name: string, version: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    version,
    description: `${name}, ${version}`,
    author: "maker",
    publishedAt: "2026-02-20T10:00:00Z",
    integrity: integrity(`${name} ${version}`),
    ...more,
  };
}

/** A package document of versions without anything special. */
export function packageObject(name: string, versions: readonly string[], more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name,
    versions: Object.fromEntries(versions.map((version) => [version, versionEntry(name, version)])),
    "dist-tags": { latest: versions.at(-1) },
    ...more,
  };
}

/** A repository of the given upstreams, what is at them, and every address that was asked. */
export class AamBench {
  readonly memory = new MemoryServices();
  readonly ecosystem: Ecosystem;
  readonly repository: Repository;
  /** What upstreams answer to requests that are passed on, by address. */
  readonly lists = new Map<string, Partial<DocumentResponse> & { readonly text: string }>();
  readonly listRequests: string[] = [];

  constructor(upstreams: readonly (string | { readonly url: string; readonly dialect: Dialect })[], limits: Partial<Limits> = {}) {
    this.repository = {
      name: "aam",
      ecosystem: "aam",
      upstreams: upstreams.map((upstream, position) => {
        const { url, ...more } = typeof upstream === "string" ? { url: upstream } : upstream;
        return { id: `aam#${position}`, url: new URL(url), ...more };
      }),
    };
    const services: EcosystemServices = {
      ...this.memory.services(limits),
      upstream: { fetch: async (_, query) => this.#fetchList(query) },
    };
    this.ecosystem = createAam(services);
  }

  async #fetchList({ url }: DocumentQuery): Promise<{ kind: "absent" } | { kind: "document"; response: DocumentResponse }> {
    this.listRequests.push(url.href);
    const list = this.lists.get(url.href);
    if (!list) return { kind: "absent" };
    const { text, ...headers } = list;
    return { kind: "document", response: { body: Buffer.from(text), contentType: "application/json", url, ...headers } };
  }

  /** Puts a document upstream: an object as JSON, text as it is. Folders name no media type. */
  put(address: string, body: object | string, contentType = address.startsWith("file:") ? "" : "application/json"): this {
    this.memory.pages.set(address, { contentType, body: typeof body === "string" ? body : JSON.stringify(body) });
    return this;
  }

  /** Puts all small files of a folder on this machine upstream, as the folder's upstream would serve them. */
  load(folder: string): this {
    for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      if (!/\.(?:json|yaml|sha256)$/.test(path)) continue;
      this.put(pathToFileURL(join(folder, path)).href, readFileSync(join(folder, path), "utf8"));
    }
    return this;
  }

  /** Asks for a path below the mount, as http would: split and decoded once. */
  async get(path: string, more: Partial<EcosystemRequest> = {}): Promise<EcosystemAnswer> {
    const [bare = "", query = ""] = path.split("?");
    const segments = bare.split("/").map(decodeURIComponent);
    const request = requestOf(segments, { origin: ORIGIN, mount: "/aam", query: new URLSearchParams(query), ...more });
    return this.ecosystem.handle(this.repository, request);
  }

  /** The JSON of an answer with a body. */
  async json(path: string, more: Partial<EcosystemRequest> = {}): Promise<Record<string, unknown>> {
    const answer = await this.get(path, more);
    if (answer.kind !== "page" && answer.kind !== "plain") throw new Error(`expected a body, got ${answer.kind}`);
    return JSON.parse(answer.body.toString()) as Record<string, unknown>;
  }

  async headers(path: string): Promise<Readonly<Record<string, string>>> {
    const answer = await this.get(path);
    if (answer.kind !== "page" && answer.kind !== "plain") throw new Error(`expected a body, got ${answer.kind}`);
    return answer.headers ?? {};
  }

  async resolve(name: string, version: string): Promise<Awaited<ReturnType<Ecosystem["resolve"]>>> {
    const answer = await this.get(`packages/${name}/${version}/tarball`);
    if (answer.kind !== "artifact") throw new Error(`expected an artifact, got ${answer.kind}`);
    return this.ecosystem.resolve(this.repository, answer.ref);
  }
}
