import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildSdist } from "../support/archives.ts";
import { AttestedSources } from "../support/attested-sources.ts";

/** Packages of the other registries, rebuilt from a git host on loopback. */
let sources: AttestedSources;

beforeAll(async () => {
  sources = await AttestedSources.start();
});
afterAll(() => sources?.close());

describe("npm", () => {
  const manifest = (name: string, more: object = {}): string =>
    JSON.stringify({
      name,
      version: "1.0.0",
      repository: { type: "git", url: "git+https://github.com/acme/tool.git", directory: `packages/${name}` },
      ...more,
    });

  const inFolder = (name: string, files: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`packages/${name}/${path}`, text]));

  test("a package is packed from the folder of its commit, and its scripts do not run", async () => {
    const ran = join(sources.scratch, "ran");
    const files = {
      "package.json": manifest("same", { scripts: { prepack: `touch ${ran}`, prepare: `touch ${ran}` } }),
      "index.js": "module.exports = 1;\n",
    };
    const commit = sources.commit({ "README.md": "another package's\n", ...inFolder("same", files) });
    const { exit, said } = await sources.rebuild(sources.publishNpm("same", await sources.npmArchive(files), commit));
    expect(said).toMatchObject({
      rebuilds: [
        {
          result: "identical",
          level: { before: "L2", after: "L3" },
          source: { commit, folder: "packages/same" },
          builder: expect.stringMatching(/^npm pack /),
        },
      ],
      errors: [],
    });
    expect(exit).toBe(0);
    expect(() => readFileSync(ran)).toThrow();
  }, 120_000);

  test("what a build adds and what somebody changed is named, and the same files in another form are no L3", async () => {
    const files = { "package.json": manifest("other", { files: ["dist", "index.js"] }), "index.js": "module.exports = 1;\n" };
    const commit = sources.commit(inFolder("other", files));
    const bytes = await sources.npmArchive({ ...files, "index.js": "module.exports = 2;\n", "dist/built.js": "1;\n" });
    const { exit, said } = await sources.rebuild(sources.publishNpm("other", bytes, commit));
    expect(exit).toBe(2);
    expect(said.rebuilds).toMatchObject([
      {
        result: "differs",
        level: { after: "L2" },
        differences: [
          { kind: "only-published", path: "package/dist/built.js" },
          { kind: "changed", path: "package/index.js" },
        ],
      },
    ]);
    const recompressed = { ...files, "package.json": manifest("form") };
    const formCommit = sources.commit(inFolder("form", recompressed));
    const form = await sources.rebuild(
      sources.publishNpm("form", gzipSync(gunzipSync(await sources.npmArchive(recompressed)), { level: 1 }), formCommit),
    );
    expect(form).toMatchObject({
      exit: 2,
      said: {
        rebuilds: [
          {
            result: "same-contents",
            level: { after: "L2" },
            differences: [{ kind: "form", published: expect.stringContaining("compression") }],
          },
        ],
      },
    });
  }, 120_000);

  test("a manifest that leads out of the repository, or is a link, is not followed", async () => {
    const away = JSON.stringify({ name: "away", version: "1.0.0", repository: { directory: "../../.." } });
    const out = await sources.rebuild(
      sources.publishNpm("away", await sources.npmArchive({ "package.json": away }), sources.commit({ "package.json": away })),
    );
    expect(out).toMatchObject({
      exit: 65,
      said: { rebuilds: [], errors: [{ code: "UNPROCESSABLE", message: expect.stringContaining("is no folder") }] },
    });
    const plain = JSON.stringify({ name: "linked", version: "1.0.0" });
    const link = sources.repository.git(["hash-object", "-w", "--stdin"], sources.rootFile);
    const tree = sources.repository.git(["mktree"], `120000 blob ${link}\tpackage.json\n`);
    const commit = sources.repository.git(["-c", "user.name=x", "-c", "user.email=x@registry.example", "commit-tree", tree, "-m", "made"]);
    sources.repository.git(["update-ref", "refs/heads/main", commit]);
    const linked = await sources.rebuild(sources.publishNpm("linked", await sources.npmArchive({ "package.json": plain }), commit));
    expect(linked).toMatchObject({
      exit: 65,
      said: { errors: [{ code: "UNPROCESSABLE", message: expect.stringContaining("no file package.json") }] },
    });
  }, 120_000);
});

describe("PyPI", () => {
  test("the files of an sdist are looked for in the source, and it is never called rebuilt", async () => {
    const setup = 'from setuptools import setup\nsetup(name="tool", version="1.0")\n';
    const commit = sources.commit({ "setup.py": setup, "tool.py": "print(1)\n", "tests/test.py": "left out\n" });
    const published = buildSdist({ name: "tool", version: "1.0", files: { "tool.py": "print(2)\n" } });
    const { exit, said } = await sources.rebuild(sources.publishSdist("tool", published, commit));
    expect(exit).toBe(2);
    expect(said.rebuilds).toMatchObject([
      {
        result: "differs",
        level: { before: "L2", after: "L2" },
        rebuilt: { sha256: null },
        differences: [
          { kind: "only-published", path: "PKG-INFO" },
          { kind: "changed", path: "tool.py" },
        ],
        notes: expect.arrayContaining([expect.stringContaining("1 of its 3 files"), expect.stringContaining("not built")]),
      },
    ]);
    expect(said.artifacts[0].level.why).toMatch(/only compared with the files of .*, and 2 differ/);
  }, 120_000);
});
