import { AssayError, isUpstreamFailure } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, parseJsonObject } from "../../../core/json.ts";
import type { EcosystemServices, Repository } from "../../../core/ports/ecosystem.ts";
import type { Dialect, Upstream } from "../../../core/ports/upstream-client.ts";
import { API_V1_ACCEPT, apiV1Base } from "./api-v1-address.ts";
import { UAAPS_ACCEPT } from "./http-registry.ts";

type Services = Pick<EcosystemServices, "documents" | "limits">;

const EITHER: readonly Dialect[] = ["uaaps", "api-v1"];

/**
 * Which dialect each upstream speaks. The operator's word counts; without it, and unless the address itself ends in `/api/v1/`, the upstream is asked once: a UAAPS registry
 * says so at its base address, the other has its list at `/api/v1/packages`. One that speaks both is asked in UAAPS, which has signatures. Where neither answers,
 * both are tried in turn, so that a package counts as absent only where both say so.
 */
export class Dialects {
  readonly #services: Services;
  /** By upstream. The documents that it rests on are kept like any other, so that a restart asks no more than their age wants. */
  readonly #known = new Map<string, readonly Dialect[]>();

  constructor(services: Services) {
    this.#services = services;
  }

  /** In the order to be tried. Throws nothing for an upstream that fails: whoever asks it for a package meets that. */
  async of(repository: Repository, upstream: Upstream): Promise<readonly Dialect[]> {
    if (upstream.dialect) return [upstream.dialect];
    if (isApiV1Address(upstream.url)) return ["api-v1"];
    const known = this.#known.get(upstream.id) ?? (await this.#detect(repository, upstream));
    this.#known.set(upstream.id, known);
    return known;
  }

  /** Asks again, where an upstream had nothing of what it was asked for, or no such document: it may be another by now. Answers whether any is. */
  async haveChanged(repository: Repository, upstreams: readonly Upstream[]): Promise<boolean> {
    let changed = false;
    for (const upstream of upstreams) {
      const before = this.#known.get(upstream.id);
      if (!before) continue;
      const now = await this.#detect(repository, upstream);
      // Of an upstream that says nothing about itself today, what it said before still is the best guess.
      if (now === EITHER || now[0] === before[0]) continue;
      this.#known.set(upstream.id, now);
      changed = true;
    }
    return changed;
  }

  async #detect(repository: Repository, upstream: Upstream): Promise<readonly Dialect[]> {
    try {
      if (isUaaps(await this.#probe(repository, upstream, { key: "dialect/uaaps", url: upstream.url, accept: UAAPS_ACCEPT }))) {
        return ["uaaps"];
      }
    } catch (error) {
      if (!isUpstreamFailure(error)) throw error;
      // One that cannot be reached is not made to wait for twice.
      if (DOWN.has(error.code)) return EITHER;
    }
    try {
      const url = new URL("packages?limit=1", apiV1Base(upstream.url));
      return isApiV1(await this.#probe(repository, upstream, { key: "dialect/api-v1", url, accept: API_V1_ACCEPT })) ? ["api-v1"] : EITHER;
    } catch (error) {
      if (!isUpstreamFailure(error)) throw error;
      return EITHER;
    }
  }

  /** Whatever is there, so that it is kept whatever it is, and not asked for again each time. Undefined for what is no JSON object. */
  async #probe(
    repository: Repository,
    upstream: Upstream,
    { key, url, accept }: { readonly key: string; readonly url: URL; readonly accept: string },
  ): Promise<JsonObject | undefined> {
    const { limits, documents } = this.#services;
    const held = await documents.get([
      {
        repository: repository.name,
        // Another upstream's is no answer of this one's, and must not take its place.
        key: `${key}/${upstream.id}`,
        upstream,
        url,
        accept,
        maxBytes: limits.sidecarBytes,
        read: () => undefined,
      },
    ]);
    if (!held) return undefined;
    try {
      return parseJsonObject(held.body, { maxDepth: limits.jsonDepth, source: `what ${url.host} says of itself` });
    } catch (error) {
      if (error instanceof AssayError) return undefined;
      throw error;
    }
  }
}

const DOWN: ReadonlySet<string> = new Set([
  "OFFLINE",
  "UPSTREAM_CIRCUIT_OPEN",
  "UPSTREAM_RATE_LIMITED",
  "UPSTREAM_TIMEOUT",
  "UPSTREAM_TRUNCATED",
  "UPSTREAM_UNREACHABLE",
]);

function isApiV1Address(url: URL): boolean {
  return url.pathname.endsWith("/api/v1/");
}

/** The protocol has a description at its base address and leaves its body open: `protocol` where it is ours, `capabilities` as the specification calls it. */
function isUaaps(document: JsonObject | undefined): boolean {
  return document !== undefined && (document["protocol"] === "uaaps" || isJsonObject(document["capabilities"]));
}

function isApiV1(document: JsonObject | undefined): boolean {
  return document !== undefined && Array.isArray(document["packages"]) && typeof document["total"] === "number";
}
