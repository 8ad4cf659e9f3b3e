import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AirGap, ARCHIVES } from "../../support/air-gap.ts";
import { noise, publishTarball } from "../../support/fake-registry.ts";
import { startMirror } from "../../support/mirror-bench.ts";
import { publishTarballs } from "../../support/releases.ts";
import type { Loose } from "../../support/sigstore-instance.ts";

let gap: AirGap;

beforeAll(async () => {
  gap = await AirGap.open();
  await gap.fetch();
});
afterAll(() => gap.close());

const names = (folder: string): string[] => readdirSync(folder).sort();

test("any tar can list a bundle, and nothing is left beside it", async () => {
  const folder = gap.folderFor("listed");
  const bundle = join(folder, "all.tar");
  const { said } = await gap.export(bundle);
  const listed = spawnSync("tar", ["tf", bundle], { encoding: "utf8" });
  expect(listed.status, listed.stderr).toBe(0);
  const lines = listed.stdout.trim().split("\n");
  expect(lines[0]).toBe("manifest.dsse.json");
  expect(lines).toHaveLength(said.carriedFiles + 1);
  expect(names(folder)).toEqual(["all.tar"]);
});

test("a bundle in parts is imported from its parts in their order, and damage to one leaves out what was in it", async () => {
  publishTarball(gap.upstream, { name: "large", files: { "package/noise.bin": noise(3 * 1024 * 1024) } });
  await gap.fetch(["/npm/large/-/large-1.0.0.tgz"]);
  const folder = gap.folderFor("parts");
  const { said } = await gap.export(join(folder, "all.tar"), { split: "1MiB" });
  const parts = said.files as string[];
  expect(parts.length).toBeGreaterThan(3);
  expect(parts.map((part) => basename(part))).toEqual(names(folder));
  expect(parts.slice(0, -1).map((part) => statSync(part).size)).toEqual(parts.slice(1).map(() => 1024 * 1024));
  expect(await gap.import(gap.folderFor("far"), parts)).toMatchObject({ code: 0, said: { summary: { admitted: ARCHIVES.length + 1 } } });

  const second = parts[1] ?? "";
  const changed = readFileSync(second);
  changed.writeUInt8(changed.readUInt8(1000) ^ 1, 1000);
  writeFileSync(second, changed);
  const ended = await gap.import(gap.folderFor("far"), parts);
  expect(ended.code).toBe(65);
  expect(ended.said.artifacts.filter(({ kind }: Loose) => kind !== "admitted")).toMatchObject([
    { purl: "pkg:npm/large@1.0.0", kind: "failed" },
  ]);
});

test("an export since an earlier one carries only what is new, says what it builds on, and is imported over it", async () => {
  const folder = gap.folderFor("since");
  const [base, next] = [join(folder, "base.tar"), join(folder, "next.tar")];
  await gap.export(base);
  publishTarballs(gap.upstream, "later", [{ version: "1.0.0" }]);
  await gap.fetch(["/npm/later/-/later-1.0.0.tgz"]);
  const { said } = await gap.export(next, { since: base });
  expect(statSync(next).size).toBeLessThan(statSync(base).size / 4);
  expect(said.buildsOn).toMatch(/^[0-9a-f]{64}$/);

  const alone = await gap.import(gap.folderFor("alone"), next);
  const failed = alone.said.artifacts.filter(({ kind }: Loose) => kind === "failed");
  expect(alone.code).toBe(65);
  expect(alone.said.summary).toMatchObject({ admitted: 1 });
  expect(failed[0].reason).toContain(said.buildsOn);

  const data = gap.folderFor("both");
  await gap.import(data, base);
  expect(await gap.import(data, next)).toMatchObject({ code: 0, said: { summary: { admitted: 1, failed: 0 } } });

  // By its manifest alone, which is all that need be kept of it.
  const manifest = join(folder, "base.json");
  writeFileSync(manifest, spawnSync("tar", ["xOf", base, "manifest.dsse.json"], { maxBuffer: 1024 ** 2 * 16 }).stdout);
  const again = join(folder, "again.tar");
  await gap.export(again, { since: manifest });
  expect(readFileSync(again).equals(readFileSync(next))).toBe(true);
});

