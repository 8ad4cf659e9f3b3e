import { createHash, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Asker } from "../../core/decision.ts";
import { AssayError, isUpstreamFailure } from "../../core/errors.ts";
import type { Index } from "../../core/ports/index-store.ts";
import type { Log } from "../../core/ports/log.ts";
import type { DirectoryEntry } from "../../ecosystems/aam/directory/directory-entry.ts";
import { REPORT_FILE, yankedIn } from "../../ecosystems/aam/directory/index-files.ts";
import type { LeftOut, LeftOutCode } from "../../ecosystems/aam/directory/left-out.ts";
import { archivePath, evidencePath, packageFolder } from "../../ecosystems/aam/directory/package-files.ts";
import { type DirectoryPlan, planDirectory } from "../../ecosystems/aam/directory/plan-directory.ts";
import type { EvidenceEnding } from "../../ecosystems/aam/signatures/folder-evidence.ts";
import type { KeptFolder, StagedFile } from "../../store/kept-folder/kept-folder.ts";
import type { Uses } from "../cache/uses.ts";
import { ArchiveSource, type ArchiveSourceDeps } from "./archive-source.ts";
import { type Before, type Candidate, type CandidateDeps, type Candidates, candidates } from "./candidates.ts";
import { type Closure, obtainClosure, type Wanted } from "./closure.ts";
import { type EvidenceSourceDeps, evidenceFiles } from "./evidence-source.ts";
import { writePlan } from "./write-plan.ts";

export interface RegistryDirectoryDeps extends CandidateDeps, ArchiveSourceDeps, EvidenceSourceDeps {
  readonly ecosystem: CandidateDeps["ecosystem"] & EvidenceSourceDeps["ecosystem"];
  readonly mirror: ArchiveSourceDeps["mirror"];
  readonly index: Pick<Index, "admittedRefs" | "lease" | "release">;
  readonly uses: Pick<Uses, "blob">;
  readonly log: Log;
  /** Opens the folder anew: another process may have written to it since. */
  readonly open: () => Promise<KeptFolder>;
}

export interface DirectorySettings {
  /** Tells this folder from others, for processes that keep the same one. */
  readonly key: string;
  readonly asker: Asker;
}

/** What one round came to. */
export interface DirectoryReport {
  readonly packages: number;
  readonly versions: number;
  /** Files that were written and removed. */
  readonly written: number;
  readonly removed: number;
  readonly leftOut: readonly LeftOut[];
  /** What was fetched first, where that was asked for. */
  readonly closure: Closure | undefined;
}

/** Renewed three times before it runs out; the next process waits at most this long for one that was killed. */
const LEASE_MS = 6_000;
const LEASE_POLL_MS = 100;
/** How long a round waits for another process to end its own. */
const PATIENCE_MS = 120_000;
/** A report of a million lines is past any use. */
const REPORT_BYTES = 256 * 1024 * 1024;

/** What concerns one archive and not the directory as a whole: it is told, and the others are written. */
const OF_ONE_ARCHIVE: ReadonlySet<string> = new Set(["CONFLICT", "NOT_FOUND", "STORE_CORRUPT"]);

/**
 * A folder that the `aam` client can be given as its registry: what this Assay admits, in both local layouts. Programs read it at any moment, so new archives come before
 * the metadata that names them, and metadata goes before the archives it named.
 */
export class RegistryDirectory {
  readonly #deps: RegistryDirectoryDeps;
  readonly #settings: DirectorySettings;
  readonly #source: ArchiveSource;

  constructor(deps: RegistryDirectoryDeps, settings: DirectorySettings) {
    this.#deps = deps;
    this.#settings = settings;
    this.#source = new ArchiveSource(deps);
  }

