import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, parseJsonObject } from "../../../core/json.ts";
import { parseCount } from "../list-query.ts";
import { API_V1_ACCEPT, apiV1Base } from "../sources/api-v1-address.ts";
import { requireJson } from "../sources/http-registry.ts";
import type { RegistryList } from "./registry-list.ts";

const SOURCE = "the registry's package list";

/** `GET /api/v1/packages`: pages by number. It has neither categories nor orders. */
export const API_V1_LIST: RegistryList = {
  accept: API_V1_ACCEPT,
  maxLimit: 100,
  url(registry, { q, category, sort, type, limit }, position) {
    const unknown = category === undefined ? sort && "order" : "category";
    if (unknown) {
      throw new AssayError("BAD_REQUEST", `the registry behind this one cannot be asked for packages by ${unknown}`, {
        help: "leave out category and sort",
      });
    }
    const page = parseCount(position ?? "1");
    if (page === undefined) throw new AssayError("BAD_REQUEST", "the cursor is not one of this list's", { help: "start again without it" });
    const url = new URL("packages", apiV1Base(registry));
    for (const [name, value] of Object.entries({ q, type, page: String(page), limit: String(limit) })) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return url;
  },
  read(response, limits) {
    requireJson(response);
    const { packages, total, page, pages } = parseJsonObject(response.body, { maxDepth: limits.jsonDepth, source: SOURCE });
    if (!Array.isArray(packages)) throw new AssayError("UPSTREAM_MALFORMED", `${SOURCE} has no list of packages`);
    const [number, last] = [count(page), count(pages)];
    return {
      entries: packages.map((entry) => (isJsonObject(entry) ? asUaapsEntry(entry) : {})),
      // A page without packages is the last, whatever is said: a list must end.
      next: number !== undefined && last !== undefined && number < last && packages.length > 0 ? String(number + 1) : undefined,
      total: total === 0 ? 0 : count(total),
    };
  },
  pageAt: (offset, limit) => {
    const page = Math.floor(offset / limit);
    return { position: String(page + 1), offset: page * limit };
  },
};

function count(value: unknown): number | undefined {
  return typeof value === "number" ? parseCount(String(value)) : undefined;
}

/** The same facts under the names of the other dialect. */
function asUaapsEntry({ scope, latest_version, artifact_types, updated_at, ...fields }: JsonObject): JsonObject {
  return {
    ...fields,
    ...(typeof latest_version === "string" ? { latest: latest_version } : {}),
    ...(artifact_types === undefined ? {} : { artifactTypes: artifact_types }),
    ...(updated_at === undefined ? {} : { updatedAt: updated_at }),
  };
}
