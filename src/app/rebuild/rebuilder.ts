import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, parseDigest } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import { type GitRepository, parseObjectId, parseRefName } from "../../core/git.ts";
import { parseJson } from "../../core/json.ts";
import type { Limits } from "../../core/limits.ts";
import { listingDigest } from "../../core/listing-digest.ts";
import type { BlobStore } from "../../core/ports/blob-store.ts";
import type { ArchiveFormat, Ecosystem, Repository } from "../../core/ports/ecosystem.ts";
import type { SourceTree, SourceTrees } from "../../core/ports/source-trees.ts";
import { quote } from "../../core/quote.ts";
import { KEPT_DIFFERENCES, type Rebuild } from "../../core/rebuild.ts";
import type { ArtifactReport } from "../../mirror/explain/report.ts";
import { listArchive } from "../../verify/archive/list-archive.ts";
import { packFolder } from "../pack/pack-folder.ts";
import { compareArchives } from "./compare-archives.ts";
import { type ConfirmedSource, confirmedSource } from "./confirmed-source.ts";
import { compareListings, type Difference, differenceText } from "./difference.ts";
import { directoryIn, npmPack } from "./npm-pack.ts";
import { packageRoot, parseFolder } from "./package-root.ts";
import { copyBlob } from "./published-file.ts";
import { withScratchFolder } from "./scratch-folder.ts";
import { sourceEntries, withoutTopFolder } from "./sdist-files.ts";

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

/** What came of it, with all that differs. */
export interface RebuildReport {
  readonly rebuild: Rebuild;
  readonly ref: string | undefined;
  readonly differences: readonly Difference[];
}

/** An archive that was made from the source. */
interface Built {
  readonly path: string;
  readonly builder: string;
  readonly notes: readonly string[];
}

/** One rebuild under way. */
interface Job {
  readonly report: ArtifactReport;
  readonly source: ConfirmedSource;
  readonly format: ArchiveFormat;
  readonly tree: SourceTree;
  readonly scratch: string;
  /** A copy of the published archive; undefined where its bytes are not held. */
  readonly published: string | undefined;
}

/** Of the AAM specification, 14.5. */
const AAM_PACK = "https://uaaps.github.io/build/aam-pack/v1";

/** Makes archives anew from the source that their verified provenance names, and compares. Runs no code of a package. */
export class Rebuilder {
  readonly #deps: RebuilderDeps;

  constructor(deps: RebuilderDeps) {
    this.#deps = deps;
  }

  /**
   * Fetches the source, packs it in a scratch folder and compares with the bytes that are held. Records nothing. Throws UNPROCESSABLE where there is no confirmed source, or it cannot be packed or compared;
   * UPSTREAM_NOT_ALLOWED for a git host that is not configured; OFFLINE; and what fetching the source throws.
   */
  async rebuild(report: ArtifactReport): Promise<RebuildReport> {
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
      const found = await this.#compare({ report, source, format, tree, scratch, published });
      return { ...found, ref: source.ref };
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

  async #compare(job: Job): Promise<Omit<RebuildReport, "ref">> {
    const { ecosystem } = job.report.ref;
    switch (ecosystem) {
      case "aam": {
        const folder = folderOf(job.source.parameters["folder"] ?? "");
        return this.#compareBuilt(job, folder, await packAam(job, await packageRoot(job.tree, folder)));
      }
      case "npm": {
        const folder = folderOf(await this.#npmFolder(job));
        return this.#compareBuilt(job, folder, await this.#packNpm(job, await packageRoot(job.tree, folder)));
      }
      case "pypi":
        return this.#compareSdist(job);
      default:
        return ecosystem satisfies never;
    }
  }

  async #compareBuilt(job: Job, folder: string, { path, builder, notes }: Built): Promise<Omit<RebuildReport, "ref">> {
    const { report, source, format, published, tree } = job;
    const rebuilt = await digestOf(path);
    const about = { source: { repository: source.repository, commit: source.commit, folder }, builder, published: report.digest, rebuilt };
    const told = [...notes, ...submoduleNotes(tree)];
    if (rebuilt === report.digest) {
      const listing = published === undefined ? undefined : await this.#listing(published, format);
      const found = { publishedListing: listing, rebuiltListing: listing, differences: [], differencesCount: 0 };
      return { rebuild: { ...about, ...found, result: "identical", notes: told }, differences: [] };
    }
    if (published === undefined) {
      const notHeld = "its published bytes are not held, so that only the digests could be compared";
      const found = { publishedListing: undefined, rebuiltListing: undefined, differences: [], differencesCount: 1 };
      return { rebuild: { ...about, ...found, result: "differs", notes: [...told, notHeld] }, differences: [] };
    }
    const { limits } = this.#deps;
    const compared = await compareArchives({ path: published, format, limits }, { path, format, limits });
    const { publishedListing, rebuiltListing, differences } = compared;
    const result = publishedListing === rebuiltListing ? "same-contents" : "differs";
    return { rebuild: { ...about, publishedListing, rebuiltListing, result, notes: told, ...kept(differences) }, differences };
  }

