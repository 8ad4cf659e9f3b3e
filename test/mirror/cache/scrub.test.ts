import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { codeOf } from "../../contract/code-of.ts";
import { publishTarball } from "../../support/fake-registry.ts";
import { another, cacheBench, flipBit, get, isStored, MIB, pathOf, publish, reportsOf, storeOf } from "./cache-bench.ts";

const FAST = { bytesPerSecond: 1024 * MIB };

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

test("a flipped bit is found, set aside and fetched anew; the digest is held to", async () => {
  const { upstream, mirror } = await cacheBench("");
  const [rotten, sound] = [publish(upstream, "rotten", 200_000), publish(upstream, "sound", 50_000)];
  for (const each of [rotten, sound]) expect(await get(mirror, each)).toBe(200);
  flipBit(pathOf(mirror, rotten.sha256));
  const report = await mirror.assay.scrubber.scrub(FAST);
  expect(report.clean).toBe(false);
  expect(report.results.filter(({ subject }) => subject !== undefined)).toMatchObject([
    { check: "archives", subject: `sha256 ${rotten.sha256}`, outcome: "restored" },
  ]);
  expect(report.results.filter(({ subject }) => subject === undefined)).toMatchObject(
    ["database", "archives", "documents", "journal", "decisions"].map((check) => ({
      check,
      outcome: check === "archives" ? "found" : "clean",
    })),
  );
  expect(sha256(readFileSync(pathOf(mirror, rotten.sha256)))).toBe(rotten.sha256);
  expect(sha256(readFileSync(join(mirror.dataDir, "damaged", rotten.sha256)))).not.toBe(rotten.sha256);
  expect(upstream.requestsFor(sound.path)).toHaveLength(1);
  expect(await mirror.assay.scrubber.scrub(FAST)).toMatchObject({ clean: true, resumed: false });
});

test("once found it is served by nobody, not from memory either, where upstream has other bytes by now", async () => {
  const bench = await cacheBench("");
  const { upstream, mirror } = bench;
  const [other, rotten] = [publish(upstream, "tool", 20_000), publish(upstream, "tool", 20_000)];
  expect(await get(mirror, rotten)).toBe(200);
  flipBit(pathOf(mirror, rotten.sha256));
  // Started after the bit flipped: what it reads into memory is wrong already.
  const serving = await another(bench, "");
  const wrong = Buffer.from(await (await serving.get(rotten.target)).arrayBuffer());
  expect(sha256(wrong)).not.toBe(rotten.sha256);
  publishTarball(upstream, { name: "tool", bytes: other.bytes });
  const { results } = await mirror.assay.scrubber.scrub(FAST);
  expect(results.find(({ subject }) => subject !== undefined)).toMatchObject({
    outcome: "damaged",
    detail: expect.stringContaining("refused"),
  });
  expect(isStored(mirror, rotten)).toBe(false);
  // By the process that scrubbed at once, by others within moments.
  expect(await get(mirror, rotten)).toBe(403);
  await expect.poll(() => get(serving, rotten), { timeout: 15_000 }).toBe(403);
  expect(await reportsOf(mirror, "pkg:npm/tool@1.0.0")).toMatchObject([{ held: false, removed: { why: "damaged" } }]);
});

test("who is being sent an archive when it is found damaged gets no more of it", async () => {
  const { upstream, mirror } = await cacheBench("");
  const large = publish(upstream, "large", 24 * MIB);
  expect(await get(mirror, large)).toBe(200);
  flipBit(pathOf(mirror, large.sha256));
  const receivedBytes = new Promise<{ bytes: number; complete: boolean }>((resolve, reject) => {
    const outgoing = request(`${mirror.url}${large.target}`, async (response) => {
      response.pause();
      await mirror.assay.scrubber.scrub(FAST).catch(reject);
      let bytes = 0;
      response.on("data", (chunk: Buffer) => (bytes += chunk.length));
      response.on("close", () => resolve({ bytes, complete: response.complete }));
      response.on("error", () => {});
      response.resume();
    });
    outgoing.on("error", reject).end();
  });
  expect(await receivedBytes).toMatchObject({ complete: false });
  expect(await get(mirror, large)).toBe(200);
  expect(sha256(readFileSync(pathOf(mirror, large.sha256)))).toBe(large.sha256);
});

