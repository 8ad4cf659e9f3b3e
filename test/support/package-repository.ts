import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FolderContent, folderOf, packageContent } from "./package-folder.ts";

export interface PackageRepository {
  readonly folder: string;
  readonly commit: string;
  /** Runs git in the folder; answers what it prints. */
  git(...args: readonly string[]): string;
  write(path: string, text: string): void;
}

/** A git repository on disk with one commit of a package, on the branch `main` and with the tag `v1.0.0`. `files` are added, or stand in the place of what there is. */
export function packageRepository(files: Readonly<Record<string, FolderContent>> = {}): PackageRepository {
  const folder = folderOf(packageContent(files));
  const env = {
    PATH: process.env["PATH"],
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z",
    GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z",
  };
  const git = (...args: readonly string[]): string =>
    execFileSync("git", ["-c", "user.name=Ann", "-c", "user.email=ann@acme.example", ...args], {
      cwd: folder,
      env,
      encoding: "utf8",
      stdio: "pipe",
    });
  git("init", "--quiet", "--initial-branch", "main");
  git("remote", "add", "origin", "git@github.com:acme/tool.git");
  git("add", "--all");
  git("commit", "--quiet", "--message", "release");
  git("tag", "v1.0.0");
  return { folder, commit: git("rev-parse", "HEAD").trim(), git, write: (path, text) => writeFileSync(join(folder, path), text) };
}
