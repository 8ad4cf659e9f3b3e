import type { JsonObject } from "../../../core/json.ts";
import type { Freshness } from "../../../core/ports/ecosystem.ts";
import type { ListQuery } from "../list-query.ts";

/** A list of packages that can be read page by page. A repository has one for its folders and one for each registry. */
export interface Catalogue {
  /** Throws BAD_REQUEST for a position that is not one of its own, and what its upstream throws. */
  page(query: ListQuery, position: string | undefined): Promise<CataloguePage>;
}

export interface CataloguePage {
  readonly packages: readonly JsonObject[];
  /** Where the next page begins; undefined on the last. */
  readonly next: string | undefined;
  /** Packages on all pages, where that is known. */
  readonly total: number | undefined;
  /** Undefined for a page that was passed on and is not kept. */
  readonly freshness: Freshness | undefined;
}
