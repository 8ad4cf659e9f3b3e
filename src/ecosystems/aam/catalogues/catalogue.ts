import type { JsonObject } from "../../../core/json.ts";
import type { Freshness } from "../../../core/ports/ecosystem.ts";
import type { ListQuery, Search } from "../list-query.ts";

/**
 * A list of packages, as the UAAPS dialect has its entries: `{name, latest, versions, description, …}`. A repository has one for its folders and one for each registry.
 * Entries that must not be shown keep their place, so that pages neither overlap nor leave a gap: a page may hold fewer packages than were asked for.
 */
export interface Catalogue {
  /** A page by position. Throws BAD_REQUEST for a position that is not one of its own, and what its upstream throws. */
  page(query: Search & Pick<ListQuery, "limit">, position: string | undefined): Promise<CataloguePage>;
  /** A page by number of entries. Throws BAD_REQUEST for one too far in, where the list can only be read from its beginning, and what its upstream throws. */
  slice(search: Search, offset: number, count: number): Promise<CatalogueSlice>;
}

export interface CataloguePage {
  readonly packages: readonly JsonObject[];
  /** Places on this page, those of entries that are not shown included. */
  readonly places: number;
  /** Where the next page begins; undefined on the last. */
  readonly next: string | undefined;
  /** Packages on all pages, where that is known. */
  readonly total: number | undefined;
  /** Undefined for a page that was passed on and is not kept. */
  readonly freshness: Freshness | undefined;
}

export interface CatalogueSlice {
  readonly packages: readonly JsonObject[];
  readonly total: number;
  /** False where there are at least so many, and nobody says how many. */
  readonly isTotalKnown: boolean;
  readonly freshness: Freshness | undefined;
}
