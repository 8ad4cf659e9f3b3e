import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packFolder } from "../../../src/app/pack/pack-folder.ts";
import { readGitSource } from "../../../src/app/publish/git-source.ts";
import { folderOf, packageContent } from "../../support/package-folder.ts";
import { type PackageRepository, packageRepository } from "../../support/package-repository.ts";

async function read(folder: string, env: NodeJS.ProcessEnv = {}) {
  const { listing } = await packFolder(folder);
  return readGitSource(folder, { env: { PATH: process.env["PATH"], HOME: folder, ...env }, packed: listing.map(({ path }) => path) });
}

test("a folder in no repository has no source", async () => {
  await expect(read(folderOf(packageContent()))).rejects.toMatchObject({ code: "NOT_FOUND", help: expect.stringContaining("clone") });
});

test.each<{ name: string; change: (repository: PackageRepository) => void; found: string }>([
  { name: "a changed file", change: ({ write }) => write("aam.yaml", "name: other\n"), found: '"aam.yaml" is changed' },
  { name: "a file that was never added", change: ({ write }) => write("evil.md", "x"), found: '"evil.md" is not in the commit' },
  {
    name: "a change that is staged only",
    change: ({ write, git }) => {
      write("evil.md", "x");
      git("add", "evil.md");
    },
    found: '"evil.md" is changed',
  },
  {
    name: "a file that git ignores and the archive has",
    change: ({ folder, write }) => {
      mkdirSync(join(folder, "dist"));
      write("dist/built.js", "x");
    },
    found: '"dist/" is packed, though git ignores it',
  },
  {
    name: "a change that git was told not to look for",
    change: ({ git, write }) => {
      git("update-index", "--assume-unchanged", "aam.yaml");
      write("aam.yaml", "name: '@myorg/demo'\nversion: 1.2.3\ndescription: changed\n");
    },
    found: '"aam.yaml" is one whose changes git was told not to look for',
  },
  {
    name: "a file of a sparse checkout",
    change: ({ git }) => void git("update-index", "--skip-worktree", "aam.yaml"),
    found: '"aam.yaml" is one whose changes git was told not to look for',
  },
])("$name is a change", async ({ change, found }) => {
  const repository = packageRepository({ ".gitignore": "dist/\nnode_modules/\n", "README.md": "# demo\n" });
  change(repository);
  const { listing } = await packFolder(repository.folder).catch(() => ({ listing: [] }));
  const env = { PATH: process.env["PATH"], HOME: repository.folder };
  const { changes } = await readGitSource(repository.folder, { env, packed: listing.map(({ path }) => path) });
  expect(changes).toEqual([found]);
});

test("a clean tree has its commit, branch and remote; what git ignores and nobody packs is no change", async () => {
  const { folder, commit, write } = packageRepository({ ".gitignore": "node_modules/\n" });
  mkdirSync(join(folder, "node_modules"));
  write("node_modules/x.js", "x");
  expect(await read(folder)).toEqual({ commit, ref: "refs/heads/main", remote: "git@github.com:acme/tool.git", folder: "", changes: [] });
});

test("a checked-out tag is the ref; changes outside the package's own folder are none of its business", async () => {
  const { folder, git, write } = packageRepository(
    Object.fromEntries(Object.entries(packageContent()).map(([path, content]) => [`skills/one/${path}`, content])),
  );
  git("checkout", "--quiet", "v1.0.0");
  write("elsewhere.md", "x");
  expect(await read(join(folder, "skills/one"))).toMatchObject({ ref: "refs/tags/v1.0.0", folder: "skills/one", changes: [] });
});

test("neither a hook or watcher of the repository nor a variable of the caller has a say", async () => {
  const { folder, commit, git } = packageRepository();
  const witness = join(folderOf({}), "ran");
  git("config", "core.fsmonitor", `touch ${witness}; false`);
  const other = packageRepository({ "README.md": "another\n" });
  expect(await read(folder, { GIT_DIR: join(other.folder, ".git"), GIT_WORK_TREE: other.folder })).toMatchObject({ commit, changes: [] });
  expect(existsSync(witness)).toBe(false);
});
