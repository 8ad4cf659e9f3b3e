import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { changePolicy } from "../../support/change-policy.ts";
import { archiveOf, filesUnder, startDirectoryBench } from "../../support/directory-bench.ts";

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

describe("what is in the directory", { timeout: 60_000 }, () => {
  test("is what was admitted, in both layouts, each archive the bytes that its checksums say", async () => {
    const bench = await startDirectoryBench();
    bench.publish("@acme/review", [{ version: "1.0.0" }, { version: "1.1.0", manifest: { dependencies: { "git-utils": "^1.0.0" } } }], {
      stable: "1.0.0",
    });
    bench.publish("never-asked-for", [{ version: "1.0.0" }]);
    expect(await bench.fetch("@acme/review@1.0.0", "@acme/review@1.1.0")).toEqual([200, 200]);
    expect(await bench.sync()).toMatchObject({ packages: 1, versions: 2, leftOut: [] });
    const bytes = archiveOf("@acme/review", { version: "1.0.0" });
    const folder = "packages/acme--review";
    expect(readFileSync(join(bench.path, folder, "versions/1.0.0.aam"))).toEqual(bytes);
    expect(bench.read(`${folder}/versions/1.0.0.aam.sha256`)).toBe(`${sha256(bytes)}  1.0.0.aam\n`);
    expect(JSON.parse(bench.read(`${folder}/meta.json`))).toMatchObject({
      name: "@acme/review",
      versions: {
        "1.0.0": { integrity: `sha256-${Buffer.from(sha256(bytes), "hex").toString("base64")}`, tarball: "versions/1.0.0.aam" },
        "1.1.0": { dependencies: { "git-utils": "^1.0.0" } },
      },
      "dist-tags": { latest: "1.1.0", stable: "1.0.0" },
    });
    expect(parse(bench.read(`${folder}/metadata.yaml`), { version: "1.1" })).toMatchObject({
      name: "@acme/review",
      dist_tags: { latest: "1.1.0", stable: "1.0.0" },
      versions: [
        {
          version: "1.0.0",
          published: "2026-01-01T00:00:00.000Z",
          checksum: `sha256:${sha256(bytes)}`,
          size: bytes.length,
          dependencies: {},
        },
        { version: "1.1.0", dependencies: { "git-utils": "^1.0.0" } },
      ],
    });
    expect(JSON.parse(bench.read("index.json"))).toMatchObject({ formatVersion: 1, packages: [{ name: "@acme/review", latest: "1.1.0" }] });
    expect(JSON.parse(bench.read("dist-tags.json"))).toEqual({ "@acme/review": { latest: "1.1.0", stable: "1.0.0" } });
    expect(parse(bench.read("index.yaml"), { version: "1.1" })).toMatchObject({ packages: [{ name: "@acme/review", latest: "1.1.0" }] });
  });

  test("is not written to again while nothing changes", async () => {
    const bench = await startDirectoryBench();
    bench.publish("tool", [{ version: "1.0.0" }]);
    await bench.fetch("tool@1.0.0");
    await bench.sync();
    const before = bench.files();
    expect(await bench.sync()).toMatchObject({ written: 0, removed: 0 });
    expect(bench.files()).toEqual(before);
  });

  test.each<{ name: string; change: (bench: Awaited<ReturnType<typeof startDirectoryBench>>) => Promise<void> | void; told: string }>([
    {
      name: "the policy denies since",
      change: (bench) =>
        changePolicy(
          bench.mirror,
          bench.policyFile,
          'version: 1\ndeny: [{purl: "pkg:aam/tool", versions: "vers:semver/2.0.0", reason: stolen}]\n',
        ),
      told: "tool@2.0.0 REFUSED",
    },
    {
      name: "its publisher yanks",
      change: (bench) => bench.publish("tool", [{ version: "1.0.0" }, { version: "2.0.0", yanked: true }]),
      told: "tool@2.0.0 YANKED",
    },
    { name: "its registry loses", change: (bench) => bench.publish("tool", [{ version: "1.0.0" }]), told: "tool@2.0.0 YANKED" },
  ])("never is a version that $name", async ({ change, told }) => {
    const bench = await startDirectoryBench();
    bench.publish("tool", [{ version: "1.0.0" }, { version: "2.0.0" }]);
    await bench.fetch("tool@1.0.0", "tool@2.0.0");
    await bench.sync();
    expect(bench.forClient("tool")).toEqual(["1.0.0", "2.0.0"]);
    await change(bench);
    expect(await bench.sync()).toMatchObject({ versions: 1, removed: 2 });
    expect(bench.forClient("tool")).toEqual(["1.0.0"]);
    expect(bench.forAll("tool")).toEqual(["1.0.0"]);
    expect([...bench.files().keys()].filter((path) => path.includes("2.0.0"))).toEqual([]);
    expect(bench.leftOut()).toEqual([told]);
  });

  test("never is the last version of a package that the policy refuses for what it lacks, which pages do not mark", async () => {
    const bench = await startDirectoryBench();
    bench.publish("tool", [{ version: "1.0.0" }]);
    await bench.fetch("tool@1.0.0");
    await bench.sync();
    await changePolicy(bench.mirror, bench.policyFile, "version: 1\ndefaults: {signature: {require: true, on_missing: error}}\n");
    expect(await bench.sync()).toMatchObject({ versions: 0 });
    expect(bench.leftOut()).toEqual(["tool@1.0.0 REFUSED"]);
    expect(existsSync(join(bench.path, "packages"))).toBe(false);
  });

  test("never is what was refused", async () => {
    const bench = await startDirectoryBench({ policy: 'version: 1\ndeny: [{purl: "pkg:aam/evil", reason: stolen}]\n' });
    bench.publish("evil", [{ version: "1.0.0" }]);
    bench.publish("tool", [{ version: "1.0.0" }]);
    expect(await bench.fetch("evil@1.0.0", "tool@1.0.0")).toEqual([403, 200]);
    await bench.sync();
    expect([...bench.files().keys()].filter((path) => path.includes("evil"))).toEqual([]);
  });

  test("stays as it is while upstream is down, and so do its yanks and tags", async () => {
    const bench = await startDirectoryBench();
    bench.publish("tool", [{ version: "1.0.0" }, { version: "2.0.0", yanked: true }], { stable: "1.0.0" });
    await bench.fetch("tool@1.0.0", "tool@2.0.0");
    await bench.sync();
    const before = bench.files();
    await bench.upstream.close();
    expect(await bench.sync()).toMatchObject({ written: 0, removed: 0 });
    // Longer than anything that upstream said counts: nobody's word is left.
    bench.mirror.advance(31 * 86_400_000);
    await bench.sync();
    expect(bench.forClient("tool")).toEqual(["1.0.0"]);
    expect(bench.leftOut()).toEqual(["tool@2.0.0 YANKED"]);
    expect([...bench.files().keys()]).toEqual([...before.keys()]);
  });
});

