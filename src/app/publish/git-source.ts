import { devNull } from "node:os";
import { AssayError } from "../../core/errors.ts";
import { quote } from "../../core/quote.ts";
import { type RunCommand, runCommand } from "../run-command.ts";

/** What git says of a package's folder. */
export interface GitSource {
  /** Object name of the commit, in hexadecimal: 40 characters, or 64 in a repository with SHA-256. */
  readonly commit: string;
  /** The branch that is checked out, else the tag at the commit; undefined where there is neither. */
  readonly ref: string | undefined;
  /** Address of the remote `origin` as git has it; it may hold credentials. */
  readonly remote: string | undefined;
  /** The package's folder in the repository, without a slash at either end; empty for its root. */
  readonly folder: string;
  /** What in the folder is not as it is in the commit, in words for people. Empty for a clean tree. */
  readonly changes: readonly string[];
}

export interface GitOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Paths in the folder that go into the archive. */
  readonly packed: readonly string[];
}

/** A hook or a file watcher of the repository has no part in this. The user's own configuration has: it says whose folders git may look into. */
const SETTINGS = ["-c", "core.fsmonitor=false", "-c", `core.hooksPath=${devNull}`, "-c", "submodule.recurse=false"];
const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
/** What `git ls-files -v` writes before a file whose changes git was told not to look for. */
const UNWATCHED = /^(?:[a-z]|S) /;

/**
 * Asks git for the state of a package's folder. Changes outside the folder do not count: no byte of them is packed. Files that git ignores count where they are packed, and so do files that git
 * was told to look away from. Throws NOT_FOUND where the folder is in no repository with a commit, or git cannot be run.
 */
export async function readGitSource(folder: string, { env, packed }: GitOptions): Promise<GitSource> {
  const git = gitIn(folder, env, runCommand);
  const commit = (await git("rev-parse", "--verify", "HEAD^{commit}"))?.trim() ?? "";
  if (!COMMIT.test(commit)) {
    throw new AssayError("NOT_FOUND", `${quote(folder)} is in no git repository with a commit that can be read`, {
      help: "provenance says which commit a package is made from: run this in a clone of its repository, and see that `git status` works there",
    });
  }
  const prefix = (await git("rev-parse", "--show-prefix"))?.trim() ?? "";
  const branch = (await git("symbolic-ref", "--quiet", "HEAD"))?.trim();
  const tag = (await git("describe", "--tags", "--exact-match", "HEAD"))?.trim();
  return {
    commit,
    ref: branch ?? (tag === undefined ? undefined : `refs/tags/${tag}`),
    remote: (await git("remote", "get-url", "origin"))?.trim(),
    folder: prefix.replace(/\/$/, ""),
    changes: [...(await statusOf(git, prefix, packed)), ...(await unwatched(git))],
  };
}

type Git = (...args: readonly string[]) => Promise<string | undefined>;

/** Variables that speak to git are left out: `GIT_DIR` and the like would have it look elsewhere. */
function gitIn(folder: string, { PATH, HOME, XDG_CONFIG_HOME }: GitOptions["env"], run: RunCommand): Git {
  const env = {
    PATH,
    HOME,
    XDG_CONFIG_HOME,
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_NO_LAZY_FETCH: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
  };
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
  return (...args) => run("git", [...SETTINGS, ...args], { env: set, cwd: folder });
}

/** https://git-scm.com/docs/git-status#_pathname_format_notes_and_z: paths from the repository's root, each ended by NUL; a rename has two. */
async function statusOf(git: Git, prefix: string, packed: GitOptions["packed"]): Promise<readonly string[]> {
  const status = await git(
    "status",
    "--porcelain=v1",
    "-z",
    "--no-renames",
    "--untracked-files=all",
    "--ignored=matching",
    "--ignore-submodules=none",
    "--",
    ".",
  );
  if (status === undefined) return ["git cannot say what is changed"];
  return status
    .split("\0")
    .filter((entry) => entry !== "")
    .flatMap((entry) => {
      const path = entry.slice(3 + prefix.length);
      if (!entry.startsWith("!!")) return [`${quote(path)} is ${entry.startsWith("??") ? "not in the commit" : "changed"}`];
      // A whole folder that is ignored is one entry that ends in a slash.
      const isPacked = packed.some((each) => each === path || (path.endsWith("/") && each.startsWith(path)));
      return isPacked ? [`${quote(path)} is packed, though git ignores it`] : [];
    });
}

async function unwatched(git: Git): Promise<readonly string[]> {
  const files = await git("ls-files", "-v", "-z", "--", ".");
  if (files === undefined) return ["git cannot say which files it watches"];
  return files
    .split("\0")
    .filter((entry) => UNWATCHED.test(entry))
    .map((entry) => `${quote(entry.slice(2))} is one whose changes git was told not to look for`);
}
