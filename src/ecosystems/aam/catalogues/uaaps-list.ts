import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, parseJsonObject } from "../../../core/json.ts";
import type { DocumentResponse } from "../../../core/ports/upstream-client.ts";
import { MAX_LIMIT } from "../list-query.ts";
import { requireJson, UAAPS_ACCEPT } from "../sources/http-registry.ts";
import { nextLink } from "./next-link.ts";
import type { RegistryList } from "./registry-list.ts";

const SOURCE = "the registry's package list";

/** `GET /packages` of section 12.6: its pages follow each other by cursor, so the list can only be read from its beginning. */
export const UAAPS_LIST: RegistryList = {
  accept: UAAPS_ACCEPT,
  maxLimit: MAX_LIMIT,
  url(registry, { q, category, sort, limit }, position) {
    const url = new URL("packages", registry);
    for (const [name, value] of Object.entries({ q, category, sort, limit: String(limit), cursor: position })) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return url;
  },
  read(response, limits) {
    requireJson(response);
    const { packages } = parseJsonObject(response.body, { maxDepth: limits.jsonDepth, source: SOURCE });
    if (!Array.isArray(packages)) throw new AssayError("UPSTREAM_MALFORMED", `${SOURCE} has no list of packages`);
    const total = /^\d{1,9}$/.test(response.totalCount ?? "") ? Number(response.totalCount) : undefined;
    return { entries: packages.map((entry) => (isJsonObject(entry) ? entry : {})), next: nextCursor(response), total };
  },
  pageAt: () => ({ position: undefined, offset: 0 }),
};

/** Upstream's cursor, out of its own link. Only the cursor is taken over, and only from a link to the same list. */
function nextCursor({ link, url }: DocumentResponse): string | undefined {
  const target = link === undefined ? undefined : nextLink(link);
  if (target === undefined) return undefined;
  const next = URL.canParse(target, url.href) ? new URL(target, url) : undefined;
  const cursor = next?.searchParams.get("cursor");
  if (!next || next.origin !== url.origin || next.pathname !== url.pathname || !cursor) {
    throw new AssayError("UPSTREAM_MALFORMED", `${SOURCE} has a next page that is no page of the same list`);
  }
  return cursor;
}
