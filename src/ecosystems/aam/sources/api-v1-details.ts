import semver from "semver";
import { AssayError, isUpstreamFailure } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from "../../../core/json.ts";
import type { HeldDocument } from "../../../core/ports/documents.ts";
import type { EcosystemServices, Repository } from "../../../core/ports/ecosystem.ts";
import type { Upstream } from "../../../core/ports/upstream-client.ts";
import type { Version } from "../names.ts";
import type { Package, PackageVersion } from "../package.ts";
import { API_V1_ACCEPT, apiV1Base } from "./api-v1-address.ts";
import { readOptions, withoutNulls } from "./api-v1-registry.ts";
import { requireJson } from "./http-registry.ts";
import { readDistTags, readVersion } from "./read-package-object.ts";
import type { SourceDocument } from "./source.ts";

type Services = Pick<EcosystemServices, "documents" | "limits" | "log">;

/** Versions whose documents are read for one page of a package, newest first. The others stand there without a digest; asked for alone, each has its own. */
const MAX_DETAILED = 100;

interface Subject {
  readonly repository: Repository;
  readonly upstream: Upstream;
  readonly package: Package;
}

interface Detailed {
  readonly package: Package;
  /** What it was read from, besides the package's own document. */
  readonly documents: readonly HeldDocument[];
}

/**
 * A package with its tags and with what the documents of its versions say; with `only`, of that version alone. A version that its registry has not approved, or
 * has no document of, is left out. Throws what `Documents` throws, and UPSTREAM_MALFORMED.
 */
export async function withDetails(services: Services, subject: Subject, only: Version | undefined): Promise<Detailed> {
  const { versions, name } = subject.package;
  const wanted = only === undefined ? newest(versions.keys()) : [only].filter((version) => versions.has(version));
  const [tags, ...details] = await Promise.all([
    tagsOf(services, subject),
    ...wanted.map((version) => (only === undefined ? detailOrNone(services, subject, version) : detail(services, subject, version))),
  ]);
  const detailed = new Map(versions);
  for (const [index, version] of wanted.entries()) {
    const found = details[index];
    if (found?.kind === "found") detailed.set(version, found.version);
    else if (found?.kind === "absent") detailed.delete(version);
  }
  const distTags = tags ? tags.tags(detailed) : new Map([...subject.package.distTags].filter(([, version]) => detailed.has(version)));
  return {
    package: { ...subject.package, name, versions: detailed, distTags },
    documents: [...(tags ? [tags.held] : []), ...details.flatMap((each) => (each?.kind === "found" ? [each.held] : []))],
  };
}

type Detail =
  | { readonly kind: "found"; readonly version: PackageVersion; readonly held: HeldDocument }
  | { readonly kind: "absent" }
  | { readonly kind: "unreadable" };

/** One that cannot be read must not hide the others. Whoever asks for it by its number is told what is wrong. */
async function detailOrNone(services: Services, subject: Subject, version: Version): Promise<Detail> {
  try {
    return await detail(services, subject, version);
  } catch (error) {
    if (!isUpstreamFailure(error)) throw error;
    services.log.warn(
      { repository: subject.repository.name, package: subject.package.name, version, code: error.code },
      "the document of a listed version cannot be read",
    );
    return { kind: "unreadable" };
  }
}

async function detail(services: Services, subject: Subject, version: Version): Promise<Detail> {
  const read = (document: SourceDocument): PackageVersion | undefined => readDetail(document, services, subject, version);
  const held = await documentOf(services, subject, String(version), read);
  const found = held && read(held);
  return found ? { kind: "found", version: found, held } : { kind: "absent" };
}

/** Undefined for a version that is not approved. */
function readDetail(
  document: SourceDocument,
  { limits }: Services,
  { upstream, package: { name, versions } }: Subject,
  version: Version,
): PackageVersion | undefined {
  requireJson(document);
  const source = `the metadata of ${name}`;
  const object = parseJsonObject(document.body, { maxDepth: limits.jsonDepth, source: `${source}@${version}` });
  if (object["name"] !== name) throw malformed(`${source}@${version} is about ${show(object["name"])}`);
  const { approval_status: approval } = object;
  if (approval !== undefined && approval !== null && approval !== "approved") return undefined;
  const context = { registry: upstream.url, limits };
  const found = readVersion(asVersionObject(object, source), version, readOptions(source, name, document, context));
  const listed = versions.get(version);
  return { ...found, yanked: found.yanked || listed?.yanked === true };
}

/** The same facts under the names of the other dialect. Its `signature` is a summary: what it calls verified is its own word, and no signature is in it. */
function asVersionObject(object: JsonObject, source: string): JsonObject {
  const { scope, published_at, checksum, signature, download_url, archive_size, approval_status, dist_tags, ...fields } =
    withoutNulls(object);
  return {
    ...fields,
    ...(published_at === undefined ? {} : { publishedAt: published_at }),
    ...(checksum === undefined ? {} : { integrity: integrityOf(checksum, source) }),
    ...(download_url === undefined ? {} : { tarball: download_url }),
    ...(archive_size === undefined ? {} : { size: archive_size }),
    ...(isJsonObject(signature) ? { signatures: [signature] } : {}),
  };
}

/** `{"sha256": "<hex>"}` as an integrity text, which is then read as strictly as one. */
function integrityOf(checksum: JsonValue, source: string): string {
  if (!isJsonObject(checksum)) throw malformed(`${source} has the checksum ${show(checksum)}`);
  return Object.entries(checksum)
    .map(([algorithm, hex]) => {
      if (typeof hex !== "string" || hex === "" || /\s/.test(`${algorithm}${hex}`))
        throw malformed(`${source} has the checksum ${show(checksum)}`);
      return `${algorithm}-${hex}`;
    })
    .join(" ");
}

/** Undefined for a registry that has no such document: it may still say which version is the latest. */
async function tagsOf(
  services: Services,
  subject: Subject,
): Promise<{ readonly held: HeldDocument; tags(versions: ReadonlyMap<Version, unknown>): ReadonlyMap<string, Version> } | undefined> {
  const { name } = subject.package;
  const source = `the tags of ${name}`;
  const read = (document: SourceDocument): JsonObject => {
    requireJson(document);
    const object = parseJsonObject(document.body, { maxDepth: services.limits.jsonDepth, source });
    if (object["package"] !== name) throw malformed(`${source} are about ${show(object["package"])}`);
    if (!isJsonObject(object["tags"])) throw malformed(`${source} are no map`);
    return object["tags"];
  };
  const held = await documentOf(services, subject, "tags", read);
  if (!held) return undefined;
  const tags = read(held);
  return { held, tags: (versions) => readDistTags(tags, versions) };
}

function documentOf(
  services: Services,
  { repository, upstream, package: { name } }: Subject,
  part: string,
  check: (document: SourceDocument) => unknown,
): Promise<HeldDocument | undefined> {
  return services.documents.get([
    {
      repository: repository.name,
      key: `api-v1-part/${name}/${part}`,
      package: name,
      upstream,
      url: new URL(`packages/${name}/${part}`, apiV1Base(upstream.url)),
      accept: API_V1_ACCEPT,
      maxBytes: services.limits.sidecarBytes,
      read(document) {
        check(document);
        return undefined;
      },
    },
  ]);
}

function newest(versions: Iterable<Version>): readonly Version[] {
  return [...versions].sort(semver.compareBuild).slice(-MAX_DETAILED);
}

function malformed(found: string): AssayError {
  return new AssayError("UPSTREAM_MALFORMED", `${found}, which cannot be relied on`);
}

function show(value: JsonValue | undefined): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 200);
}
