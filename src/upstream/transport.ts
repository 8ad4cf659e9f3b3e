import { isIP, type Socket } from "node:net";
import { getCACertificates } from "node:tls";
import { Agent, buildConnector, type Dispatcher, Pool } from "undici";
import { AssayError } from "../core/errors.ts";
import { isPublicAddress } from "./address-filter.ts";
import { hostOf, type Standing } from "./destination.ts";
import type { UpstreamOptions } from "./options.ts";
import { internalAddress, lookupFor, type ResolveHost } from "./resolve-host.ts";
import { UpstreamFailure } from "./upstream-failure.ts";

/** One request to one address: no redirects, no retries. */
export interface Hop {
  readonly url: URL;
  readonly standing: Standing;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** An archive, as opposed to a document. */
  readonly bulk: boolean;
}

type Connector = buildConnector.connector;

/** Milliseconds that an unused connection is kept. */
const KEEP_ALIVE_MS = 20_000;
/** Bytes of an answer's headers. */
const MAX_HEADER_BYTES = 32 * 1024;
/**
 * Bytes of an archive that wait to be read, in its socket and in its answer: one piece, whatever its size. Several would be joined into one more buffer
 * and left to the garbage collector, which lets tens of megabytes of them pile up. Reading ahead is the kernel's work.
 */
const BULK_READ_AHEAD_BYTES = 1;
/** HTTP/2 windows: large enough that a packument of some megabytes is not one round trip for each 64 KiB. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 8 * 1024 * 1024;

/** The sockets of one upstream: pooled, filtered, through its proxy where it has one. */
export class Transport {
  readonly #options: UpstreamOptions;
  readonly #resolve: ResolveHost;
  readonly #agents = new Map<string, Agent>();
  readonly #proxy: Pool | undefined;

  constructor(options: UpstreamOptions, resolve: ResolveHost) {
    this.#options = options;
    this.#resolve = resolve;
    if (options.proxy) this.#proxy = new Pool(options.proxy.origin, { ...this.#poolOptions(), allowH2: false });
  }

  /** Answers once the headers are here; the body must be read or destroyed. Throws what undici throws, and UPSTREAM_ADDRESS. */
  send(hop: Hop): Promise<Dispatcher.ResponseData> {
    const { url, standing } = hop;
    const host = hostOf(url);
    // node:net resolves no literal address, so the lookup below never sees one. Behind a proxy this is all the filter there can be.
    if (standing === "foreign" && isIP(host) && !isPublicAddress(host)) throw internalAddress(host);
    const request = {
      method: hop.method,
      headers: hop.headers,
      body: hop.body ?? null,
      ...(hop.bulk ? { highWaterMark: BULK_READ_AHEAD_BYTES } : {}),
    };
    const path = url.pathname + url.search;
    if (this.#proxy && this.#options.proxy && url.protocol === "http:") {
      const headers = { ...hop.headers, ...proxyAuthorization(this.#options.proxy), host: url.host };
      return this.#proxy.request({ ...request, headers, path: url.origin + path });
    }
    return this.#agentFor(hop).request({ ...request, origin: url.origin, path });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#agents.values(), this.#proxy].map((dispatcher) => dispatcher?.destroy()));
  }

  /**
   * Documents may go over HTTP/2 where the server picks it: npm asks for hundreds of packuments at once, and one connection then does for
   * all. Archives go over HTTP/1.1, one connection each: on a shared one, a download whose disk is slow would hold back the others once the
   * common window is full, and one reset would cut them all.
   * Filtered and exempt connections are never pooled together.
   */
  #agentFor({ standing, bulk }: Hop): Agent {
    const exempt = standing !== "foreign";
    const key = `${exempt} ${bulk}`;
    let agent = this.#agents.get(key);
    if (!agent) {
      agent = new Agent({
        ...this.#poolOptions(),
        allowH2: !bulk,
        h2Options: { settings: { initialWindowSize: STREAM_WINDOW_BYTES }, connectionWindowSize: CONNECTION_WINDOW_BYTES },
        connect: this.#proxy ? this.#tunnelling(this.#proxy, exempt, bulk) : this.#connector(exempt, bulk),
      });
      this.#agents.set(key, agent);
    }
    return agent;
  }

  /** Explicit, because these defaults matter here and move between undici's majors. */
  #poolOptions() {
    const { timeouts } = this.#options;
    return {
      headersTimeout: timeouts.headersMs,
      bodyTimeout: timeouts.idleMs,
      connectTimeout: timeouts.connectMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      pipelining: 1,
      useMilo: false,
      strictContentLength: true,
    };
  }

  #connector(exempt: boolean, bulk: boolean): Connector {
    return buildConnector({
      allowH2: !bulk,
      timeout: this.#options.timeouts.connectMs,
      lookup: lookupFor(this.#resolve, !exempt),
      autoSelectFamily: true,
      ...(bulk ? { highWaterMark: BULK_READ_AHEAD_BYTES } : {}),
      // The operator's authority speaks for the operator's hosts only, not for the rest of the internet.
      ...(exempt && this.#options.ca !== undefined ? { ca: [...getCACertificates("default"), this.#options.ca] } : {}),
    });
  }

  /**
   * Asks the proxy for a tunnel and speaks TLS through it. The proxy's own address is exempt. What names resolve to is for the proxy to
   * know and to filter: resolving them here would check an address that is then not the one connected to.
   */
  #tunnelling(proxy: Pool, exempt: boolean, bulk: boolean): Connector {
    const secure = this.#connector(exempt, bulk);
    const { proxy: proxyUrl } = this.#options;
    return (options, callback) => {
      const authority = `${options.hostname.includes(":") ? `[${options.hostname}]` : options.hostname}:${options.port || "443"}`;
      const headers = { host: authority, ...(proxyUrl ? proxyAuthorization(proxyUrl) : {}) };
      proxy.connect({ path: authority, headers }).then(
        ({ statusCode, socket }) => {
          if (statusCode === 200) return secure({ ...options, httpSocket: socket as Socket }, callback);
          socket.on("error", () => {}).destroy();
          callback(tunnelRefused(statusCode, authority), null);
        },
        (error) =>
          callback(new UpstreamFailure("UPSTREAM_UNREACHABLE", "the proxy cannot be reached", { cause: error, mayPass: true }), null),
      );
    };
  }
}

function tunnelRefused(status: number, authority: string): AssayError {
  return status === 407
    ? new AssayError("UPSTREAM_AUTH", "the proxy wants credentials, or others (status 407)", {
        help: "set user and password in the proxy's URL",
      })
    : new UpstreamFailure("UPSTREAM_UNREACHABLE", `the proxy answers ${status} when asked for ${authority}`, { mayPass: status >= 500 });
}

function proxyAuthorization(proxy: URL): Record<string, string> {
  if (!proxy.username) return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}
