import { createHash } from "node:crypto";
import type { Dirent } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { AssayError } from "../../core/errors.ts";
import { formatGitRepository, type GitRepository, type ObjectId, parseObjectId, parseRefName, type RefName } from "../../core/git.ts";
import { gitEnvironment } from "./git-environment.ts";
import { type GitCommand, type GitRun, runGit } from "./run-git.ts";

/** Only the account that Assay runs as may read or write. */
const FOLDER_MODE = 0o700;
/** For what reads or writes refs and asks no network. */
const LOCAL_MS = 120_000;

/**
 * The folder that a repository is served from. Named by a hash: names that differ only in what a file system does not tell apart, or that it cannot hold, must not share a folder.
 */
export function servedFolder(root: string, repository: GitRepository): string {
  return join(root, `${folderName(repository)}.git`);
}

/** The beginning of the names of a repository's quarantine folders. */
export function folderName(repository: GitRepository): string {
  return createHash("sha256").update(formatGitRepository(repository)).digest("hex").slice(0, 40);
}

/** One bare repository on disk. */
export class GitFolder {
  readonly path: string;
  readonly #searchPath: string | undefined;

  constructor(path: string, searchPath: string | undefined) {
    this.path = path;
    this.#searchPath = searchPath;
  }

  get objects(): string {
    return join(this.path, "objects");
  }

  /** Makes it where it is missing or half made. Only while nobody else writes to it. */
  async make(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: FOLDER_MODE });
    await this.#removeLeftovers();
    // Without a template: hooks and the like are whatever the machine has.
    await this.mustRun({ args: ["init", "--quiet", "--bare", "--template=", "--object-format=sha1", "--initial-branch=main"] });
  }

  /** Asks no network. Throws as `runGit`. */
  run(command: Pick<GitCommand, "args" | "input">): Promise<GitRun> {
    return runGit({ ...command, folder: this.path, env: gitEnvironment(this.#searchPath, "none"), timeoutMs: LOCAL_MS });
  }

  /** Throws STORE_IO where git fails. */
  async mustRun(command: Pick<GitCommand, "args" | "input">): Promise<Buffer> {
    const { code, output, said } = await this.run(command);
    if (code !== 0) throw new AssayError("STORE_IO", `a mirrored git repository could not be used: ${said}`);
    return output;
  }

  async refs(): Promise<ReadonlyMap<RefName, ObjectId>> {
    const lines = (await this.mustRun({ args: ["for-each-ref", "--format=%(objectname) %(refname)"] })).toString("utf8").split("\n");
    const refs = new Map<RefName, ObjectId>();
    for (const line of lines) {
      const space = line.indexOf(" ");
      const [object, ref] = [parseObjectId(line.slice(0, space)), parseRefName(line.slice(space + 1))];
      if (object && ref) refs.set(ref, object);
    }
    return refs;
  }

  /** Whether it has this commit, and not only its name. */
  async has(commit: ObjectId): Promise<boolean> {
    return (await this.run({ args: ["cat-file", "-e", `${commit}^{commit}`] })).code === 0;
  }

  /** Locks and half written packs of a git that a power failure cut off: git itself never removes them, and writes nothing where a lock is. No ref's name may end like a lock's. */
  async #removeLeftovers(): Promise<void> {
    const entries = await readdir(this.path, { recursive: true, withFileTypes: true });
    const isLeftover = ({ name, parentPath }: Dirent): boolean =>
      name.endsWith(".lock") || (name.startsWith("tmp_") && parentPath.startsWith(this.objects));
    const left = entries.filter((entry) => entry.isFile() && isLeftover(entry));
    await Promise.all(left.map(({ name, parentPath }) => rm(join(parentPath, name), { force: true })));
  }

  /** Bytes of its objects. What is removed meanwhile counts as nothing. */
  async sizeBytes(): Promise<number> {
    const entries = await readdir(this.objects, { recursive: true, withFileTypes: true }).catch(() => []);
    const sizes = entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        stat(join(entry.parentPath, entry.name)).then(
          ({ size }) => size,
          () => 0,
        ),
      );
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  }
}
