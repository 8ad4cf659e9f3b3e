import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { AssayError } from "../../core/errors.ts";
import { formatGitRepository, type ObjectId, type RefName } from "../../core/git.ts";
import type { Limits } from "../../core/limits.ts";
import type { SourceCommit, SourceTree, SourceTrees } from "../../core/ports/source-trees.ts";
import type { UpstreamOptions } from "../options.ts";
import { QUIETLY } from "./fetched-repository.ts";
import { gitEnvironment } from "./git-environment.ts";
import type { GitHostOptions } from "./git-files.ts";
import { GitFolder } from "./git-folder.ts";
import { addressOf, remoteEnvironment } from "./git-remote.ts";
import { type GitCommand, type GitRun, runGit } from "./run-git.ts";

export interface SourceTreeOptions {
  readonly hosts: readonly GitHostOptions[];
  readonly limits: Pick<Limits, "gitRepositoryBytes" | "gitFetchSeconds" | "archiveEntries">;
  /** PATH, where git is looked for. */
  readonly searchPath: string | undefined;
}

interface Fetch {
  readonly into: GitFolder;
  readonly scratch: string;
  readonly depth: readonly string[];
  readonly wanted: ObjectId | RefName;
}

/** What a tree's entry is, by its mode. */
const SUBMODULE_MODE = "160000";

/** Sources from the configured git hosts. The operator's credentials for a host are not used: which repository is asked for was said by somebody else. */
export class GitSourceTrees implements SourceTrees {
  readonly #options: SourceTreeOptions;

  constructor(options: SourceTreeOptions) {
    this.#options = options;
  }

  async checkOut(source: SourceCommit, scratch: string): Promise<SourceTree> {
    const repository = new GitFolder(join(scratch, "repository.git"), this.#options.searchPath);
    await repository.make();
    await this.#fetch(source, repository, scratch);
    const listed = await this.#list(source, repository);
    const folder = join(scratch, "tree");
    await mkdir(folder, { mode: 0o700 });
    // No work tree was there before: nothing of anybody else's can be written through.
    await this.#local(repository, source, [`--work-tree=${folder}`, "checkout", "--quiet", "--force", "--detach", source.commit]);
    const time = await this.#local(repository, source, ["show", "--no-patch", "--no-show-signature", "--format=%ct", source.commit]);
    return { folder, ...listed, epochSeconds: Number.parseInt(time.toString("latin1"), 10) || 0 };
  }

  /** The one commit alone; where the host does not give that out by its id, what the ref leads to, with as much history as it takes. */
  async #fetch(source: SourceCommit, into: GitFolder, scratch: string): Promise<void> {
    const { host } = source.repository;
    const found = this.#options.hosts.find((candidate) => candidate.host === host);
    if (!found) throw new AssayError("INTERNAL", `no git host ${host} was configured`);
    const { auth: _, ...reach } = found.reach;
    const byId = await this.#remote(source, reach, { into, scratch, depth: ["--depth=1"], wanted: source.commit });
    if (byId.code === 0) return;
    const byRef = source.ref === undefined ? byId : await this.#remote(source, reach, { into, scratch, depth: [], wanted: source.ref });
    if (byRef.code === 0 && (await into.has(source.commit))) return;
    const why = byRef.code === 0 ? `${source.ref} does not lead to it` : byRef.said;
    throw new AssayError("UPSTREAM_MALFORMED", `${formatGitRepository(source.repository)} has no commit ${source.commit} to fetch: ${why}`);
  }

  async #remote({ repository }: SourceCommit, reach: UpstreamOptions, { into, scratch, depth, wanted }: Fetch): Promise<GitRun> {
    const { gitRepositoryBytes, gitFetchSeconds } = this.#options.limits;
    const isTooLarge = async (): Promise<AssayError | undefined> =>
      (await into.sizeBytes()) > gitRepositoryBytes ? tooLarge(`${formatGitRepository(repository)} has`, gitRepositoryBytes) : undefined;
    const run = await runGit({
      folder: into.path,
      args: ["fetch", ...QUIETLY, ...depth, "--", addressOf(reach, repository).href.replace(/\/$/, ""), wanted],
      env: await remoteEnvironment(reach, { folder: scratch, searchPath: this.#options.searchPath }),
      timeoutMs: gitFetchSeconds * 1000,
      watch: isTooLarge,
    });
    const error = await isTooLarge();
    if (error) throw error;
    return run;
  }

  /** Before anything is written: a small repository can name a tree without end, each of its folders the same object as the next. */
  async #list(source: SourceCommit, repository: GitFolder): Promise<Pick<SourceTree, "files" | "submodules">> {
    const { archiveEntries, gitRepositoryBytes } = this.#options.limits;
    const listing = await this.#local(repository, source, ["ls-tree", "-r", "-l", "-z", "--full-tree", source.commit]);
    const [files, submodules] = [new Set<string>(), [] as string[]];
    let bytes = 0;
    for (const entry of listing.toString("utf8").split("\0")) {
      if (entry === "") continue;
      const tab = entry.indexOf("\t");
      const [mode, , , size] = entry.slice(0, tab).split(/ +/);
      if (mode === SUBMODULE_MODE) submodules.push(entry.slice(tab + 1));
      else files.add(entry.slice(tab + 1));
      bytes += Number(size) || 0;
      if (bytes > gitRepositoryBytes) throw tooLarge("the commit unpacks to", gitRepositoryBytes);
      if (files.size + submodules.length > archiveEntries) {
        throw new AssayError("UPSTREAM_LIMIT", `the commit has more than ${archiveEntries} files`);
      }
    }
    return { files, submodules };
  }

  /** Asks no network. */
  async #local({ path }: GitFolder, { repository }: SourceCommit, args: GitCommand["args"]): Promise<Buffer> {
    const { searchPath, limits } = this.#options;
    const env = gitEnvironment(searchPath, "none");
    const { code, output, said } = await runGit({ folder: path, args, env, timeoutMs: limits.gitFetchSeconds * 1000 });
    if (code !== 0) throw new AssayError("UPSTREAM_MALFORMED", `git could not use what ${formatGitRepository(repository)} gave: ${said}`);
    return output;
  }
}

function tooLarge(what: string, bytes: number): AssayError {
  return new AssayError("UPSTREAM_LIMIT", `${what} more than ${bytes} bytes`, { help: "the operator can raise limits.git_repository" });
}
