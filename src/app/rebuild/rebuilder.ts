import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { type Digest, parseDigest } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import { type GitRepository, parseObjectId, parseRefName } from "../../core/git.ts";
import type { Limits } from "../../core/limits.ts";
import { listingDigest } from "../../core/listing-digest.ts";
import type { BlobStore } from "../../core/ports/blob-store.ts";
import type { ArchiveFormat, Ecosystem, Repository } from "../../core/ports/ecosystem.ts";
import type { SourceTrees } from "../../core/ports/source-trees.ts";
import { quote } from "../../core/quote.ts";
import type { ArtifactReport } from "../../mirror/explain/report.ts";
import { listArchive } from "../../verify/archive/list-archive.ts";
import { compareArchives } from "./compare-archives.ts";
import { compareSdist } from "./compare-sdist.ts";
import { type ConfirmedSource, confirmedSource } from "./confirmed-source.ts";
import { copyBlob } from "./copy-blob.ts";
import { repackSdist } from "./foreign/repack-sdist.ts";
import { type Compared, keptOf, type RebuildJob, submoduleNotes } from "./rebuild-job.ts";
import { type Repacked, repackAam, repackNpm } from "./repack.ts";
import { withScratchFolder } from "./scratch-folder.ts";

export interface RebuilderDeps {
  readonly dataDir: string;
  /** Where sources may be fetched from. Throws UPSTREAM_NOT_ALLOWED for a repository that the configuration does not allow. Undefined where it allows none. */
  readonly sources: { find(host: string, owner: string, name: string): GitRepository } | undefined;
  readonly trees: SourceTrees;
  readonly blobs: Pick<BlobStore, "find" | "open">;
  readonly ecosystems: Readonly<Record<Repository["ecosystem"], Pick<Ecosystem, "archiveFormat">>>;
  readonly limits: Limits;
  /** PATH, where npm is looked for. */
  readonly searchPath: string | undefined;
  readonly offline: boolean;
}

/** What came of it. */
export interface RebuildReport extends Compared {
  /** The branch or tag that the certificate names. */
  readonly ref: string | undefined;
}

/** Of the AAM specification, 14.5. */
const AAM_PACK = "https://uaaps.github.io/build/aam-pack/v1";

/** Which code of a package may be run to make it anew. */
export interface RunsCode {
  /** The scripts of an npm package. */
  readonly scripts: boolean;
  /** The build backend of an sdist: then, where the simple index of a repository of this Assay answers, from which the backend's requirements come. */
  readonly buildBackend: ((repository: string) => string) | undefined;
}

/** Makes archives anew from the source that their verified provenance names, and compares. Runs no code of a package but what it is told to, and that confined (see `runConfined`). */
export class Rebuilder {
  readonly #deps: RebuilderDeps;

  constructor(deps: RebuilderDeps) {
    this.#deps = deps;
  }

