import { type ArtifactRef, artifactKey, type EcosystemId } from "../../core/artifact.ts";
import type { BundledArtifact, BundledDocument, BundledPage } from "../../core/bundle-manifest.ts";
import type { Checksum } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import type { BlobStore } from "../../core/ports/blob-store.ts";
import type { DocumentRequest, HeldDocument } from "../../core/ports/documents.ts";
import type { Ecosystem, Repository, Resolution } from "../../core/ports/ecosystem.ts";
import type { Index } from "../../core/ports/index-store.ts";
import { formatPackage } from "../../core/purl.ts";
import { askForCompanions } from "../companions.ts";
import type { ArtifactReport } from "../explain/report.ts";
import { unmetPin } from "../locks/unmet-pin.ts";
import { mayBeLost, recallLost } from "./lost-artifact.ts";
import type { RecordingDocuments } from "./recording-documents.ts";
import type { Spool, Spooled } from "./spool.ts";

export interface CollectDeps {
  readonly repositories: readonly Repository[];
  readonly ecosystems: Readonly<Record<EcosystemId, Ecosystem>>;
  readonly documents: RecordingDocuments;
  readonly index: Pick<Index, "file">;
  readonly blobs: Pick<BlobStore, "find" | "open">;
  /** Asks another Assay for its signed verdict of an archive, where its upstream is one. */
  readonly askForVerdict: (ref: ArtifactRef, resolution: Resolution) => Promise<unknown>;
}

/** An archive that is to go into a bundle. */
export type WantedReport = ArtifactReport & {
  /** What locks say its digests are. */
  readonly pins?: readonly Checksum[];
};

/** A package whose index page is to go into a bundle for its own sake. */
export interface WantedPage {
  readonly repository: Repository;
  readonly name: string;
}

/** Nothing more can be written then. */
const ENDS_ALL: ReadonlySet<string> = new Set(["STORE_FULL", "STORE_IO", "STORE_CORRUPT"]);
/** Archives walked at once: what an upstream did not have is asked for again, and answers take their time. */
const AT_ONCE = 8;

/** `mismatch`: it is not what a lock pins. */
type WhyLeftOut = "refused" | "unavailable" | "mismatch";

/** What came of one archive, or of the index page of a package that could not be had. */
export type ExportedRow =
  /** `lost`: its upstream lists it no more, or cannot tell, so our own record of it goes along. `incomplete`: what clients may ask for beside it and could not be had. */
  | {
      readonly kind: "exported";
      readonly purl: string;
      readonly sizeBytes: number;
      readonly lost: boolean;
      readonly incomplete: readonly string[];
    }
  | { readonly kind: "left-out"; readonly purl: string; readonly why: WhyLeftOut; readonly reason: string };

/** What goes into a bundle, by what names it. */
export interface Collection {
  readonly artifacts: readonly BundledArtifact[];
  readonly documents: readonly BundledDocument[];
  readonly pages: readonly BundledPage[];
  readonly refs: readonly ArtifactRef[];
}

/**
 * Walks the road once more for each archive, up to its bytes, and keeps every document that this reads: the importer walks the same road, so it will miss none. Of what upstream has
 * lost, our own record goes along. What is refused by the policy of now is left out and told.
 */
export async function collect(
  { reports, pages }: { readonly reports: AsyncIterable<WantedReport>; readonly pages: readonly WantedPage[] },
  spool: Spool,
  deps: CollectDeps,
  told: (row: ExportedRow) => void,
): Promise<Collection> {
  const artifacts = new Map<string, BundledArtifact>();
  const refs = new Map<string, ArtifactRef>();
  const documents = new Map<string, BundledDocument>();
  const looked = new Map<string, BundledPage>();
  /** Several package URLs or locks may name one archive. */
  const seen = new Set<string>();
  /** Companions that stand beside several archives, as the page of their package does. */
  const asked = new Set<string>();
  const hush = deps.documents.listen(async (request, found) => {
    const document = documentOf(request, found, found && (await spool.put(found.body)));
    documents.set([document.repository, document.upstream, document.url].join("\0"), document);
  });
  try {
    for await (const several of inBatches(reports, AT_ONCE)) {
      const fresh = several.filter(({ ref }) => !seen.has(artifactKey(ref)));
      for (const { ref } of several) seen.add(artifactKey(ref));
      const walked = await Promise.all(fresh.map(async (report) => ({ report, ...(await walk(report, spool, deps, asked)) })));
      for (const { report, row, artifact } of walked) {
        told(row);
        if (!artifact) continue;
        const key = artifactKey(report.ref);
        refs.set(key, report.ref);
        artifacts.set(key, artifact);
      }
    }
    for (const page of pages) {
      const row = await look(page, deps);
      if (row) told(row);
      else looked.set(`${page.repository.name}\0${page.name}`, bundledPage(page));
    }
  } finally {
    hush();
  }
  return { artifacts: inOrder(artifacts), documents: inOrder(documents), pages: inOrder(looked), refs: inOrder(refs) };
}