describe("what the aam client could not install is told, and kept from it", { timeout: 60_000 }, () => {
  test.each<{ name: string; published: Parameters<typeof archiveOf>[1]; code: string }>([
    { name: "a pre-release", published: { version: "2.0.0-beta.1" }, code: "CLIENT_VERSION" },
    { name: "a version that PEP 440 takes for a post-release", published: { version: "2.0.0-1" }, code: "CLIENT_VERSION" },
    { name: "a build label that PEP 440 writes in lower case", published: { version: "2.0.0+Build.7" }, code: "CLIENT_VERSION" },
    { name: "a package without aam.yaml", published: { version: "2.0.0", aamYaml: null }, code: "CLIENT_MANIFEST" },
    {
      name: "a description that is too long",
      published: { version: "2.0.0", manifest: { description: "é".repeat(257) } },
      code: "CLIENT_MANIFEST",
    },
    { name: "no description", published: { version: "2.0.0", manifest: { description: " " } }, code: "CLIENT_MANIFEST" },
    { name: "no artifact", published: { version: "2.0.0", manifest: { artifacts: {} } }, code: "CLIENT_MANIFEST" },
    {
      name: "a range with a space",
      published: { version: "2.0.0", manifest: { dependencies: { tool: ">=1.0.0 <2.0.0" } } },
      code: "CLIENT_MANIFEST",
    },
  ])("$name", async ({ published, code }) => {
    const bench = await startDirectoryBench();
    bench.publish("tool", [{ version: "1.0.0" }, published]);
    expect(await bench.fetch("tool@1.0.0", `tool@${published.version}`)).toEqual([200, 200]);
    await bench.sync();
    expect(bench.forClient("tool")).toEqual(["1.0.0"]);
    expect(bench.forAll("tool").toSorted()).toEqual(["1.0.0", published.version].toSorted());
    expect(bench.leftOut()).toEqual([`tool@${published.version} ${code}`]);
    expect(parse(bench.read("index.yaml"))).toMatchObject({ packages: [{ name: "tool", latest: "1.0.0" }] });
  });

  test("a package with nothing for it is in none of its files", async () => {
    const bench = await startDirectoryBench();
    bench.publish("early", [{ version: "1.0.0-rc.1" }]);
    await bench.fetch("early@1.0.0-rc.1");
    await bench.sync();
    expect(bench.files().has("packages/early/metadata.yaml")).toBe(false);
    expect(parse(bench.read("index.yaml"))).toEqual({ packages: [] });
    expect(JSON.parse(bench.read("index.json"))).toMatchObject({ packages: [{ name: "early", latest: "1.0.0-rc.1" }] });
  });
});

