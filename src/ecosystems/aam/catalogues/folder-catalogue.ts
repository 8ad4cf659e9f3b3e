import { AssayError } from "../../../core/errors.ts";
import type { JsonObject, JsonValue } from "../../../core/json.ts";
import type { HeldDocument } from "../../../core/ports/documents.ts";
import type { Freshness, Repository } from "../../../core/ports/ecosystem.ts";
import type { Upstream } from "../../../core/ports/upstream-client.ts";
import { hasKind } from "../artifact-kinds.ts";
import { deprecationOf } from "../facts.ts";
import { oldest } from "../freshness.ts";
import { knownPackage } from "../known-package.ts";
import type { Search } from "../list-query.ts";
import { withMarks } from "../marks.ts";
import type { PackageName } from "../names.ts";
import { latestVersion, openVersions } from "../package.ts";
import type { AamServices } from "../services.ts";
import type { CatalogueEntry } from "../sources/folder-source.ts";
import { FOLDER_SOURCES, folderSourceOf } from "../sources/sources-of.ts";
import type { Catalogue } from "./catalogue.ts";

type Services = Pick<AamServices, "dialects" | "documents" | "index" | "foresight" | "limits" | "log" | "upstreamsFor">;

type Order = (a: CatalogueEntry, b: CatalogueEntry) => number;

const byName: Order = (a, b) => (a.name < b.name ? -1 : 1);

/** The protocol leaves the orders open. Equal packages keep the order of their names. */
const ORDERS: ReadonlyMap<string, Order> = new Map<string, Order>([
  ["name", () => 0],
  ["updated", (a, b) => text(b.fields["updatedAt"]).localeCompare(text(a.fields["updatedAt"]), "en")],
]);

/** A whole list, read at once. Without freshness it is not kept. */
export interface ReadList {
  readonly entries: readonly CatalogueEntry[];
  readonly freshness: Freshness | undefined;
}

/** The lists of a repository's local registries as one: of packages with the same name, the first registry's that may have the name. */
export function folderCatalogue(services: Services, repository: Repository, upstreams: readonly Upstream[]): Catalogue {
  return wholeCatalogue(services, repository, () => readEntries(services, repository, upstreams));
}

/** A catalogue over a list that is read as a whole, searched by what it says itself. */
export function wholeCatalogue(services: Services, repository: Repository, read: () => Promise<ReadList>): Catalogue {
  const slice: Catalogue["slice"] = async (search, offset, count) => {
    const { entries, freshness } = await read();
    const found = select(entries, search);
    const wanted = found.slice(offset, offset + count);
    const summaries = (await Promise.all(wanted.map((entry) => summary(services, repository, entry)))).flat();
    const until = Math.min(...summaries.map(({ markedUntil }) => markedUntil));
    return {
      packages: summaries.flatMap(({ summary: one }) => (one ? [one] : [])),
      total: found.length,
      isTotalKnown: true,
      freshness: freshness && { ...freshness, freshUntil: Math.min(freshness.freshUntil, until) },
    };
  };
  return {
    slice,
    async page({ limit, ...search }, position) {
      const begin = parsePosition(position);
      const { packages, total, freshness } = await slice(search, begin, limit);
      const end = Math.min(begin + limit, total);
      // A list that became shorter since ends here; the client is told so by an empty last page.
      return { packages, places: Math.max(0, end - begin), next: end < total ? String(end) : undefined, total, freshness };
    },
  };
}

async function readEntries(services: Services, repository: Repository, upstreams: readonly Upstream[]): Promise<ReadList> {
  const byPackage = new Map<PackageName, CatalogueEntry>();
  const freshness: Freshness[] = [];
  for (const upstream of upstreams) {
    const held = await catalogueDocument(services, repository, upstream);
    if (!held) continue; // A registry may do without a list: its packages are then found by name only.
    freshness.push(held);
    const entries = folderSourceOf(held).readCatalogue(held, { registry: upstream.url, limits: services.limits });
    for (const entry of entries) {
      const isOwn = services.upstreamsFor(repository, entry.name).includes(upstream);
      if (isOwn && !byPackage.has(entry.name)) byPackage.set(entry.name, entry);
    }
  }
  const [first, ...others] = freshness;
  return { entries: [...byPackage.values()].sort(byName), freshness: first && oldest([first, ...others]) };
}

function catalogueDocument(services: Services, repository: Repository, upstream: Upstream): Promise<HeldDocument | undefined> {
  const context = { registry: upstream.url, limits: services.limits };
  return services.documents.get(
    FOLDER_SOURCES.map((source) => {
      const url = source.catalogueUrl(upstream.url);
      return {
        repository: repository.name,
        key: `catalogue/${source.id}`,
        upstream,
        url,
        accept: source.accept,
        maxBytes: source.maxBytes(services.limits),
        read(document) {
          source.readCatalogue(document, context);
          return undefined;
        },
      };
    }),
  );
}

function select(entries: readonly CatalogueEntry[], { q, category, type, sort = "name" }: Search): readonly CatalogueEntry[] {
  const order = ORDERS.get(sort);
  if (!order) {
    throw new AssayError("BAD_REQUEST", `cannot sort by ${JSON.stringify(sort)}`, {
      help: `known orders: ${[...ORDERS.keys()].join(", ")}`,
    });
  }
  const wanted = q?.toLowerCase();
  return entries
    .filter((entry) => wanted === undefined || searchable(entry).some((part) => part.toLowerCase().includes(wanted)))
    .filter((entry) => category === undefined || entry.fields["category"] === category)
    .filter((entry) => type === undefined || hasKind(entry.fields, type))
    .toSorted(order);
}

/** What the registry's list itself says. Reading every package's metadata for a search would let one request read the whole registry. */
function searchable({ name, fields }: CatalogueEntry): readonly string[] {
  const keywords = fields["keywords"];
  return [name, text(fields["description"]), ...(Array.isArray(keywords) ? keywords.map(text) : [])];
}

function parsePosition(position: string | undefined): number {
  if (position === undefined) return 0;
  if (/^\d{1,9}$/.test(position)) return Number(position);
  throw new AssayError("BAD_REQUEST", "the cursor is not one of this list's", { help: "start again without it" });
}

interface Summary {
  /** Undefined where no version is open to new installs. */
  readonly summary: JsonObject | undefined;
  readonly markedUntil: number;
}

/** The list's entry with what the package's own metadata says; nothing for a package that cannot be read. */
async function summary(services: Services, repository: Repository, { name, fields }: CatalogueEntry): Promise<readonly Summary[]> {
  try {
    const found = await knownPackage(services, repository, name);
    if (!found) return [];
    const known = await withMarks(services, repository, found);
    const latest = latestVersion(known.package);
    const { markedUntil } = known;
    if (!latest) return [{ summary: undefined, markedUntil }];
    const { description = known.package.fields["description"] ?? known.package.versions.get(latest)?.fields["description"] } = fields;
    const newest = known.package.versions.get(latest);
    const deprecated = newest && deprecationOf(newest);
    const said = { ...(description === undefined ? {} : { description }), ...(deprecated ? { deprecated } : {}) };
    return [{ summary: { ...fields, name, latest, versions: openVersions(known.package), ...said }, markedUntil }];
  } catch (error) {
    // One unreadable package must not hide the others. Whoever asks for it by name is told what is wrong.
    if (!(error instanceof AssayError)) throw error;
    services.log.warn({ repository: repository.name, package: name, code: error.code }, "a listed package cannot be read");
    return [];
  }
}

function text(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}
