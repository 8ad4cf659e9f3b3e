import { AssayError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json.ts";
import type { Repository } from "../../../core/ports/ecosystem.ts";
import type { Dialect, Upstream } from "../../../core/ports/upstream-client.ts";
import { hasKind } from "../artifact-kinds.ts";
import type { Search } from "../list-query.ts";
import { type PackageName, parsePackageName } from "../names.ts";
import type { AamServices } from "../services.ts";
import { API_V1_LIST } from "./api-v1-list.ts";
import { withoutBarred } from "./barred.ts";
import type { Catalogue } from "./catalogue.ts";
import type { PageQuery, RegistryList } from "./registry-list.ts";
import { UAAPS_LIST } from "./uaaps-list.ts";

type Services = Pick<AamServices, "dialects" | "foresight" | "upstream" | "limits" | "upstreamsFor">;

const LISTS: Readonly<Record<Dialect, RegistryList>> = { uaaps: UAAPS_LIST, "api-v1": API_V1_LIST };

/** Pages of an upstream that are read on the way to one that can only be reached by the ones before it. */
const MAX_STEPS = 25;

/** A page of a registry's list. What must not be shown of it is undefined, and keeps its place. */
interface Places {
  readonly places: readonly (JsonObject | undefined)[];
  readonly next: string | undefined;
  readonly total: number | undefined;
}

const NOTHING: Places = { places: [], next: undefined, total: 0 };

/**
 * A registry's own list, passed on: it knows its packages and how to search them. Not kept, or every search would be. Without packages whose names are bound to
 * another upstream, and not asked for such a name; and without versions that would be refused for their name, whatever else there is to say of them.
 */
export function registryCatalogue(services: Services, repository: Repository, upstream: Upstream): Catalogue {
  const isOwn = (name: PackageName): boolean => services.upstreamsFor(repository, name).includes(upstream);

  async function read(query: PageQuery, at: (list: RegistryList) => string | undefined): Promise<Places> {
    const wanted = parsePackageName(query.q?.trim().toLowerCase() ?? "");
    if (wanted && !isOwn(wanted)) return NOTHING;
    for (const dialect of await services.dialects.of(repository, upstream)) {
      const list = LISTS[dialect];
      const answer = await services.upstream.fetch(upstream, {
        url: list.url(upstream.url, { ...query, limit: Math.min(query.limit, list.maxLimit) }, at(list)),
        accept: list.accept,
        maxBytes: services.limits.sidecarBytes,
      });
      if (answer.kind !== "document") continue;
      const { entries, next, total } = list.read(answer.response, services.limits);
      return { places: await Promise.all(entries.map((entry) => shown(entry, query))), next, total };
    }
    // A registry may have no list; its packages are then found by name only.
    return NOTHING;
  }

  async function shown(entry: JsonObject, { type }: Search): Promise<JsonObject | undefined> {
    const name = typeof entry["name"] === "string" ? parsePackageName(entry["name"]) : undefined;
    if (!name || !isOwn(name) || (type !== undefined && !hasKind(entry, type))) return undefined;
    return withoutBarred(services.foresight, { repository, upstream, name, entry });
  }

  return {
    async page(query, position) {
      const { places, next, total } = await read(query, () => position);
      return { packages: places.filter((place) => place !== undefined), places: places.length, next, total, freshness: undefined };
    },
    async slice(search, offset, count) {
      const end = offset + count;
      const [dialect = "uaaps"] = await services.dialects.of(repository, upstream);
      const list = LISTS[dialect];
      const limit = count === 0 ? 1 : list.maxLimit;
      const first = list.pageAt(offset, limit);
      const packages: JsonObject[] = [];
      let { position, offset: begin } = first;
      for (let step = 0; step < MAX_STEPS; step++) {
        const at = position;
        const page = await read({ ...search, limit }, () => at);
        packages.push(...page.places.slice(Math.max(0, offset - begin), Math.max(0, end - begin)).filter((place) => place !== undefined));
        begin += page.places.length;
        const isTotalKnown = page.total !== undefined || page.next === undefined;
        const total = page.total ?? begin + (page.next === undefined ? 0 : 1);
        const isEnough = begin >= end || (page.total !== undefined && page.total <= offset);
        if (page.next === undefined || isEnough) return { packages, total, isTotalKnown, freshness: undefined };
        position = page.next;
      }
      throw new AssayError(
        "BAD_REQUEST",
        `the registry behind this one can only be read from its beginning, and page ${offset} is too far in`,
        {
          help: "search with q for fewer packages",
        },
      );
    },
  };
}
