import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { AssayError } from "../../core/errors.ts";
import { formatGitRepository, type GitRepository, HEADS, type ObjectId, TAGS } from "../../core/git.ts";
import type { Limits } from "../../core/limits.ts";
import type { GitProtocol, GitQuarantine, GitRefs, GitRepositories } from "../../core/ports/git.ts";
import type { UpstreamClient } from "../../core/ports/upstream-client.ts";
import { Semaphore } from "../../core/semaphore.ts";
import type { UpstreamOptions } from "../options.ts";
import { UpstreamFailure } from "../upstream-failure.ts";
import { readAdvertisement } from "./advertisement.ts";
import { FetchedRepository, QUIETLY } from "./fetched-repository.ts";
import { folderName, GitFolder, servedFolder } from "./git-folder.ts";
import { addressOf, remoteEnvironment } from "./git-remote.ts";
import { publishRefs } from "./publish-refs.ts";
import { runGit } from "./run-git.ts";
import { advertiseRefs, packFor } from "./serve-pack.ts";

export interface GitHostOptions {
  /** As clients name it. */
  readonly host: string;
  readonly reach: UpstreamOptions;
}

export interface GitFilesOptions {
  readonly dataDir: string;
  readonly hosts: readonly GitHostOptions[];
  /** Asks for lists of refs: with its retries, limits, circuit breaker and address filter. */
  readonly upstream: Pick<UpstreamClient, "fetch">;
  readonly limits: Limits;
  /** PATH, where git is looked for. */
  readonly searchPath: string | undefined;
}

/** Far more than `limits.gitRefs` needs; on a public host pull requests are listed along with branches and tags. */
const ADVERTISEMENT_BYTES = 64 * 1024 * 1024;
const ADVERTISEMENT = "application/x-git-upload-pack-advertisement";

/** Mirrored repositories in `git/` of the data folder: each a bare one that is served from, and, while it is fetched, one in `git/tmp/` that is not. */
export class GitFiles implements GitRepositories {
  readonly #options: GitFilesOptions;
  readonly #root: string;
  readonly #fetching: Semaphore;
  readonly #serving: Semaphore;
  readonly #made = new Set<string>();
  readonly #closing = new AbortController();

  constructor(options: GitFilesOptions) {
    const { gitProcesses: slots, fetchQueue: queue } = options.limits;
    this.#options = options;
    this.#root = join(options.dataDir, "git");
    this.#fetching = new Semaphore({ slots, queue, what: "fetches of git repositories" });
    this.#serving = new Semaphore({ slots, queue, what: "git clients" });
  }