test("what is gone is fetched anew; where upstream is down it is told", async () => {
  const { upstream, mirror } = await cacheBench("");
  const [gone, lost] = [publish(upstream, "gone", 10_000), publish(upstream, "lost", 10_000)];
  for (const each of [gone, lost]) {
    expect(await get(mirror, each)).toBe(200);
    rmSync(pathOf(mirror, each.sha256));
  }
  upstream.fault(lost.path, { kind: "status", status: 500 });
  const { results } = await mirror.assay.scrubber.scrub(FAST);
  const outcomes = new Map(results.map(({ subject, outcome }) => [subject, outcome]));
  expect([outcomes.get(`sha256 ${gone.sha256}`), outcomes.get(`sha256 ${lost.sha256}`)]).toEqual(["restored", "missing"]);
  expect(isStored(mirror, gone)).toBe(true);
});

test("a damaged document is let go and fetched again, a damaged journal line and decision are told", async () => {
  const { upstream, mirror } = await cacheBench("metadata_ttl: 0");
  for (const name of ["tool", "other"]) expect(await get(mirror, publish(upstream, name, 10_000))).toBe(200);
  const database = new Database(join(mirror.dataDir, "assay.db"));
  database.exec(
    "UPDATE document_bodies SET body_bytes = body_bytes - 1 WHERE document_id = (SELECT id FROM documents WHERE key = 'packument/tool')",
  );
  database.exec("UPDATE admissions SET evidence = '[{}]' WHERE url LIKE '%/other/%'");
  database.exec("DROP TRIGGER decisions_stay; UPDATE decisions SET entry = replace(entry, '\"position\":0', '\"position\":7')");
  database.close();
  const { results, clean } = await mirror.assay.scrubber.scrub(FAST);
  expect(clean).toBe(false);
  const found = results.filter(({ subject }) => subject !== undefined).map(({ check, outcome }) => [check, outcome]);
  expect(found).toEqual([
    ["documents", "damaged"],
    ["journal", "damaged"],
    ["decisions", "damaged"],
  ]);
  const { index } = await storeOf(mirror);
  expect(await index.document({ repository: "npm", key: "packument/tool" })).toBeUndefined();
  expect((await mirror.get("/npm/tool")).status).toBe(200);
  expect(await index.document({ repository: "npm", key: "packument/tool" })).toBeDefined();
});

test("a reference that leads nowhere is told", async () => {
  const { upstream, mirror } = await cacheBench("");
  expect(await get(mirror, publish(upstream, "tool", 10_000))).toBe(200);
  const database = new Database(join(mirror.dataDir, "assay.db"));
  database.pragma("foreign_keys = OFF");
  database.exec("UPDATE listed_files SET artifact_id = 4711");
  database.close();
  const { results } = await mirror.assay.scrubber.scrub(FAST);
  expect(results.find(({ check }) => check === "database")).toMatchObject({
    outcome: "damaged",
    detail: expect.stringContaining("artifacts"),
  });
});

test("one that was interrupted goes on where it was, and two at once are not", async () => {
  const { upstream, mirror } = await cacheBench("");
  const packages = Array.from({ length: 6 }, (_, at) => publish(upstream, `p${at}`, 100_000));
  for (const each of packages) expect(await get(mirror, each)).toBe(200);
  const ending = new AbortController();
  // A tenth of a second for each archive.
  const slow = mirror.assay.scrubber.scrub({ bytesPerSecond: 1_000_000, signal: ending.signal });
  const { scrub } = await storeOf(mirror);
  await expect.poll(async () => (await scrub.begin(0)).progress.checked, { timeout: 15_000 }).toBeGreaterThan(1);
  expect(await codeOf(mirror.assay.scrubber.scrub(FAST))).toBe("BUSY");
  ending.abort();
  await expect(slow).rejects.toThrow();
  const { progress } = await scrub.begin(0);
  expect(progress.checked).toBeLessThan(6);
  const report = await mirror.assay.scrubber.scrub(FAST);
  expect(report).toMatchObject({ resumed: true, clean: true });
  expect(report.results.find(({ check }) => check === "archives")?.detail).toMatch(/^6 looked at/);
  expect(existsSync(join(mirror.dataDir, "damaged"))).toBe(false);
});
