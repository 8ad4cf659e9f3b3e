import { createHash } from "node:crypto";
import type { Limits } from "../../../src/core/limits.ts";
import type { Ecosystem, EcosystemAnswer, EcosystemRequest, PageAnswer, Repository } from "../../../src/core/ports/ecosystem.ts";
import { createPypi } from "../../../src/ecosystems/pypi/index.ts";
import { requestOf } from "../../contract/ecosystem.ts";
import { MemoryServices } from "../../support/memory-services.ts";

export const JSON_TYPE = "application/vnd.pypi.simple.v1+json";
export const UPSTREAM = "https://registry.example/simple/";
export const FILES = "https://files.example";

export const REPOSITORY: Repository = {
  name: "pypi",
  ecosystem: "pypi",
  upstreams: [{ id: "pypi#0", url: new URL(UPSTREAM) }],
};

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export const WHEEL = "demo_pkg-1.0-py3-none-any.whl";
export const SDIST = "demo_pkg-1.0.tar.gz";
export const WHEEL_BYTES = "bytes of the wheel";
export const SDIST_BYTES = "bytes of the sdist";
export const METADATA = "Metadata-Version: 2.4\nName: demo-pkg\nVersion: 1.0\n";

/** The entry of a file as a page in JSON has it. */
export function fileEntry(file: string, bytes: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    filename: file,
    url: `${FILES}/packages/aa/bb/${file}`,
    hashes: { sha256: sha256(bytes) },
    "requires-python": ">=3.9",
    size: bytes.length,
    "upload-time": "2026-01-02T03:04:05.678901Z",
    yanked: false,
    ...more,
  };
}

/** The page of demo-pkg with a wheel and an sdist, as a public index writes it. */
export function demoPage(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    meta: { "api-version": "1.4", "_last-serial": 4711 },
    name: "demo-pkg",
    versions: ["1.0"],
    files: [
      fileEntry(WHEEL, WHEEL_BYTES, { "core-metadata": { sha256: sha256(METADATA) }, provenance: `${FILES}/provenance/${WHEEL}` }),
      fileEntry(SDIST, SDIST_BYTES, { provenance: null }),
    ],
    ...more,
  };
}

/** A repository of one upstream, and what it answers. */
export class PypiBench {
  readonly memory = new MemoryServices();
  readonly ecosystem: Ecosystem;

  constructor(limits: Partial<Limits> = {}) {
    this.ecosystem = createPypi(this.memory.services(limits));
  }

  /** Puts a page upstream: an object as JSON, text as HTML. */
  publish(project: string, page: object | string, contentType?: string): this {
    const json = typeof page === "object";
    this.memory.pages.set(`${UPSTREAM}${project}/`, {
      contentType: contentType ?? (json ? JSON_TYPE : "text/html"),
      body: json ? JSON.stringify(page) : page,
    });
    return this;
  }

  async get(path: string, more: Partial<EcosystemRequest> = {}): Promise<EcosystemAnswer> {
    const [bare = "", query = ""] = path.split("?");
    const segments = bare.split("/").map(decodeURIComponent);
    return this.ecosystem.handle(REPOSITORY, requestOf(segments, { mount: "/pypi", query: new URLSearchParams(query), ...more }));
  }

  async page(path: string, accept: string = JSON_TYPE): Promise<PageAnswer> {
    const answer = await this.get(path, { accept });
    if (answer.kind !== "page") throw new Error(`expected a page, got ${answer.kind}`);
    return answer;
  }

  async json(path: string): Promise<Record<string, unknown>> {
    return JSON.parse((await this.page(path)).body.toString()) as Record<string, unknown>;
  }

  async html(path: string): Promise<string> {
    return (await this.page(path, "text/html")).body.toString();
  }

  /** The files of the project's page in JSON, by name. */
  async files(project: string): Promise<Readonly<Record<string, Record<string, unknown>>>> {
    const { files } = (await this.json(`simple/${project}/`)) as { files: Record<string, unknown>[] };
    return Object.fromEntries(files.map((file) => [String(file["filename"]), file]));
  }
}
