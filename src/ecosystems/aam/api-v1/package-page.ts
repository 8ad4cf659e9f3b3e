import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject } from "../../../core/json.ts";
import type { EcosystemAnswer, EcosystemRequest, Freshness, Repository } from "../../../core/ports/ecosystem.ts";
import { ARTIFACT_KINDS, type ArtifactKind } from "../artifact-kinds.ts";
import type { Catalogue } from "../catalogues/catalogue.ts";
import { cataloguesOf } from "../catalogues/catalogues-of.ts";
import { oldest } from "../freshness.ts";
import { parseCount, parseLimit, type Search, searchText } from "../list-query.ts";
import { parsePackageName } from "../names.ts";
import { jsonBody, jsonPage } from "../page.ts";
import type { AamServices } from "../services.ts";
import { namesOf, textOf, textsOf } from "./documents.ts";

const LIMITS = { standard: 20, max: 100 };

/**
 * `GET /packages`: the same catalogues as in the other dialect, by page numbers. Where an upstream does not say how many packages it has, `total` and `pages` are
 * the least that there are, and there is a next page until the last.
 */
export async function packagePage(services: AamServices, repository: Repository, { query }: EcosystemRequest): Promise<EcosystemAnswer> {
  const search: Search = { q: searchText(query, "q"), type: parseKind(query.get("type")), category: undefined, sort: undefined };
  const limit = parseLimit(query.get("limit"), LIMITS);
  const page = parsePage(query.get("page"));
  const found = await sliceOfAll(cataloguesOf(services, repository), search, { offset: (page - 1) * limit, count: limit });
  const body = { packages: found.packages.flatMap(summary), total: found.total, page, pages: Math.ceil(found.total / limit) };
  if (found.freshness) return jsonPage(body, { contentType: "application/json", freshness: found.freshness });
  return { kind: "plain", status: 200, contentType: "application/json", body: jsonBody(body) };
}

interface Slice {
  readonly packages: readonly JsonObject[];
  readonly total: number;
  /** Undefined where a part of it was passed on and is not kept. */
  readonly freshness: Freshness | undefined;
}

/** A part of all catalogues, one after the other. Each is asked, also for nothing, for how much it has. */
async function sliceOfAll(
  catalogues: readonly Catalogue[],
  search: Search,
  { offset, count }: { readonly offset: number; readonly count: number },
): Promise<Slice> {
  const packages: JsonObject[] = [];
  const freshness: (Freshness | undefined)[] = [];
  let total = 0;
  for (const catalogue of catalogues) {
    const begin = Math.max(0, offset - total);
    const slice = await catalogue.slice(search, begin, Math.max(0, offset + count - total - begin));
    packages.push(...slice.packages);
    freshness.push(slice.freshness);
    total += slice.total;
    // What comes after a list without a known end has no place yet.
    if (!slice.isTotalKnown) break;
  }
  const [first, ...others] = freshness.filter((each) => each !== undefined);
  return { packages, total, freshness: first && others.length + 1 === freshness.length ? oldest([first, ...others]) : undefined };
}

function summary(entry: JsonObject): readonly JsonObject[] {
  const name = parsePackageName(textOf(entry["name"]) ?? "");
  if (!name) return [];
  const { downloads, deprecated } = entry;
  return [
    {
      ...namesOf(name),
      description: textOf(entry["description"]) ?? "",
      author: textOf(entry["author"]) ?? null,
      latest_version: textOf(entry["latest"]) ?? null,
      keywords: textsOf(entry["keywords"]),
      artifact_types: textsOf(entry["artifactTypes"]),
      downloads: typeof downloads === "number" ? downloads : null,
      updated_at: textOf(entry["updatedAt"]) ?? null,
      ...(isJsonObject(deprecated) ? { deprecated } : {}),
    },
  ];
}

function parseKind(value: string | null): ArtifactKind | undefined {
  if (value === null || value === "") return undefined;
  const kind = ARTIFACT_KINDS.find((known) => known === value);
  if (kind) return kind;
  throw new AssayError("BAD_REQUEST", `expected a type of ${ARTIFACT_KINDS.join(", ")}, got ${JSON.stringify(value.slice(0, 80))}`);
}

function parsePage(value: string | null): number {
  const page = value === null ? 1 : parseCount(value);
  if (page !== undefined) return page;
  throw new AssayError("BAD_REQUEST", `expected a page from 1 on, got ${JSON.stringify((value ?? "").slice(0, 80))}`);
}
