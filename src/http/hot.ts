import type { IncomingMessage } from "node:http";
import { LRUCache } from "lru-cache";
import type { Digest } from "../core/digest.ts";
import type { Reason } from "../core/verdict.ts";
import type { Representation } from "./representation.ts";

/** An archive that was served before, ready to be served again. */
export interface HotFile {
  readonly repository: string;
  readonly digest: Digest;
  readonly representation: Representation;
  /** What there is to say against it: told in a header, and counted each time. */
  readonly warnings: readonly Reason[];
  /** Until when its verdict holds without being asked again, milliseconds since the epoch: waivers end. */
  readonly goodUntil: number;
  /** `Hot.moment` before its verdict was asked for. */
  readonly madeAt: number;
}

/** A page made from an upstream document, plain and, for clients that take it, gzipped. */
export interface HotPage {
  readonly repository: string;
  readonly plain: Representation;
  readonly gzip: Representation | undefined;
  /** Until when it may be served without asking again, milliseconds since the epoch. */
  readonly freshUntil: number;
  /** The package it is about. */
  readonly subject: string;
  /** `Hot.moment` before it was begun to be made. */
  readonly madeAt: number;
}

/**
 * What hits are answered from: nothing here touches a disk, a database or a parser. Keys are raw request targets, so only a target that went
 * down the whole road once can match, byte for byte.
 */
export class Hot {
  readonly #files: LRUCache<string, HotFile>;
  readonly #pages: LRUCache<string, HotPage>;
  /** When each package was last renewed, in moments. */
  readonly #renewedAt = new Map<string, number>();
  /** When each blob was found damaged, in moments. */
  readonly #condemnedAt = new Map<Digest, number>();
  #moment = 0;
  #clearedAt = 0;

  constructor(options: { bodyBytes: number; pageBytes: number }) {
    this.#files = new LRUCache({
      maxSize: options.bodyBytes,
      max: 100_000,
      sizeCalculation: (file, target) => 1024 + target.length + (file.representation.body?.length ?? 0),
    });
    this.#pages = new LRUCache({
      maxSize: options.pageBytes,
      max: 100_000,
      // The key is the client's to choose, up to all of its headers: without it, long ones would fill the memory unseen.
      sizeCalculation: (page, key) => 1024 + key.length + page.plain.sizeBytes + (page.gzip?.sizeBytes ?? 0),
    });
  }

  /** A file whose verdict still holds at `now`. */
  file(target: string, now: number): HotFile | undefined {
    const file = this.#files.get(target);
    if (!file || now < file.goodUntil) return file;
    this.#files.delete(target);
    return undefined;
  }

  /** Not for a file that was judged by a policy which no longer holds, or read before it was found damaged. */
  keepFile(target: string, file: HotFile): void {
    if (file.madeAt >= Math.max(this.#clearedAt, this.#condemnedAt.get(file.digest) ?? 0)) this.#files.set(target, file);
  }

  /** A blob was found damaged: what was read of it is not sent again. */
  condemn(digest: Digest): void {
    this.#condemnedAt.set(digest, ++this.#moment);
    for (const [target, file] of [...this.#files.entries()]) if (file.digest === digest) this.#files.delete(target);
  }

  dropFile(target: string): void {
    this.#files.delete(target);
  }

  /** Forgets everything: another policy holds. */
  clear(): void {
    this.#clearedAt = ++this.#moment;
    this.#files.clear();
    this.#pages.clear();
  }

  /** A page that is still good at `now`. */
  page(key: string, now: number): HotPage | undefined {
    const page = this.#pages.get(key);
    if (!page) return undefined;
    if (now < page.freshUntil && page.madeAt >= (this.#renewedAt.get(page.subject) ?? 0)) return page;
    this.#pages.delete(key);
    return undefined;
  }

  keepPage(key: string, page: HotPage): void {
    if (page.madeAt >= this.#clearedAt) this.#pages.set(key, page);
  }

  /** A number that grows with every `renew` and `clear`. */
  get moment(): number {
    return this.#moment;
  }

  /** Pages about this package that were begun before now are made anew. */
  renew(subject: string): void {
    this.#renewedAt.set(subject, ++this.#moment);
  }
}

/** Pages differ by target, Accept and the host the client used. */
export function pageKey(request: IncomingMessage): string {
  return `${request.url}\n${request.headers.accept ?? ""}\n${request.headers.host ?? ""}`;
}

export function subjectKey(repository: string, name: string): string {
  return `${repository}\0${name}`;
}

/** Whether a client takes gzip: named, and not with a quality of zero. */
export function acceptsGzip(request: IncomingMessage): boolean {
  const header = request.headers["accept-encoding"];
  if (typeof header !== "string") return false;
  return header.split(",").some((coding) => {
    const [name = "", ...parameters] = coding.split(";").map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    return name === "gzip" && (quality === undefined || Number(quality) > 0);
  });
}