  /**
   * Brings the folder in step with what is admitted now; with `wanted`, after that and all that it depends on was obtained. A round that fails midway leaves a folder that
   * can be read, and the next one goes on. Throws CONFLICT for a folder that is not ours, BUSY where another process keeps writing to it, STORE_FULL, STORE_IO.
   */
  async sync(wanted: readonly Wanted[] = []): Promise<DirectoryReport> {
    const { index } = this.#deps;
    const key = `directory\0${this.#settings.key}`;
    const owner = randomUUID();
    await this.#lease(key, owner);
    const renewal = setInterval(() => void index.lease(key, owner, LEASE_MS).catch(() => {}), LEASE_MS / 3);
    try {
      const folder = await this.#deps.open();
      try {
        return await this.#round(folder, wanted);
      } finally {
        await folder.close();
      }
    } finally {
      clearInterval(renewal);
      await index
        .release(key, owner)
        .catch((error: unknown) => this.#deps.log.warn({ err: error }, "a lease was not released; it runs out"));
    }
  }

  async #lease(key: string, owner: string): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    while (!(await this.#deps.index.lease(key, owner, LEASE_MS))) {
      if (performance.now() > until) {
        throw new AssayError("BUSY", "another process is writing to the same directory", { retryAfterSeconds: 30 });
      }
      await sleep(LEASE_POLL_MS);
    }
  }

  async #round(folder: KeptFolder, wanted: readonly Wanted[]): Promise<DirectoryReport> {
    const { asker } = this.#settings;
    const closure = wanted.length === 0 ? undefined : await obtainClosure(wanted, { ...this.#deps, source: this.#source, folder, asker });
    const selected = await candidates(this.#deps, await beforeOf(folder), asker);
    const staged = new Map<string, StagedFile>();
    const { entries, leftOut } = await this.#entries(folder, selected, staged);
    const plan = await withoutTaken(folder, planDirectory(entries, selected.tags, leftOut), (kept, more) =>
      planDirectory(kept, selected.tags, [...leftOut, ...more]),
    );
    const { written, removed } = await writePlan(folder, plan, staged);
    // Nobody hears of who reads from the folder: that a package is in it counts as its use, or `gc` would take what others rely on for what nobody wants.
    for (const { digest } of plan.archives.values()) this.#deps.uses.blob(digest);
    return { packages: plan.packages.length, versions: plan.archives.size, written, removed, leftOut: plan.leftOut, closure };
  }

  /** Archives that are not in the folder yet, or were changed there, are staged; of all of them it is read what they say of themselves. */
  async #entries(
    folder: KeptFolder,
    { found, leftOut }: Candidates,
    staged: Map<string, StagedFile>,
  ): Promise<{ readonly entries: readonly DirectoryEntry[]; readonly leftOut: readonly LeftOut[] }> {
    const entries: DirectoryEntry[] = [];
    const without = [...leftOut];
    for (const candidate of found) {
      const entry = await this.#entry(folder, candidate, staged);
      if ("code" in entry) without.push(entry);
      else entries.push(entry);
    }
    return { entries, leftOut: without };
  }

  async #entry(folder: KeptFolder, candidate: Candidate, staged: Map<string, StagedFile>): Promise<DirectoryEntry | LeftOut> {
    const path = archivePath(candidate);
    try {
      const isThere = (await folder.digestOf(path)) === candidate.digest;
      if (!isThere && !candidate.held) return leftOut(candidate, "NOT_HELD", "its bytes are not in the store");
      if (!isThere && (await folder.isTaken(path)))
        return leftOut(candidate, "FOREIGN_FILE", `something at ${path} was not written by Assay`);
      const copy = isThere ? undefined : await this.#source.copy(candidate, folder, this.#settings.asker);
      if (copy) staged.set(path, copy);
      const facts = await this.#source.facts(candidate.digest, copy?.path ?? folder.placeOf(path));
      const evidence = await this.#evidence(folder, candidate, staged);
      if ("code" in evidence) return evidence;
      const { name, version, digest, sizeBytes, publishedAt } = candidate;
      return { name, version, digest, sizeBytes, publishedAt, facts, evidence: evidence.endings };
    } catch (error) {
      if (!(error instanceof AssayError && (OF_ONE_ARCHIVE.has(error.code) || isUpstreamFailure(error)))) throw error;
      this.#deps.log.warn(
        { err: error, package: candidate.name, version: candidate.version },
        "an archive cannot be put into the directory",
      );
      return leftOut(candidate, error.code === "STORE_CORRUPT" ? "NOT_HELD" : "FAILED", error.message);
    }
  }

  /** What the archive was admitted by is staged where the folder does not have it, byte for byte. */
  async #evidence(
    folder: KeptFolder,
    candidate: Candidate,
    staged: Map<string, StagedFile>,
  ): Promise<{ readonly endings: readonly EvidenceEnding[] } | LeftOut> {
    const files = await evidenceFiles(candidate, this.#deps);
    for (const [ending, body] of files) {
      const path = evidencePath(candidate, ending);
      if ((await folder.digestOf(path)) === createHash("sha256").update(body).digest("hex")) continue;
      if (await folder.isTaken(path)) return leftOut(candidate, "FOREIGN_FILE", `something at ${path} was not written by Assay`);
      staged.set(path, await folder.stage(Readable.from([body])));
    }
    return { endings: [...files.keys()] };
  }
}

/** What the folder holds and told before this round. */
async function beforeOf(folder: KeptFolder): Promise<Before> {
  const yanked = yankedIn(await folder.readText(REPORT_FILE, REPORT_BYTES));
  return {
    has: (name) => folder.files.has(`${packageFolder(name)}/meta.json`),
    isYanked: (name, version) => yanked.has(`${name}@${version}`),
  };
}

/** A package is there with all of its texts or not at all. Throws CONFLICT where one of the registry's own files is somebody else's. */
async function withoutTaken(
  folder: KeptFolder,
  plan: DirectoryPlan,
  again: (kept: readonly DirectoryEntry[], leftOut: readonly LeftOut[]) => DirectoryPlan,
): Promise<DirectoryPlan> {
  for (const path of plan.indexFiles.keys()) {
    if (!(await folder.isTaken(path))) continue;
    throw new AssayError("CONFLICT", `there is something at ${path} of the directory that Assay did not write`, { help: "take it away" });
  }
  const names = new Map(plan.packages.map(({ name }) => [packageFolder(name), name]));
  const taken = new Map<string, string>();
  for (const path of plan.packageFiles.keys()) {
    const name = names.get(path.split("/", 2).join("/"));
    if (name !== undefined && (await folder.isTaken(path))) taken.set(name, path);
  }
  if (taken.size === 0) return plan;
  const kept = [...plan.archives.values()].filter(({ name }) => !taken.has(name));
  return again(
    kept,
    [...taken].map(([name, path]) => ({
      package: name,
      version: null,
      from: "directory",
      code: "FOREIGN_FILE",
      reason: `something at ${path} was not written by Assay`,
    })),
  );
}

function leftOut({ name, version }: Candidate, code: LeftOutCode, reason: string): LeftOut {
  return { package: name, version, from: "directory", code, reason };
}
