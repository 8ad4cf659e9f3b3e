import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, parseJsonObject } from "../../../core/json.ts";
import type { EcosystemServices, Repository } from "../../../core/ports/ecosystem.ts";
import type { DocumentResponse, Upstream } from "../../../core/ports/upstream-client.ts";
import type { ListQuery } from "../list-query.ts";
import { type PackageName, parsePackageName } from "../names.ts";
import { requireJson, UAAPS_ACCEPT } from "../sources/http-registry.ts";
import type { Catalogue, CataloguePage } from "./catalogue.ts";
import { nextLink } from "./next-link.ts";

type Services = Pick<EcosystemServices, "upstream" | "limits" | "upstreamsFor">;

/**
 * A registry's own list, passed on: it knows its packages and how to search them. Not kept, or every search would be. Without packages whose names are bound to
 * another upstream, and not asked for such a name.
 */
export function registryCatalogue(services: Services, repository: Repository, upstream: Upstream): Catalogue {
  const isOwn = (name: PackageName): boolean => services.upstreamsFor(repository, name).includes(upstream);
  return {
    async page(query, position) {
      const wanted = parsePackageName(query.q?.trim().toLowerCase() ?? "");
      if (wanted && !isOwn(wanted)) return NOTHING;
      const answer = await services.upstream.fetch(upstream, {
        url: listUrl(upstream, query, position),
        accept: UAAPS_ACCEPT,
        maxBytes: services.limits.sidecarBytes,
      });
      // A registry may have no list; its packages are then found by name only.
      if (answer.kind !== "document") return NOTHING;
      return readPage(answer.response, services, isOwn);
    },
  };
}

const NOTHING: CataloguePage = { packages: [], next: undefined, total: 0, freshness: undefined };

function listUrl(upstream: Upstream, { q, category, sort, limit }: ListQuery, position: string | undefined): URL {
  const url = new URL("packages", upstream.url);
  for (const [name, value] of Object.entries({ q, category, sort, limit: String(limit), cursor: position })) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

function readPage(response: DocumentResponse, { limits }: Services, isOwn: (name: PackageName) => boolean): CataloguePage {
  requireJson(response);
  const source = "the registry's package list";
  const { packages } = parseJsonObject(response.body, { maxDepth: limits.jsonDepth, source });
  if (!Array.isArray(packages)) throw new AssayError("UPSTREAM_MALFORMED", `${source} has no list of packages`);
  return {
    packages: packages.filter(isJsonObject).filter(({ name }) => {
      const parsed = typeof name === "string" ? parsePackageName(name) : undefined;
      return parsed !== undefined && isOwn(parsed);
    }),
    next: nextCursor(response, source),
    total: /^\d{1,9}$/.test(response.totalCount ?? "") ? Number(response.totalCount) : undefined,
    freshness: undefined,
  };
}

/** Upstream's cursor, out of its own link. Only the cursor is taken over, and only from a link to the same list. */
function nextCursor({ link, url }: DocumentResponse, source: string): string | undefined {
  const target = link === undefined ? undefined : nextLink(link);
  if (target === undefined) return undefined;
  const next = URL.canParse(target, url.href) ? new URL(target, url) : undefined;
  const cursor = next?.searchParams.get("cursor");
  if (!next || next.origin !== url.origin || next.pathname !== url.pathname || !cursor) {
    throw new AssayError("UPSTREAM_MALFORMED", `${source} has a next page that is no page of the same list`);
  }
  return cursor;
}
