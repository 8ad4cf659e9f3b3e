import type { JsonObject } from "../../../core/json.ts";
import type { Repository } from "../../../core/ports/ecosystem.ts";
import type { Catalogue } from "../catalogues/catalogue.ts";
import type { Search } from "../list-query.ts";
import { parsePackageName } from "../names.ts";
import type { AamServices } from "../services.ts";
import { boundTo } from "./owner-of.ts";

/**
 * A member's list as a virtual repository shows it: without names that are bound to another member, which keep their places, and not asked for such a name. A name that
 * several mirrored members list stands there once for each; the first of them that has it answers for it.
 */
export function memberCatalogue(
  services: Pick<AamServices, "publishing">,
  members: readonly Repository[],
  member: Repository,
  catalogue: Catalogue,
): Catalogue {
  const isOwn = async (text: unknown): Promise<boolean> => {
    const name = typeof text === "string" ? parsePackageName(text) : undefined;
    const bound = name && (await boundTo(services, members, name));
    return bound === undefined || bound === member;
  };
  const mayAsk = ({ q }: Search): Promise<boolean> => isOwn(q?.trim().toLowerCase());
  const shown = async (packages: readonly JsonObject[]): Promise<readonly JsonObject[]> => {
    const own = await Promise.all(packages.map(({ name }) => isOwn(name)));
    return packages.filter((_, position) => own[position]);
  };
  return {
    async page(query, position) {
      if (!(await mayAsk(query))) return { packages: [], places: 0, next: undefined, total: 0, freshness: undefined };
      const page = await catalogue.page(query, position);
      // Whom a name is bound to may change with the next upload, so that nothing here is kept.
      return { ...page, packages: await shown(page.packages), freshness: undefined };
    },
    async slice(search, offset, count) {
      if (!(await mayAsk(search))) return { packages: [], total: 0, isTotalKnown: true, freshness: undefined };
      const slice = await catalogue.slice(search, offset, count);
      return { ...slice, packages: await shown(slice.packages), freshness: undefined };
    },
  };
}