describe("files of others", { timeout: 60_000 }, () => {
  test("a folder that has some and was never kept is refused, and nothing in it is touched", async () => {
    const bench = await startDirectoryBench();
    mkdirSync(bench.path);
    writeFileSync(join(bench.path, "mine.txt"), "mine");
    await expect(bench.sync()).rejects.toMatchObject({ code: "CONFLICT" });
    expect([...bench.files().keys()]).toEqual(["mine.txt"]);
  });

  test("what is added beside ours stays, also in the place of a package that comes later", async () => {
    const bench = await startDirectoryBench();
    bench.publish("tool", [{ version: "1.0.0" }]);
    bench.publish("other", [{ version: "1.0.0" }]);
    await bench.fetch("tool@1.0.0");
    await bench.sync();
    mkdirSync(join(bench.path, "packages/other/versions"), { recursive: true });
    writeFileSync(join(bench.path, "packages/other/versions/1.0.0.aam"), "mine");
    writeFileSync(join(bench.path, "packages/tool/notes.txt"), "mine");
    await bench.fetch("other@1.0.0");
    await bench.sync();
    expect(bench.leftOut()).toEqual(["other@1.0.0 FOREIGN_FILE"]);
    expect(bench.read("packages/other/versions/1.0.0.aam")).toBe("mine");
    bench.publish("tool", [{ version: "1.0.0", yanked: true }]);
    await bench.sync();
    expect([...bench.files().keys()].filter((path) => path.startsWith("packages/"))).toEqual([
      "packages/other/versions/1.0.0.aam",
      "packages/tool/notes.txt",
    ]);
  });

  test("a package with something else in the place of its metadata is left out whole, and the others are there", async () => {
    const bench = await startDirectoryBench();
    bench.publish("tool", [{ version: "1.0.0" }]);
    bench.publish("other", [{ version: "1.0.0" }]);
    await bench.fetch("tool@1.0.0", "other@1.0.0");
    mkdirSync(join(bench.path, ".assay"), { recursive: true });
    mkdirSync(join(bench.path, "packages/other"), { recursive: true });
    writeFileSync(join(bench.path, ".assay/kept-files.json"), '{"format": 1, "files": []}');
    writeFileSync(join(bench.path, "packages/other/meta.json"), "mine");
    await bench.sync();
    expect(bench.leftOut()).toEqual(["other FOREIGN_FILE"]);
    expect(bench.read("packages/other/meta.json")).toBe("mine");
    expect(bench.forClient("tool")).toEqual(["1.0.0"]);
    expect([...bench.files().keys()].filter((path) => path.includes("other"))).toEqual(["packages/other/meta.json"]);
  });

  test("a link in the place of a folder is not followed out of the directory", async () => {
    const bench = await startDirectoryBench();
    bench.publish("tool", [{ version: "1.0.0" }]);
    await bench.fetch("tool@1.0.0");
    await bench.sync();
    const outside = join(bench.path, "../outside");
    mkdirSync(join(outside, "versions"), { recursive: true });
    writeFileSync(join(outside, "versions/1.0.0.aam"), "mine");
    const before = filesUnder(outside);
    rmSync(join(bench.path, "packages/tool"), { recursive: true });
    symlinkSync(outside, join(bench.path, "packages/tool"));
    await bench.sync();
    expect(bench.leftOut()).toEqual(["tool@1.0.0 FOREIGN_FILE"]);
    bench.publish("tool", [{ version: "1.0.0", yanked: true }]);
    await bench.sync();
    expect(filesUnder(outside)).toEqual(before);
  });

  test.each([
    ["changed", "evil"],
    ["removed", undefined],
  ])("an archive of ours that somebody %s is put right", async (_, text) => {
    const bench = await startDirectoryBench();
    bench.publish("tool", [{ version: "1.0.0" }]);
    await bench.fetch("tool@1.0.0");
    await bench.sync();
    const archive = join(bench.path, "packages/tool/versions/1.0.0.aam");
    if (text === undefined) rmSync(archive);
    else writeFileSync(archive, text);
    await bench.sync();
    expect(readFileSync(archive)).toEqual(archiveOf("tool", { version: "1.0.0" }));
  });
});

test("bytes that changed in the store are never copied", { timeout: 60_000 }, async () => {
  const bench = await startDirectoryBench();
  bench.publish("tool", [{ version: "1.0.0" }]);
  bench.publish("sound", [{ version: "1.0.0" }]);
  await bench.fetch("tool@1.0.0", "sound@1.0.0");
  const bytes = archiveOf("tool", { version: "1.0.0" });
  const store = join(bench.mirror.dataDir, "blobs-v1");
  const [blob = ""] = [...filesUnder(store)].flatMap(([path, digest]) => (digest === sha256(bytes) ? [path] : []));
  // As sound an archive, of the same size: nothing but the digest tells it.
  const others = Array.from("abcdefgh", (letter) =>
    archiveOf("tool", { version: "1.0.0", manifest: { description: `${letter}ade in a test` } }),
  );
  const other = others.find(({ length }) => length === bytes.length);
  expect(other).toBeDefined();
  writeFileSync(join(store, blob), other ?? "");
  await bench.sync();
  expect(bench.leftOut()).toEqual(["tool@1.0.0 NOT_HELD"]);
  expect(existsSync(join(bench.path, "packages/tool"))).toBe(false);
  expect(bench.forClient("sound")).toEqual(["1.0.0"]);
});
