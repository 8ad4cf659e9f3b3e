import type { JsonObject } from "../../../core/json.ts";
import type { Limits } from "../../../core/limits.ts";
import type { DocumentResponse } from "../../../core/ports/upstream-client.ts";
import type { ListQuery, Search } from "../list-query.ts";

export type PageQuery = Search & Pick<ListQuery, "limit">;

/** How registries of one dialect are asked for their list. */
export interface RegistryList {
  readonly accept: string;
  /** Most packages that it gives at once. */
  readonly maxLimit: number;
  /** Throws BAD_REQUEST for a question that the dialect has no words for, or a position that is not one of its own. */
  url(registry: URL, query: PageQuery, position: string | undefined): URL;
  /** Throws UPSTREAM_MALFORMED, UPSTREAM_CONTENT_TYPE or UPSTREAM_LIMIT. */
  read(response: DocumentResponse, limits: Limits): RegistryPage;
  /** The last page that begins at or before an offset, where pages have `limit` places each: its position, and the offset that it begins at. */
  pageAt(offset: number, limit: number): { readonly position: string | undefined; readonly offset: number };
}

export interface RegistryPage {
  /** In the form of the UAAPS dialect. Nothing in them is checked. */
  readonly entries: readonly JsonObject[];
  readonly next: string | undefined;
  readonly total: number | undefined;
}
