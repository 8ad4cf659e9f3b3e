import { AssayError, type ErrorCode, isUpstreamFailure } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, parseJsonObject } from "../../../core/json.ts";
import type { EcosystemServices, Repository } from "../../../core/ports/ecosystem.ts";
import { DIALECTS, type Dialect, type Upstream } from "../../../core/ports/upstream-client.ts";
import { API_V1_ACCEPT, apiV1Base } from "./api-v1-address.ts";
import { UAAPS_ACCEPT } from "./http-registry.ts";

type Services = Pick<EcosystemServices, "documents" | "limits">;

/** What an upstream says of itself. `unclear`: it is well and says nothing, so that both are tried. Undefined where it could not be asked. */
type Finding = Dialect | "unclear" | undefined;

/**
 * Which dialect each upstream speaks. The operator's word counts; without it, and unless the address itself ends in `/api/v1/`, the upstream is asked once: a UAAPS registry
 * says so at its base address, the other has its list at `/api/v1/packages`. One that speaks both is asked in UAAPS, which has signatures. Where neither answers,
 * both are tried in turn, so that a package counts as absent only where both say so.
 */
export class Dialects {
  readonly #services: Services;
  /** By upstream. The documents that it rests on are kept like any other, so that a restart asks no more than their age wants. */
  readonly #known = new Map<string, Exclude<Finding, undefined>>();

  constructor(services: Services) {
    this.#services = services;
  }

  /** In the order to be tried. Throws nothing for an upstream that fails: whoever asks it for a package meets that. */
  async of(repository: Repository, upstream: Upstream): Promise<readonly Dialect[]> {
    if (upstream.dialect) return [upstream.dialect];
    if (isApiV1Address(upstream.url)) return ["api-v1"];
    const known = this.#known.get(upstream.id) ?? (await this.#learn(repository, upstream));
    return known === undefined || known === "unclear" ? DIALECTS : [known];
  }

  /** Asks again those that had nothing of what they were asked for, or no such document: one may speak another by now. Answers whether any does. */
  async haveChanged(repository: Repository, upstreams: readonly Upstream[]): Promise<boolean> {
    let changed = false;
    for (const upstream of upstreams) {
      const before = this.#known.get(upstream.id);
      // Of others both were tried.
      if (before === undefined || before === "unclear") continue;
      const now = await this.#detect(repository, upstream);
      // Of an upstream that says nothing of itself today, what it said before still is the best guess.
      if (now === undefined || now === "unclear" || now === before) continue;
      this.#known.set(upstream.id, now);
      changed = true;
    }
    return changed;
  }

  async #learn(repository: Repository, upstream: Upstream): Promise<Finding> {
    const found = await this.#detect(repository, upstream);
    if (found !== undefined) this.#known.set(upstream.id, found);
    return found;
  }

  async #detect(repository: Repository, upstream: Upstream): Promise<Finding> {
    const root = { key: "dialect/uaaps", url: upstream.url, accept: UAAPS_ACCEPT };
    const list = { key: "dialect/api-v1", url: new URL("packages?limit=1", apiV1Base(upstream.url)), accept: API_V1_ACCEPT };
    const itself = await this.#probe(repository, upstream, root);
    if (itself.kind === "read" && isUaaps(itself.object)) return "uaaps";
    // One that cannot be reached is not waited for twice. Offline nobody waits, and what is held may tell.
    if (itself.kind === "failed" && DOWN.has(itself.code)) return undefined;
    const packages = await this.#probe(repository, upstream, list);
    if (packages.kind === "read" && isApiV1(packages.object)) return "api-v1";
    return itself.kind === "failed" || packages.kind === "failed" ? undefined : "unclear";
  }

  /** Whatever is there is kept, whatever it is, so that it is not asked for again each time. */
  async #probe(
    repository: Repository,
    upstream: Upstream,
    { key, url, accept }: { readonly key: string; readonly url: URL; readonly accept: string },
  ): Promise<Probed> {
    const { limits, documents } = this.#services;
    // Another upstream's is no answer of this one's, and must not take its place.
    const question = { repository: repository.name, key: `${key}/${upstream.id}`, upstream, url, accept, maxBytes: limits.sidecarBytes };
    try {
      const held = await documents.get([{ ...question, read: () => undefined }]);
      return { kind: "read", object: held && objectIn(held.body, limits.jsonDepth) };
    } catch (error) {
      if (isUpstreamFailure(error)) return { kind: "failed", code: error.code };
      throw error;
    }
  }
}

/** `object` is undefined where there is no document, or one that is no JSON object. */
type Probed = { readonly kind: "read"; readonly object: JsonObject | undefined } | { readonly kind: "failed"; readonly code: ErrorCode };

function objectIn(body: Buffer, maxDepth: number): JsonObject | undefined {
  try {
    return parseJsonObject(body, { maxDepth, source: "what an upstream says of itself" });
  } catch (error) {
    if (error instanceof AssayError) return undefined;
    throw error;
  }
}

const DOWN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
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