/** Reads the index page, so that it is heard of. What could not be had is told, under the name of its package. */
async function look({ repository, name }: WantedPage, { ecosystems }: CollectDeps): Promise<ExportedRow | undefined> {
  try {
    await ecosystems[repository.ecosystem].listed(repository, name);
    return undefined;
  } catch (error) {
    if (!(error instanceof AssayError) || ENDS_ALL.has(error.code)) throw error;
    return {
      kind: "left-out",
      purl: formatPackage(repository.ecosystem, name),
      why: "unavailable",
      reason: `its index page: ${error.message}`,
    };
  }
}

function bundledPage({ repository, name }: WantedPage): BundledPage {
  return { ecosystem: repository.ecosystem, repository: repository.name, name };
}

async function walk(
  report: WantedReport,
  spool: Spool,
  deps: CollectDeps,
  asked: Set<string>,
): Promise<{ readonly row: ExportedRow; readonly artifact?: BundledArtifact }> {
  const { purl, ref, verdict } = report;
  const leftOut = (why: WhyLeftOut, reason: string) => ({ row: { kind: "left-out", purl, why, reason } as const });
  const repository = deps.repositories.find(({ name }) => name === ref.repository);
  if (verdict.kind === "refuse") return leftOut("refused", verdict.reasons.map(({ text, rule }) => `${text} [${rule}]`).join("; "));
  if (verdict.kind === "undecided") return leftOut("unavailable", verdict.detail);
  if (!repository || !report.held) return leftOut("unavailable", "its bytes are not held: prefetch it first");
  if (repository.hosted) return leftOut("unavailable", "it was published here: publish it to the other Assay too");
  const ecosystem = deps.ecosystems[ref.ecosystem];
  try {
    const unmet = await unmetPin(report, report.pins ?? [], deps.blobs);
    if (unmet) return leftOut("mismatch", unmet.text);
    const { resolution, listing } = await resolveOrRecall(repository, report, { ecosystem, index: deps.index });
    await ecosystem.published(repository, resolution);
    if (resolution.upstream.verdicts) await deps.askForVerdict(ref, resolution);
    const missing = await askForCompanions(ecosystem, repository, ref, asked);
    const incomplete = missing.map(({ path, error }) => `${path}: ${error.message}`);
    const row = { kind: "exported", purl, sizeBytes: report.sizeBytes, lost: listing !== undefined, incomplete } as const;
    return { row, artifact: artifactOf(report, resolution, listing && (await spool.put(listing))) };
  } catch (error) {
    if (!(error instanceof AssayError) || ENDS_ALL.has(error.code)) throw error;
    return leftOut("unavailable", error.message);
  }
}

/** `listing` of what upstream has lost, or cannot be asked about: its mirror serves it to this day, and so must the other side. */
async function resolveOrRecall(
  repository: Repository,
  report: ArtifactReport,
  deps: { readonly ecosystem: Ecosystem; readonly index: Pick<Index, "file"> },
): Promise<{ readonly resolution: Resolution; readonly listing?: Buffer }> {
  try {
    return { resolution: await deps.ecosystem.resolve(repository, report.ref) };
  } catch (error) {
    const lost = mayBeLost(error) ? await recallLost(repository, report, deps) : undefined;
    if (!lost) throw error;
    return lost;
  }
}

function artifactOf(
  { ref, digest, sizeBytes }: ArtifactReport,
  { upstream, url, publishedAt }: Resolution,
  listing: Spooled | undefined,
): BundledArtifact {
  const { ecosystem, repository, name, version, file } = ref;
  const from = { upstream: upstream.url.href, url: url.href };
  const lost = listing && { lost: { sha256: listing.sha256, sizeBytes: listing.sizeBytes } };
  return { ecosystem, repository, name, version, file, ...from, sha256: digest, sizeBytes, publishedAt: publishedAt ?? null, ...lost };
}

function documentOf(
  { repository, upstream, url }: DocumentRequest,
  found: HeldDocument | undefined,
  spooled: Spooled | undefined,
): BundledDocument {
  const asked = { repository, upstream: upstream.url.href, url: url.href };
  if (!found || !spooled) return { ...asked, answer: null };
  const { contentType, fetchedAt } = found;
  const { sha256, sizeBytes } = spooled;
  return { ...asked, answer: { url: found.url.href, contentType, fetchedAt, sha256, sizeBytes } };
}

/** Reports are long, evidence and all: no more of them than are worked on are in memory. */
async function* inBatches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}

/** By name, so that two exports of the same have the same order. */
function inOrder<T>(byKey: ReadonlyMap<string, T>): readonly T[] {
  return [...byKey].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, value]) => value);
}