  async #packNpm({ scratch }: Job, folder: string): Promise<Built> {
    const own = join(scratch, "npm");
    await mkdir(own);
    const { path, builder, isCutOff } = await npmPack({ folder, scratch: own, searchPath: this.#deps.searchPath });
    const network = isCutOff ? "npm ran without a network" : "npm ran beside the network: the kernel gave it none of its own";
    return { path, builder, notes: [network, "no script of the package ran: what its build makes is missing from the rebuilt archive"] };
  }

  /** The folder is what the package says itself, and no more than a hint: the bytes decide. */
  async #npmFolder({ published, format }: Job): Promise<string> {
    if (published === undefined) return "";
    const { report } = await listArchive({ path: published, format, limits: this.#deps.limits });
    const [manifest] = report.kind === "sound" ? report.manifests : [];
    if (!manifest) return "";
    return directoryIn(parseJson(Buffer.from(manifest.body), { maxDepth: this.#deps.limits.jsonDepth, source: "package.json" }));
  }

  /** A build backend is code of the package's choosing, so an sdist is not built: each of its files is looked for in the source. */
  async #compareSdist({ report, source, format, tree, published }: Job): Promise<Omit<RebuildReport, "ref">> {
    if (published === undefined) {
      throw new AssayError("UNPROCESSABLE", "its published bytes are not held, so there is nothing to compare the source with", {
        help: "let the policy admit it first",
      });
    }
    const { limits } = this.#deps;
    const listed = await listArchive({ path: published, format, limits });
    if (listed.report.kind !== "sound")
      throw new AssayError("UNPROCESSABLE", `the published archive cannot be read: ${listed.report.detail}`);
    const entries = withoutTopFolder(listed.entries);
    const differences = compareListings(entries, await sourceEntries(tree, "", entries));
    const notes = [
      "not built: the package's build backend would run code of its choosing",
      `${entries.length - differences.length} of its ${entries.length} files are in the source as they are; what packaging tools write themselves (PKG-INFO, *.egg-info, setup.cfg) never is`,
      ...submoduleNotes(tree),
    ];
    const rebuild: Rebuild = {
      source: { repository: source.repository, commit: source.commit, folder: "" },
      builder: "none: compared with the files of the commit",
      result: "differs",
      published: report.digest,
      rebuilt: undefined,
      publishedListing: listingDigest(listed.entries),
      rebuiltListing: undefined,
      notes,
      ...kept(differences),
    };
    return { rebuild, differences };
  }

  async #listing(path: string, format: ArchiveFormat): Promise<Digest | undefined> {
    const { report, entries } = await listArchive({ path, format, limits: this.#deps.limits });
    return report.kind === "sound" ? listingDigest(entries) : undefined;
  }
}

/** The archive of `assay pack`, in this process: reading and packing run nothing and ask nobody. */
async function packAam({ source, scratch, published }: Job, folder: string): Promise<Built> {
  const epochSeconds = await epochOf(source.parameters["sourceDateEpoch"], published);
  const { bytes } = await packFolder(folder, { epochSeconds }).catch((error: unknown) => {
    if (!(error instanceof AssayError && error.code === "BAD_REQUEST")) throw error;
    throw new AssayError("UNPROCESSABLE", `the commit cannot be packed: ${error.message}`);
  });
  const path = join(scratch, "rebuilt");
  await writeFile(path, bytes, { mode: 0o600 });
  const { node, zlib } = process.versions;
  return {
    path,
    builder: `assay pack (Node ${node}, zlib ${zlib ?? "?"})`,
    notes: [`every file's time is ${epochSeconds} seconds since the epoch`],
  };
}

/** As the provenance says; else as the published archive's gzip header does, which must have the same time as its files (section 12.1). */
async function epochOf(stated: unknown, published: string | undefined): Promise<number> {
  if (typeof stated === "number" && Number.isSafeInteger(stated) && stated >= 0 && stated <= 0xffffffff) return stated;
  if (published === undefined) return 0;
  await using file = await open(published, "r");
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
  return bytesRead < 8 ? 0 : buffer.readUInt32LE(4);
}

function folderOf(stated: unknown): string {
  const folder = typeof stated === "string" ? parseFolder(stated) : undefined;
  if (folder === undefined) throw new AssayError("UNPROCESSABLE", `${quote(JSON.stringify(stated))} is no folder of a repository`);
  return folder;
}

function submoduleNotes({ submodules }: SourceTree): readonly string[] {
  if (submodules.length === 0) return [];
  return [`submodules are not fetched: ${submodules.slice(0, 5).map(quote).join(", ")}${submodules.length > 5 ? " and more" : ""}`];
}

function kept(differences: readonly Difference[]): Pick<Rebuild, "differences" | "differencesCount"> {
  return { differences: differences.slice(0, KEPT_DIFFERENCES).map(differenceText), differencesCount: differences.length };
}

async function digestOf(path: string): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return parseDigest(hash.digest("hex"));
}
