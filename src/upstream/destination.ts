import { isIP } from "node:net";
import { AssayError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import { isPublicAddress } from "./address-filter.ts";
import type { UpstreamOptions } from "./options.ts";
import { type ResolveHost, resolveWithin } from "./resolve-host.ts";
import { translateError } from "./translate-error.ts";
import { describeUrl } from "./upstream-failure.ts";

/**
 * Why a URL may be asked. `own` and `listed` are exempt from the address filter, since the operator wrote them down; `foreign` is not.
 * Only `own` ever sees credentials.
 */
export type Standing = "own" | "listed" | "foreign";

/** Milliseconds for which an upstream counts as public or not before it is resolved again. */
const PUBLIC_FOR_MS = 60_000;

/** Decides where an upstream may send us. One for each upstream. */
export class Destinations {
  readonly #options: UpstreamOptions;
  readonly #listed: ReadonlySet<string>;
  readonly #resolve: ResolveHost;
  readonly #clock: Clock;
  #judged: { readonly isPublic: boolean; readonly until: number } | undefined;

  constructor(options: UpstreamOptions, resolve: ResolveHost, clock: Clock) {
    this.#options = options;
    this.#listed = new Set(options.fileOrigins.map((origin) => new URL(origin).origin));
    this.#resolve = resolve;
    this.#clock = clock;
  }

  /**
   * Throws UPSTREAM_ADDRESS where the upstream has no business pointing to `url`. For `foreign` URLs the transport's address filter has
   * the last word, at connect time.
   */
  async standingOf(url: URL): Promise<Standing> {
    // Before any origin is compared: `file:`, `data:` and the like all have the origin "null".
    if (url.protocol !== "https:" && url.protocol !== "http:") throw refusal(url, "only http and https can be asked");
    if (url.origin === this.#options.upstream.url.origin) return "own";
    if (this.#listed.has(url.origin)) return "listed";
    if (url.protocol !== "https:") throw refusal(url, "another origin must be https");
    if (!(await this.#upstreamIsPublic())) throw refusal(url, "the upstream is not public, so it may not name other origins");
    return "foreign";
  }

  /** By its addresses, all of them. An internal registry must not get us to tell the internet what it lists, nor to reach its neighbours. */
  async #upstreamIsPublic(): Promise<boolean> {
    const { upstream, proxy, timeouts } = this.#options;
    if (upstream.url.protocol === "file:") return false;
    const now = this.#clock.now();
    if (this.#judged && now < this.#judged.until) return this.#judged.isPublic;
    const isPublic = await isPublicHost(upstream.url, {
      resolve: (host) => resolveWithin(this.#resolve, host, timeouts.connectMs),
      byProxy: proxy !== undefined,
    });
    this.#judged = { isPublic, until: now + PUBLIC_FOR_MS };
    return isPublic;
  }
}

async function isPublicHost(url: URL, { resolve, byProxy }: { resolve: ResolveHost; byProxy: boolean }): Promise<boolean> {
  const host = hostOf(url);
  if (isIP(host)) return isPublicAddress(host);
  // Behind a proxy, names are the proxy's to resolve: this machine may not be able to, or see other addresses.
  if (byProxy) return host !== "localhost" && !host.endsWith(".localhost");
  try {
    const found = await resolve(host);
    return found.length > 0 && found.every(({ address }) => isPublicAddress(address));
  } catch (error) {
    throw translateError(error, "headers", url);
  }
}

/** The host as node:net takes it: IPv6 without brackets. URL has by now turned `2130706433`, `0x7f.1` and their like into dotted form. */
export function hostOf(url: Pick<URL, "hostname">): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

function refusal(url: URL, why: string): AssayError {
  return new AssayError("UPSTREAM_ADDRESS", `the upstream points to ${describeUrl(url)}: ${why}`, {
    help: "if that is right, list its origin in the upstream's file_origins",
  });
}
