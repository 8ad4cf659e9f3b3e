import type { ArtifactRef } from "../../core/artifact.ts";
import type { BundledArtifact } from "../../core/bundle-manifest.ts";
import { AssayError, isUpstreamFailure } from "../../core/errors.ts";
import { formatLostListing, type LostListing, MAX_LOST_LISTING_BYTES, parseLostListing } from "../../core/lost-listing.ts";
import type { Ecosystem, Repository, Resolution } from "../../core/ports/ecosystem.ts";
import type { Index } from "../../core/ports/index-store.ts";
import { quote } from "../../core/quote.ts";
import { canonicalName } from "../../policy/purl-pattern.ts";
import type { ArtifactReport } from "../explain/report.ts";
import type { BundleReader } from "./bundle-reader.ts";

/** An archive that upstream lists no more, on its way into a bundle. */
interface LostArtifact {
  readonly resolution: Resolution;
  /** For the bundle to have in the place of an index page. */
  readonly listing: Buffer;
}

/** Whether an archive that could not be resolved may be one that its upstream has lost, or that nobody can tell of now. */
export function mayBeLost(error: unknown): error is AssayError {
  return isUpstreamFailure(error) || (error instanceof AssayError && error.code === "NOT_FOUND");
}

/** What our own record says of an archive that was admitted and is lost. Undefined where it was never listed, or by an upstream that is none of the repository's now. */
export async function recallLost(
  repository: Repository,
  report: Pick<ArtifactReport, "ref" | "url" | "claims" | "publishedAt" | "decidedAt">,
  { ecosystem, index }: { readonly ecosystem: Pick<Ecosystem, "recall">; readonly index: Pick<Index, "file"> },
): Promise<LostArtifact | undefined> {
  const { ref, url, claims, publishedAt } = report;
  const row = await index.file(ref);
  if (!row) return undefined;
  // Claims and address of the bytes that were admitted: upstream may have spoken of others under this name before it lost it.
  const said = { ...row, url, claims, ...(publishedAt === null ? {} : { publishedAt }) };
  const resolution = ecosystem.recall(repository, ref, said);
  const listing = formatLostListing({ said, saidAt: Date.parse(report.decidedAt) });
  return resolution && listing.length <= MAX_LOST_LISTING_BYTES ? { resolution, listing } : undefined;
}

type LostBundledArtifact = BundledArtifact & { readonly lost: NonNullable<BundledArtifact["lost"]> };

/**
 * The way back to an archive that its upstream has lost, as a bundle tells it. What was said of it is put on record as that, so that pages and evidence are made of it here as they
 * were there; the record of the bundle that this one builds on is here already. Throws UPSTREAM_LIMIT, UPSTREAM_MALFORMED, OFFLINE, BAD_REQUEST for a name that no such archive can
 * have, and what `BundleReader.whole` throws.
 */
export async function bringBackLost(
  artifact: LostBundledArtifact,
  repository: Repository,
  bundle: BundleReader,
  { ecosystem, index }: { readonly ecosystem: Pick<Ecosystem, "recall">; readonly index: Pick<Index, "file" | "putDocument"> },
): Promise<Resolution> {
  const { name, version, file, upstream, url, lost } = artifact;
  const ref: ArtifactRef = { repository: repository.name, ecosystem: artifact.ecosystem, name, version, file };
  const wanted = { kind: "document", sha256: lost.sha256 } as const;
  const here = bundle.carries(wanted) ? undefined : await index.file(ref);
  const listing = here ? undefined : await readListing(artifact, bundle);
  const said = here ? { ...here, upstream, url } : listing?.said;
  const resolution = said && canonicalName(ref.ecosystem, name) === name ? ecosystem.recall(repository, ref, said) : undefined;
  if (!resolution) throw new AssayError("BAD_REQUEST", `no archive of ${quote(name)} ${quote(version)} can be called ${quote(file)}`);
  if (!listing) return resolution;
  const { body, saidAt } = listing;
  const times = { fetchedAt: saidAt, validatedAt: saidAt };
  const document = { body, contentType: "application/json", url, upstream, revision: lost.sha256, ...times };
  const key = { repository: repository.name, key: `lost/${name}/${version}/${file}` };
  await index.putDocument(key, document, { name, files: [listing.said], isLost: true });
  return resolution;
}

async function readListing(artifact: LostBundledArtifact, bundle: BundleReader): Promise<LostListing & { readonly body: Buffer }> {
  const { file, lost } = artifact;
  if (lost.sizeBytes > MAX_LOST_LISTING_BYTES) {
    const detail = `has ${lost.sizeBytes} bytes, more than ${MAX_LOST_LISTING_BYTES}`;
    throw new AssayError("UPSTREAM_LIMIT", `what the bundle has in the place of an index page for ${quote(file)} ${detail}`);
  }
  const body = await bundle.whole({ kind: "document", sha256: lost.sha256 });
  return { ...parseLostListing(body, artifact, `the bundle that ${bundle.keyId} signed`), body };
}