  async ask(repository: GitRepository): Promise<GitRefs | undefined> {
    const { reach } = this.#host(repository);
    const url = new URL("info/refs?service=git-upload-pack", addressOf(reach, repository));
    const query = { url, accept: "*/*", maxBytes: Math.min(ADVERTISEMENT_BYTES, this.#options.limits.documentBytes) };
    const answer = await this.#options.upstream.fetch(reach.upstream, query);
    if (answer.kind === "absent") return undefined;
    if (answer.kind === "not-modified") throw new Error("a list of refs was asked for without validators");
    const { response } = answer;
    if (response.url.href !== url.href) {
      // Whoever takes an old name next gets to say what is there. Only the operator's word moves a repository.
      throw new UpstreamFailure(
        "UPSTREAM_REDIRECT",
        `${formatGitRepository(repository)} has moved to ${response.url.host}${response.url.pathname}`,
        {
          mayPass: false,
          help: "ask for it under its new name",
        },
      );
    }
    if (response.contentType !== ADVERTISEMENT) {
      throw new UpstreamFailure(
        "UPSTREAM_CONTENT_TYPE",
        `expected ${ADVERTISEMENT} of ${formatGitRepository(repository)}, got another answer`,
        {
          mayPass: false,
        },
      );
    }
    return readAdvertisement(response.body, this.#options.limits.gitRefs);
  }

  async fetch(repository: GitRepository, commits: readonly ObjectId[]): Promise<GitQuarantine> {
    const served = await this.#served(repository);
    const fetched = await this.#quarantine(repository, served);
    try {
      const { searchPath } = this.#options;
      const { signal } = this.#closing;
      const remote = await this.#remote(repository, fetched, served);
      await remote([`+${HEADS}*:${HEADS}*`, `+${TAGS}*:${TAGS}*`]);
      for (const commit of commits) {
        if (await fetched.has(commit)) continue;
        // A host may not give out what no ref leads to. Whether that matters is for the caller to say.
        await remote([commit]).catch((error: unknown) => {
          if (!(error instanceof AssayError && error.code === "UPSTREAM_MALFORMED")) throw error;
        });
      }
      return new FetchedRepository(await fetched.refs(), { fetched, served }, { searchPath, timeoutMs: this.#timeoutMs, signal });
    } catch (error) {
      await rm(fetched.path, { recursive: true, force: true });
      throw error;
    }
  }

  async holds(repository: GitRepository, commit: ObjectId): Promise<boolean> {
    return (await this.#served(repository)).has(commit);
  }

  async publish(repository: GitRepository, refs: GitRefs): Promise<void> {
    await publishRefs(await this.#served(repository), refs);
  }

  async advertise(repository: GitRepository, protocol: GitProtocol): Promise<Buffer> {
    const { path } = await this.#served(repository);
    return this.#serving.run(() => advertiseRefs(path, protocol, this.#options.searchPath));
  }

  async uploadPack(repository: GitRepository, protocol: GitProtocol, request: Buffer): Promise<Readable> {
    const { path } = await this.#served(repository);
    const leave = await this.#serving.acquire();
    return packFor(path, { protocol, request, searchPath: this.#options.searchPath, signal: this.#closing.signal, ended: leave });
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  get #timeoutMs(): number {
    return this.#options.limits.gitFetchSeconds * 1000;
  }

  #host({ host }: GitRepository): GitHostOptions {
    const found = this.#options.hosts.find((candidate) => candidate.host === host);
    if (!found) throw new AssayError("INTERNAL", `no git host ${host} was configured`);
    return found;
  }

  async #served(repository: GitRepository): Promise<GitFolder> {
    const folder = new GitFolder(servedFolder(this.#root, repository), this.#options.searchPath);
    if (this.#made.has(folder.path)) return folder;
    await folder.make();
    this.#made.add(folder.path);
    return folder;
  }

  /** An empty repository that knows what is held. What an ended process left for this one is removed: nobody else fetches it now. */
  async #quarantine(repository: GitRepository, served: GitFolder): Promise<GitFolder> {
    const parent = join(this.#root, "tmp");
    await mkdir(parent, { recursive: true, mode: 0o700 });
    const name = folderName(repository);
    const left = (await readdir(parent)).filter((entry) => entry.startsWith(`${name}-`));
    await Promise.all(left.map((entry) => rm(join(parent, entry), { recursive: true, force: true })));
    const folder = new GitFolder(join(parent, `${name}-${randomBytes(8).toString("hex")}.git`), this.#options.searchPath);
    await folder.make();
    await writeFile(join(folder.objects, "info", "alternates"), `${served.objects}\n`);
    return folder;
  }

  /** Fetches refspecs from upstream into quarantine. */
  async #remote(repository: GitRepository, fetched: GitFolder, served: GitFolder): Promise<(refspecs: readonly string[]) => Promise<void>> {
    const { reach } = this.#host(repository);
    const { gitRepositoryBytes } = this.#options.limits;
    const heldBytes = await served.sizeBytes();
    const tooLarge = new AssayError("UPSTREAM_LIMIT", `${formatGitRepository(repository)} is larger than ${gitRepositoryBytes} bytes`, {
      help: "the operator can raise limits.git_repository",
    });
    const isTooLarge = async (): Promise<AssayError | undefined> =>
      heldBytes + (await fetched.sizeBytes()) > gitRepositoryBytes ? tooLarge : undefined;
    const url = addressOf(reach, repository);
    const env = await remoteEnvironment(reach, { folder: this.#root, searchPath: this.#options.searchPath });
    return async (refspecs) => {
      const args = ["fetch", ...QUIETLY, "--", url.href.replace(/\/$/, ""), ...refspecs];
      const fetch = { folder: fetched.path, args, env, timeoutMs: this.#timeoutMs, signal: this.#closing.signal, watch: isTooLarge };
      const { code, said } = await this.#fetching.run(() => runGit(fetch));
      const error = await isTooLarge();
      if (error) throw error;
      if (code !== 0) throw new AssayError("UPSTREAM_MALFORMED", `git did not take ${formatGitRepository(repository)}: ${said}`);
    };
  }
}
