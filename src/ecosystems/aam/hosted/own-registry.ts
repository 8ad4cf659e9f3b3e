import semver from "semver";
import { formatIntegrity } from "../../../core/digest.ts";
import { AssayError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json.ts";
import type { HostedPackage, HostedPackages, HostedVersion } from "../../../core/ports/hosted-packages.ts";
import type { OwnRegistry } from "../../../core/ports/own-registry.ts";
import type { DocumentAnswer, Upstream } from "../../../core/ports/upstream-client.ts";
import { parseVersion } from "../names.ts";
import { jsonBody } from "../page.ts";
import { parseRoute } from "../uaaps/routes.ts";

const ABSENT = { kind: "absent" } as const;

/**
 * Hosted repositories as registries that speak the UAAPS protocol, to nobody but ourselves: what was published is then read, verified and served by the same code as what
 * is mirrored. Only approved versions are in it. A name of which no version is approved has a document without versions, so that it is nobody else's.
 */
export function createOwnRegistry(packages: HostedPackages): OwnRegistry {
  return {
    async fetch(upstream, { url }) {
      const route = routeOf(upstream, url);
      switch (route.kind) {
        case "packages":
          return packageList(packages, upstream, url);
        case "package": {
          const found = await packages.package(repositoryOf(upstream), route.name);
          return found ? document(url, packageObject(found)) : ABSENT;
        }
        case "signature": {
          const signatures = await packages.signatures({ repository: repositoryOf(upstream), name: route.name, version: route.version });
          return signatures ? document(url, { name: route.name, version: route.version, ...signatures }) : ABSENT;
        }
        default:
          return ABSENT;
      }
    },
    async archive(upstream, url) {
      const route = routeOf(upstream, url);
      if (route.kind !== "tarball") return undefined;
      const found = await packages.package(repositoryOf(upstream), route.name);
      const version = found && approved(found).find((one) => one.version === route.version);
      return version && { digest: version.digest, sizeBytes: version.sizeBytes };
    },
  };
}

/** `hosted:///skills/packages/@acme/tool`. */
function routeOf(upstream: Upstream, url: URL): ReturnType<typeof parseRoute> {
  if (!url.href.startsWith(upstream.url.href)) throw new Error(`${url.href} is not at ${upstream.url.href}`);
  return parseRoute(url.pathname.slice(upstream.url.pathname.length).split("/").map(decodeURIComponent));
}

function repositoryOf(upstream: Upstream): string {
  return upstream.url.pathname.slice(1, -1);
}

function document(url: URL, value: JsonObject, more: { readonly link?: string; readonly totalCount?: string } = {}): DocumentAnswer {
  return { kind: "document", response: { body: jsonBody(value), contentType: "application/json", url, ...more } };
}

async function packageList(packages: HostedPackages, upstream: Upstream, url: URL): Promise<DocumentAnswer> {
  const query = url.searchParams;
  const sort = query.get("sort");
  if (sort !== null && sort !== "name") {
    throw new AssayError("BAD_REQUEST", `cannot sort by ${JSON.stringify(sort)}`, { help: "known orders: name" });
  }
  const offset = cursorOf(query.get("cursor"));
  const limit = Number(query.get("limit") ?? 50);
  const [text, category] = [query.get("q"), query.get("category")];
  const repository = repositoryOf(upstream);
  const { names, total } = await packages.search(repository, {
    ...(text === null ? {} : { text }),
    ...(category === null ? {} : { category }),
    offset,
    limit,
  });
  const found = await Promise.all(names.map((name) => packages.package(repository, name)));
  const next = new URL(url);
  next.searchParams.set("cursor", String(offset + limit));
  return document(
    url,
    { packages: found.flatMap((one) => (one ? [summary(one)] : [])) },
    { totalCount: String(total), ...(offset + limit < total ? { link: `<${next.href}>; rel="next"` } : {}) },
  );
}

function cursorOf(cursor: string | null): number {
  if (cursor === null) return 0;
  if (/^\d{1,9}$/.test(cursor)) return Number(cursor);
  throw new AssayError("BAD_REQUEST", "the cursor is not one of this list's", { help: "start again without it" });
}

function approved({ versions }: HostedPackage): readonly HostedVersion[] {
  return versions.filter(({ status }) => status === "approved");
}

/** What may be chosen for a new install, lowest first. */
function open(found: HostedPackage): readonly HostedVersion[] {
  return approved(found)
    .filter(({ yankedAt }) => yankedAt === undefined)
    .toSorted((a, b) => semver.compareBuild(a.version, b.version));
}

/** The highest stable version; the highest of all where none is stable. It is never set by anybody: a backport or a beta must not become what everybody gets. */
function latest(found: HostedPackage): HostedVersion | undefined {
  const versions = open(found);
  return versions.findLast(({ version }) => !semver.prerelease(version)) ?? versions.at(-1);
}

function summary(found: HostedPackage): JsonObject {
  const newest = latest(found);
  const { description, keywords, category } = newest?.fields ?? {};
  return {
    name: found.name,
    ...(newest ? { latest: newest.version, updatedAt: isoTime(newest.publishedAt) } : {}),
    versions: open(found).map(({ version }) => version),
    ...(description === undefined ? {} : { description }),
    ...(keywords === undefined ? {} : { keywords }),
    ...(category === undefined ? {} : { category }),
  };
}

function packageObject(found: HostedPackage): JsonObject {
  const versions = approved(found);
  const newest = latest(found);
  const visible = [...found.tags].filter(([, version]) => versions.some((one) => one.version === version));
  const { description } = newest?.fields ?? {};
  return {
    name: found.name,
    ...(description === undefined ? {} : { description }),
    owners: [found.owner],
    versions: Object.fromEntries(versions.map((version) => [version.version, versionObject(version)])),
    "dist-tags": { ...Object.fromEntries(visible), ...(newest ? { latest: newest.version } : {}) },
  };
}

function versionObject({ version, digest, sizeBytes, publishedAt, yankedAt, deprecated, fields }: HostedVersion): JsonObject {
  return {
    ...fields,
    version,
    publishedAt: isoTime(publishedAt),
    integrity: formatIntegrity("sha256", digest),
    size: sizeBytes,
    yanked: yankedAt !== undefined,
    ...(yankedAt === undefined ? {} : { yankedAt: isoTime(yankedAt) }),
    ...(deprecated === undefined ? {} : { deprecated: { ...deprecated } }),
  };
}

/** The version without its build metadata. */
export function precedenceOf(version: string): string {
  const parsed = parseVersion(version);
  return (parsed && semver.parse(parsed)?.version) ?? version;
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}
