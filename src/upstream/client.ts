import { setTimeout as sleep } from "node:timers/promises";
import { AssayError } from "../core/errors.ts";
import type { Limits } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type {
  ArchiveStream,
  DocumentAnswer,
  DocumentQuery,
  Upstream,
  UpstreamClient,
  UpstreamLoad,
} from "../core/ports/upstream-client.ts";
import { checkOptions } from "./check-options.ts";
import { FileUpstream } from "./file-upstream.ts";
import { HttpUpstream } from "./http-upstream.ts";
import type { UpstreamOptions } from "./options.ts";
import { type ResolveHost, resolveByMachine } from "./resolve-host.ts";

/** What tests choose. */
export interface UpstreamSeams {
  readonly resolve: ResolveHost;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Resolves after `ms`, or at once when `signal` is aborted. */
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface UpstreamClientOptions {
  readonly upstreams: readonly UpstreamOptions[];
  /** Refuse every http and https call, before any name is resolved. Folders still answer. */
  readonly offline: boolean;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
}

const MACHINE: UpstreamSeams = {
  resolve: resolveByMachine,
  random: Math.random,
  delay: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
};

/** Throws CONFIG_INVALID for options that cannot be honoured. Opens no connection yet. */
export function createUpstreamClient(options: UpstreamClientOptions, seams: Partial<UpstreamSeams> = {}): UpstreamClient {
  return new RoutingClient(options, { ...MACHINE, ...seams });
}

/** Sends each call to the upstream it is for. */
class RoutingClient implements UpstreamClient {
  readonly #offline: boolean;
  readonly #http = new Map<string, HttpUpstream>();
  readonly #files = new Map<string, FileUpstream>();

  constructor({ upstreams, offline, limits, clock, log }: UpstreamClientOptions, seams: UpstreamSeams) {
    this.#offline = offline;
    for (const options of upstreams) {
      checkOptions(options);
      const { id, url } = options.upstream;
      this.#http.set(id, new HttpUpstream(options, { limits, clock, log: log.child({ upstream: id }), ...seams }));
      if (url.protocol === "file:") this.#files.set(id, new FileUpstream(options.upstream));
    }
  }

  async fetch(upstream: Upstream, query: DocumentQuery): Promise<DocumentAnswer> {
    return this.#routeTo(upstream, query.url).fetch(query);
  }

  async open(upstream: Upstream, url: URL, options: { maxBytes: number }): Promise<ArchiveStream> {
    return this.#routeTo(upstream, url).open(url, options);
  }

  load(): readonly UpstreamLoad[] {
    return [...this.#http].map(([id, upstream]) => ({ id, ...upstream.load() }));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#http.values()].map((upstream) => upstream.close()));
  }

  /** A folder may name files on a listed origin, so what is asked for decides; only a folder's own upstream reads `file:` URLs. */
  #routeTo({ id }: Upstream, url: URL): HttpUpstream | FileUpstream {
    const file = this.#files.get(id);
    if (file && url.protocol === "file:") return file;
    const http = this.#http.get(id);
    if (!http) throw new AssayError("INTERNAL", `no upstream ${id} was configured`);
    if (this.#offline)
      throw new AssayError("OFFLINE", `offline: ${id} is not asked`, { help: "start without --offline to fetch what is not here yet" });
    return http;
  }
}