  /**
   * Fetches the source, packs it in a scratch folder and compares with the bytes that are held. Records nothing. Throws UNPROCESSABLE where there is no confirmed source, or it cannot be packed or compared;
   * UPSTREAM_NOT_ALLOWED for a git host that is not configured; OFFLINE; CONFIG_INVALID where a tool is missing, or code cannot be confined; and what fetching the source throws.
   */
  async rebuild(report: ArtifactReport, runs: RunsCode): Promise<RebuildReport> {
    const source = confirmedSource(report);
    const format = this.#formatOf(report, source);
    const repository = this.#repositoryOf(source);
    const commit = parseObjectId(source.commit);
    if (!commit)
      throw new AssayError("UNPROCESSABLE", `${quote(source.commit)} is no SHA-1 id of a git commit, and no other can be fetched`);
    if (this.#deps.offline) {
      throw new AssayError("OFFLINE", `the source ${source.repository} would have to be fetched`, { help: "leave --offline out" });
    }
    return withScratchFolder(this.#deps.dataDir, async (scratch) => {
      const published = await this.#published(report, scratch);
      const ref = source.ref === undefined ? undefined : parseRefName(source.ref);
      const tree = await this.#deps.trees.checkOut({ repository, commit, ref }, scratch);
      const { limits, searchPath } = this.#deps;
      return { ...(await compare({ report, source, format, tree, scratch, published, limits, searchPath }, runs)), ref: source.ref };
    });
  }

  /** Before anything is fetched. */
  #formatOf({ ref }: ArtifactReport, { build }: ConfirmedSource): ArchiveFormat {
    const format = this.#deps.ecosystems[ref.ecosystem].archiveFormat(ref);
    if (!format || format.container === "zip") {
      throw new AssayError(
        "UNPROCESSABLE",
        `${quote(ref.file)} cannot be rebuilt: only packages of aam and npm, and sdists that are tar archives, can be`,
      );
    }
    if (build?.format === "uaaps" && build.buildType !== AAM_PACK) {
      throw new AssayError("UNPROCESSABLE", `its provenance declares the build type ${quote(build.buildType)}, which Assay cannot repeat`);
    }
    return format;
  }

  #repositoryOf({ repository }: ConfirmedSource): GitRepository {
    const [host, owner, name, ...rest] = repository.startsWith("https://") ? repository.slice("https://".length).split("/") : [];
    if (host === undefined || owner === undefined || name === undefined || rest.length > 0) {
      throw new AssayError("UNPROCESSABLE", `${quote(repository)} is not of the form https://HOST/OWNER/NAME`);
    }
    if (this.#deps.sources) return this.#deps.sources.find(host, owner, name);
    throw new AssayError("UPSTREAM_NOT_ALLOWED", `no git host is configured, and the source is ${quote(repository)}`, {
      help: "the operator can name its host under git.hosts",
    });
  }

  async #published({ digest, sizeBytes }: ArtifactReport, scratch: string): Promise<string | undefined> {
    const { blobs } = this.#deps;
    const blob = await blobs.find(digest, sizeBytes);
    if (!blob) return undefined;
    const path = join(scratch, "published");
    await copyBlob(blob, path, blobs);
    return path;
  }
}

async function compare(job: RebuildJob, { scripts, buildBackend }: RunsCode): Promise<Compared> {
  const { ecosystem, repository } = job.report.ref;
  switch (ecosystem) {
    case "aam":
      return compareRepacked(job, await repackAam(job));
    case "npm":
      return compareRepacked(job, await repackNpm(job, scripts));
    case "pypi":
      return buildBackend ? compareRepacked(job, await repackSdist(job, buildBackend(repository))) : compareSdist(job);
    default:
      return ecosystem satisfies never;
  }
}

async function compareRepacked(job: RebuildJob, { path, folder, builder, notes }: Repacked): Promise<Compared> {
  const { report, source, format, published, tree, limits } = job;
  const rebuilt = await digestOf(path);
  const about = { source: { repository: source.repository, commit: source.commit, folder }, builder, published: report.digest, rebuilt };
  const told = [...notes, ...submoduleNotes(tree)];
  if (rebuilt === report.digest) {
    // Of archives of the same bytes the listing is the same: the one that was just made is there to be read.
    const { entries } = await listArchive({ path, format, limits });
    const listing = listingDigest(entries);
    const found = { publishedListing: listing, rebuiltListing: listing, ...keptOf([]) };
    return { rebuild: { ...about, ...found, result: "identical", notes: told }, differences: [] };
  }
  if (published === undefined) {
    const notHeld = "its published bytes are not held, so that only the digests could be compared";
    const found = { publishedListing: undefined, rebuiltListing: undefined, differences: [], differencesCount: 1 };
    return { rebuild: { ...about, ...found, result: "differs", notes: [...told, notHeld] }, differences: [] };
  }
  const compared = await compareArchives({ path: published, format, limits }, { path, format, limits });
  const { publishedListing, rebuiltListing, differences } = compared;
  const result = publishedListing === rebuiltListing ? "same-contents" : "differs";
  return { rebuild: { ...about, publishedListing, rebuiltListing, result, notes: told, ...keptOf(differences) }, differences };
}

async function digestOf(path: string): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return parseDigest(hash.digest("hex"));
}