test("an older bundle that comes late takes back nothing that a newer one brought", async () => {
  const folder = gap.folderFor("late");
  const [older, newer] = [join(folder, "older.tar"), join(folder, "newer.tar")];
  publishTarballs(gap.upstream, "moving", [{ version: "1.0.0" }]);
  await gap.fetch(["/npm/moving/-/moving-1.0.0.tgz"]);
  await gap.export(older, { purls: ["pkg:npm/moving"] });
  publishTarballs(gap.upstream, "moving", [{ version: "1.0.0" }, { version: "2.0.0" }]);
  const source = await startMirror({ config: gap.config.replace("metadata_ttl: 1h", "metadata_ttl: 0s"), dataDir: gap.sourceDir });
  expect((await source.get("/npm/moving/-/moving-2.0.0.tgz")).status).toBe(200);
  await source.close();
  await gap.export(newer, { purls: ["pkg:npm/moving"] });

  const data = gap.folderFor("far");
  await gap.import(data, newer);
  expect(await gap.import(data, older)).toMatchObject({ code: 0 });
  const far = await startMirror({ config: `${gap.config}\noffline: true\n`, dataDir: data });
  expect(await (await far.get("/npm/moving")).json()).toMatchObject({ "dist-tags": { latest: "2.0.0" } });
  await far.close();
});

test("a bundle takes back nothing that upstream confirmed here since it was made", async () => {
  const both = [{ version: "1.0.0" }, { version: "2.0.0" }];
  const data = gap.folderFor("far");
  const far = await startMirror({ config: gap.config.replace("metadata_ttl: 1h", "metadata_ttl: 0s"), dataDir: data });
  publishTarballs(gap.upstream, "wavering", both);
  expect((await far.get("/npm/wavering")).status).toBe(200);
  publishTarballs(gap.upstream, "wavering", [{ version: "1.0.0" }]);
  await gap.fetch(["/npm/wavering/-/wavering-1.0.0.tgz"]);
  const bundle = join(gap.folderFor("wavering"), "bundle.tar");
  await gap.export(bundle, { purls: ["pkg:npm/wavering"] });
  publishTarballs(gap.upstream, "wavering", both);
  expect((await far.get("/npm/wavering")).status).toBe(200);
  await far.close();

  expect(await gap.import(data, bundle)).toMatchObject({ code: 0 });
  const offline = await startMirror({ config: `${gap.config}\noffline: true\n`, dataDir: data });
  expect(await (await offline.get("/npm/wavering")).json()).toMatchObject({ versions: { "2.0.0": {} } });
  await offline.close();
});

test("a trial says what would be admitted, and keeps nothing", async () => {
  const folder = gap.folderFor("trial");
  const bundle = join(folder, "all.tar");
  await gap.export(bundle, { purls: ["pkg:npm/left"] });
  const data = gap.folderFor("far");
  expect(await gap.import(data, bundle, { dryRun: true })).toMatchObject({ code: 0, said: { dryRun: true, summary: { admitted: 2 } } });
  expect(names(data)).toEqual(["command-config.yaml"]);
  expect(names(gap.folder).filter((name) => name.includes("trial-") && name.includes("far"))).toEqual([]);
});

test("what is not held, and what is refused by now, is left out of an export and told", async () => {
  const bundle = join(gap.folderFor("left-out"), "some.tar");
  gap.setPolicy('version: 1\ndeny:\n  - {purl: "pkg:npm/left", versions: "vers:npm/1.1.0", reason: "not any more"}\n');
  const { code, said } = await gap.export(bundle, { purls: ["pkg:npm/left"] });
  gap.setPolicy("version: 1\n");
  expect({ code, artifacts: said.artifacts }).toEqual({ code: 2, artifacts: 1 });
  expect(said.rows).toContainEqual({
    kind: "left-out",
    purl: "pkg:npm/left@1.1.0",
    why: "refused",
    reason: expect.stringContaining("not any more"),
  });
  await expect(gap.export(bundle, { purls: ["pkg:npm/nobody-asked"] })).rejects.toThrow(/nothing is held/);
});

test("an export of everything where nothing is held is no bundle", async () => {
  const folder = gap.folderFor("nothing");
  await expect(gap.export(join(folder, "all.tar"), { data: gap.folderFor("empty") })).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(names(folder)).toEqual([]);
});

test("an export of everything in one repository has nothing of another", async () => {
  const folder = gap.folderFor("one");
  const { said } = await gap.export(join(folder, "npm.tar"), { repository: "npm" });
  expect(said.rows.map(({ purl }: Loose) => purl.split("/")[0])).toEqual(Array(said.artifacts).fill("pkg:npm"));
  expect(said.artifacts).toBeGreaterThan(0);
  await expect(gap.export(join(folder, "typo.tar"), { repository: "nmp" })).rejects.toThrow(/nothing is held in the repository "nmp"/);
});
