import { AssayError } from "../../../core/errors.ts";
import type { EcosystemAnswer, EcosystemRequest, Repository } from "../../../core/ports/ecosystem.ts";
import type { Catalogue, CataloguePage } from "../catalogues/catalogue.ts";
import { cataloguesOf } from "../catalogues/catalogues-of.ts";
import { type Cursor, formatListQuery, parseListQuery } from "../list-query.ts";
import { baseOf, jsonBody, jsonPage } from "../page.ts";
import type { AamServices } from "../services.ts";

/** `GET /packages`: the repository's catalogues, one after the other, page by page. */
export async function packageList(
  services: AamServices,
  repository: Repository,
  request: EcosystemRequest,
  contentType: string,
): Promise<EcosystemAnswer> {
  const query = parseListQuery(request.query);
  const catalogues = cataloguesOf(services, repository);
  const { page, next } = await firstPage(catalogues, query.cursor, (catalogue, position) => catalogue.page(query, position));
  const headers = {
    ...(next ? { Link: `<${baseOf(request)}/packages?${formatListQuery(query, next)}>; rel="next"` } : {}),
    // With several catalogues the sum is not known before all were asked.
    ...(catalogues.length === 1 && page.total !== undefined ? { "X-Total-Count": String(page.total) } : {}),
  };
  const list = { packages: page.packages };
  if (page.freshness) return jsonPage(list, { contentType, freshness: page.freshness, headers });
  return { kind: "plain", status: 200, contentType, body: jsonBody(list), headers: { ...headers, Vary: "Accept" } };
}

/** The page at the cursor, or where that catalogue has nothing more, the first page of the next one that has something. */
async function firstPage(
  catalogues: readonly Catalogue[],
  cursor: Cursor,
  read: (catalogue: Catalogue, position: string | undefined) => Promise<CataloguePage>,
): Promise<{ readonly page: CataloguePage; readonly next: Cursor | undefined }> {
  let { position } = cursor;
  for (const [index, catalogue] of catalogues.entries()) {
    if (index < cursor.catalogue) continue;
    const page = await read(catalogue, position);
    const following = index + 1 < catalogues.length ? { catalogue: index + 1, position: undefined } : undefined;
    const next = page.next === undefined ? following : { catalogue: index, position: page.next };
    if (page.places > 0 || page.next !== undefined || !following) return { page, next };
    position = undefined;
  }
  throw new AssayError("BAD_REQUEST", "the cursor is not one of this repository's", { help: "start again without it" });
}
