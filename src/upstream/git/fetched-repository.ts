import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { AssayError } from "../../core/errors.ts";
import type { ObjectId, RefName } from "../../core/git.ts";
import type { GitQuarantine } from "../../core/ports/git.ts";
import { gitEnvironment } from "./git-environment.ts";
import type { GitFolder } from "./git-folder.ts";
import { runGit } from "./run-git.ts";

/** More packs than this are put together: each refresh that brings something adds one. */
const MANY_PACKS = 32;

export interface PromoteOptions {
  /** PATH, where git is looked for. */
  readonly searchPath: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A fetched repository in a folder of its own, which borrows the objects that are served already. */
export class FetchedRepository implements GitQuarantine {
  readonly refs: ReadonlyMap<RefName, ObjectId>;
  readonly #fetched: GitFolder;
  readonly #served: GitFolder;
  readonly #options: PromoteOptions;

  constructor(
    refs: ReadonlyMap<RefName, ObjectId>,
    folders: { readonly fetched: GitFolder; readonly served: GitFolder },
    options: PromoteOptions,
  ) {
    this.refs = refs;
    this.#fetched = folders.fetched;
    this.#served = folders.served;
    this.#options = options;
  }

  async descends(commit: ObjectId, ancestor: ObjectId): Promise<boolean> {
    const { code, said } = await this.#fetched.run({ args: ["merge-base", "--is-ancestor", ancestor, commit] });
    if (code === 0 || code === 1) return code === 0;
    throw new AssayError("UPSTREAM_MALFORMED", `the history of a branch could not be followed: ${said}`);
  }

  /**
   * By git itself, which checks every object once more and that all are there. Copied whole, since packs as they came may hold commits that were refused, and whoever
   * knows a commit's id may ask for it.
   */
  async promote(refs: readonly RefName[], commits: readonly ObjectId[]): Promise<void> {
    const here = await Promise.all(commits.map(async (commit) => ((await this.#fetched.has(commit)) ? [commit] : [])));
    const wanted = [...refs, ...here.flat()];
    if (wanted.length === 0) return;
    const { code, said } = await runGit({
      folder: this.#served.path,
      args: ["fetch", ...QUIETLY, "--stdin", "--", this.#fetched.path],
      input: `${wanted.join("\n")}\n`,
      env: gitEnvironment(this.#options.searchPath, "file"),
      timeoutMs: this.#options.timeoutMs,
      signal: this.#options.signal,
    });
    if (code !== 0) throw new AssayError("STORE_IO", `a fetched git repository could not be taken over: ${said}`);
    await this.#tidy();
  }

  async discard(): Promise<void> {
    await rm(this.#fetched.path, { recursive: true, force: true });
  }

  /** Rolls small packs up into larger ones; nothing is dropped. Processes that are serving find an object again in its new pack. */
  async #tidy(): Promise<void> {
    const packs = (await readdir(join(this.#served.objects, "pack"))).filter((name) => name.endsWith(".pack"));
    if (packs.length > MANY_PACKS) await this.#served.mustRun({ args: ["repack", "--quiet", "--geometric=2", "-d"] });
  }
}

/** A fetch that writes objects, and refs where it is told to, and nothing else. */
export const QUIETLY = ["--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-maintenance"] as const;
