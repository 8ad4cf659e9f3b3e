import { createHash } from "node:crypto";
import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { parseDigest } from "../../../src/core/digest.ts";
import { publishTarball } from "../../support/fake-registry.ts";
import {
  another,
  cacheBench,
  DAY_MS,
  get,
  isStored,
  MIB,
  type Package,
  pathOf,
  publish,
  reportsOf,
  storedBytes,
  storeOf,
} from "./cache-bench.ts";

test("under concurrent load past its limit the store stays under it, and what is pinned stays", async () => {
  const { upstream, mirror } = await cacheBench('withhold: all\ncache: {max_size: 5MiB, pin: ["pkg:npm/pinned"]}');
  const pinned = publish(upstream, "pinned", 700_000);
  expect(await get(mirror, pinned)).toBe(200);
  const packages = Array.from({ length: 40 }, (_, at) => publish(upstream, `load-${at}`, 300_000 + (at % 5) * 100_000));
  let mostBytes = 0;
  const watching = setInterval(() => (mostBytes = Math.max(mostBytes, storedBytes(mirror))), 5);
  const statuses: number[] = [];
  const queue = [...packages];
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let next = queue.shift(); next; next = queue.shift()) statuses.push(await get(mirror, next));
    }),
  );
  clearInterval(watching);
  expect(statuses).toEqual(packages.map(() => 200));
  expect(mostBytes).toBeGreaterThan(4 * MIB);
  expect(mostBytes).toBeLessThanOrEqual(5 * MIB);
  expect(isStored(mirror, pinned)).toBe(true);
  // What went is fetched again, and is what it was.
  const [first] = packages;
  if (!first) throw new Error("nothing was published");
  expect(isStored(mirror, first)).toBe(false);
  mirror.assay.http.hot.clear();
  expect(await get(mirror, first)).toBe(200);
  expect(upstream.requestsFor(first.path)).toHaveLength(2);
});

test("where all that is kept is pinned, something new is not kept, and the reason is told", async () => {
  const { upstream, mirror } = await cacheBench('cache: {max_size: 2MiB, pin: ["pkg:npm/a-*"]}');
  const kept = ["a-1", "a-2", "a-3"].map((name) => publish(upstream, name, 600_000));
  for (const each of kept) expect(await get(mirror, each)).toBe(200);
  const answer = await mirror.get(publish(upstream, "b", 600_000).target);
  expect(answer.status).toBe(507);
  expect(await answer.json()).toMatchObject({ code: "STORE_FULL", detail: expect.stringContaining("cache.max_size") });
  for (const each of kept) expect([isStored(mirror, each), await get(mirror, each)]).toEqual([true, 200]);
  // What is larger than everything may be is not even downloaded.
  const huge = publish(upstream, "huge", 3 * MIB);
  expect(await get(mirror, huge)).toBe(507);
  expect(storedBytes(mirror)).toBeLessThanOrEqual(2 * MIB);
});

test("an archive that is being sent is not evicted, whoever needs its room", async () => {
  const { upstream, mirror } = await cacheBench("cache: {max_size: 18MiB}");
  // Larger than what is kept in memory, and far more than sockets hold.
  const large = publish(upstream, "large", 16 * MIB);
  expect(await get(mirror, large)).toBe(200);
  const sending = await new Promise<IncomingMessage>((resolve, reject) => {
    request(`${mirror.url}${large.target}`, resolve).on("error", reject).end();
  });
  sending.pause();
  for (let at = 0; at < 4; at++) expect(await get(mirror, publish(upstream, `small-${at}`, 900_000))).toBe(200);
  expect(mirror.assay.http.readers.reading()).toEqual([large.sha256]);
  expect(isStored(mirror, large)).toBe(true);
  const hash = createHash("sha256");
  for await (const chunk of sending) hash.update(chunk);
  expect([sending.complete, hash.digest("hex")]).toEqual([true, large.sha256]);
  // Nobody reads it now.
  await expect.poll(() => mirror.assay.http.readers.reading()).toEqual([]);
  for (let at = 4; at < 8; at++) expect(await get(mirror, publish(upstream, `small-${at}`, 900_000))).toBe(200);
  expect(isStored(mirror, large)).toBe(false);
});

test("what another process evicts while it is known in memory is fetched again, and answered", async () => {
  const { upstream, mirror } = await cacheBench("cache: {max_age: 30d}");
  const large = publish(upstream, "large", 5 * MIB);
  expect(await get(mirror, large)).toBe(200);
  expect(await get(mirror, large)).toBe(200);
  mirror.assay.http.readers.release(large.sha256);
  rmSync(pathOf(mirror, large.sha256));
  expect(await get(mirror, large)).toBe(200);
  expect(upstream.requestsFor(large.path)).toHaveLength(2);
});

test("bytes that went must come back as they were: others under the name are refused", async () => {
  const { upstream, mirror } = await cacheBench("cache: {max_age: 30d}");
  const evil = publish(upstream, "tool", 100_000);
  const good = publish(upstream, "tool", 100_000);
  expect(await get(mirror, good)).toBe(200);
  mirror.assay.http.uses.blob(good.sha256);
  mirror.advance(31 * DAY_MS);
  expect(await mirror.assay.cache.collector.collect()).toMatchObject({ byAge: { removed: { archives: 1, bytes: good.bytes.length } } });
  expect(isStored(mirror, good)).toBe(false);

  const [report] = await reportsOf(mirror, "pkg:npm/tool@1.0.0");
  expect(report).toMatchObject({ held: false, removed: { why: "age" }, digest: good.sha256, verdict: { kind: "admit" } });

  publishTarball(upstream, { name: "tool", bytes: evil.bytes });
  const answer = await mirror.get(good.target);
  expect(answer.status).toBe(403);
  expect(await answer.json()).toMatchObject({ code: "INTEGRITY_VIOLATION" });
  expect(isStored(mirror, evil)).toBe(false);
  publishTarball(upstream, { name: "tool", bytes: good.bytes });
  mirror.advance(DAY_MS);
  expect(await get(mirror, good)).toBe(200);
  expect(await reportsOf(mirror, "pkg:npm/tool@1.0.0")).toMatchObject([{ held: true, removed: null, digest: good.sha256 }]);
});

test("by age go only those that nobody used, that are not pinned, and that upstream still has", async () => {
  const { upstream, mirror } = await cacheBench('cache: {max_age: 30d, pin: ["pkg:npm/pinned@1.*"]}');
  const names = ["old", "used", "pinned", "lost"] as const;
  const packages = Object.fromEntries(names.map((name) => [name, publish(upstream, name, 10_000)])) as Record<
    (typeof names)[number],
    Package
  >;
  for (const name of names) expect(await get(mirror, packages[name])).toBe(200);
  upstream.serve(packages.lost.indexPath, {
    contentType: "application/json",
    body: JSON.stringify({ _id: "lost", name: "lost", "dist-tags": {}, versions: {}, time: {} }),
  });
  mirror.advance(29 * DAY_MS);
  await (await mirror.get("/npm/lost")).arrayBuffer();
  expect(await get(mirror, packages.used)).toBe(200);
  await mirror.assay.cache.uses.flush();
  mirror.advance(2 * DAY_MS);

  const dry = await mirror.assay.cache.collector.collect({ dryRun: true });
  expect(names.map((name) => isStored(mirror, packages[name]))).toEqual([true, true, true, true]);
  const report = await mirror.assay.cache.collector.collect();
  expect({ ...report, dryRun: true, kept: dry.kept, indexBytes: dry.indexBytes, indexBytesFreed: 0 }).toEqual(dry);
  expect(names.map((name) => isStored(mirror, packages[name]))).toEqual([false, true, true, true]);
  expect(report.byAge).toMatchObject({ removed: { archives: 1 }, kept: { pinned: { archives: 1 }, "lost upstream": { archives: 1 } } });
  expect(await get(mirror, packages.lost)).toBe(200);
});

test("offline nothing goes: nobody could get it again", async () => {
  const { upstream, mirror } = await cacheBench("cache: {max_age: 30d}");
  const old = publish(upstream, "old", 10_000);
  expect(await get(mirror, old)).toBe(200);
  await mirror.assay.cache.uses.flush();
  const offline = await another({ upstream, mirror }, "offline: true\ncache: {max_age: 30d}");
  offline.advance(60 * DAY_MS);
  expect(await offline.assay.cache.collector.collect()).toMatchObject({ byAge: { removed: { archives: 0 } }, documents: { documents: 0 } });
  expect(isStored(mirror, old)).toBe(true);
});

test("with the disk nearly full nothing is downloaded, and what is held is served", async () => {
  const { upstream, mirror } = await cacheBench("cache: {min_free: 0}");
  const held = publish(upstream, "held", 10_000);
  expect(await get(mirror, held)).toBe(200);
  const full = await another({ upstream, mirror }, 'cache: {min_free: 99.9%, pin: ["pkg:npm/*"]}');
  const fresh = publish(upstream, "fresh", 10_000);
  const answer = await full.get(fresh.target);
  expect(answer.status).toBe(507);
  expect(await answer.json()).toMatchObject({ code: "STORE_FULL", detail: expect.stringContaining("cache.min_free") });
  expect(await get(full, held)).toBe(200);
  expect(isStored(full, held)).toBe(true);
  expect(await get(mirror, fresh)).toBe(200);
});

test("orphans are files that no record names, for an hour, and that nobody brings in", async () => {
  const { upstream, mirror } = await cacheBench("");
  const wanted = publish(upstream, "wanted", 10_000);
  expect(await get(mirror, wanted)).toBe(200);
  const file = (content: string): { path: string; digest: string } => {
    const digest = createHash("sha256").update(content).digest("hex");
    mkdirSync(join(mirror.dataDir, "blobs-v1", digest.slice(0, 2)), { recursive: true });
    writeFileSync(pathOf(mirror, digest), content);
    // A rename leaves the time at which the bytes were written. It must not make the file old.
    utimesSync(pathOf(mirror, digest), 1, 1);
    return { path: pathOf(mirror, digest), digest };
  };
  const [orphan, incoming] = [file("left by a crash"), file("about to be recorded")];
  expect((await mirror.assay.cache.collector.collect()).orphans.archives).toBe(0);
  mirror.advance(3_600_000 + 60_000);
  const other = await storeOf(mirror);
  const wish = { sizeBytes: 1, maxBytes: undefined, ttlMs: 60_000 };
  expect(await other.cache.reserve(parseDigest(incoming.digest), "somebody", wish)).toEqual({ kind: "reserved" });
  expect((await mirror.assay.cache.collector.collect()).orphans).toEqual({ archives: 1, bytes: "left by a crash".length });
  expect([existsSync(orphan.path), existsSync(incoming.path), isStored(mirror, wanted)]).toEqual([false, true, true]);
});

test("a record whose file is gone is taken off the count, and its archive fetched again", async () => {
  const { upstream, mirror } = await cacheBench("");
  const gone = publish(upstream, "gone", 10_000);
  expect(await get(mirror, gone)).toBe(200);
  rmSync(pathOf(mirror, gone.sha256));
  expect((await mirror.assay.cache.collector.collect({ dryRun: true })).missing.archives).toBe(1);
  const { missing, kept } = await mirror.assay.cache.collector.collect();
  expect([missing.archives, kept]).toEqual([1, { archives: 0, bytes: 0 }]);
  mirror.assay.http.hot.clear();
  expect(await get(mirror, gone)).toBe(200);
  expect(isStored(mirror, gone)).toBe(true);
});

test("index documents go that nobody used and nothing was admitted of; whose the name is stays known", async () => {
  const { upstream, mirror } = await cacheBench("cache: {max_age: 30d}\nmetadata_ttl: 1s");
  const [looked, installed] = [publish(upstream, "looked-at", 10_000), publish(upstream, "installed", 10_000)];
  for (const path of ["/npm/looked-at", "/npm/installed"]) await (await mirror.get(path)).arrayBuffer();
  expect(await get(mirror, installed)).toBe(200);
  await mirror.assay.cache.uses.flush();
  mirror.advance(31 * DAY_MS);
  expect((await mirror.assay.cache.collector.collect()).documents).toMatchObject({ documents: 1 });
  const store = await storeOf(mirror);
  const { index } = store;
  expect(await index.document({ repository: "npm", key: "packument/looked-at" })).toBeUndefined();
  expect(await index.document({ repository: "npm", key: "packument/installed" })).toBeDefined();
  expect(await index.documentOwner({ repository: "npm", key: "packument/looked-at" })).toEqual({
    upstream: `${upstream.origin}/npm/`,
    isLetGo: true,
  });
  expect(await index.firstSeenAt("npm", "looked-at")).toBeDefined();
  expect(await get(mirror, looked)).toBe(200);
});

test("what was published here is never evicted: nobody else has it", async () => {
  const { upstream, mirror } = await cacheBench("cache: {max_age: 30d, max_size: 1MiB}");
  const hosted = publish(upstream, "hosted", 10_000);
  expect(await get(mirror, hosted)).toBe(200);
  const database = new Database(join(mirror.dataDir, "assay.db"));
  database.exec("INSERT INTO hosted_packages (repository, name, owner) VALUES ('skills', 'hosted', 'alice')");
  database
    .prepare(
      `INSERT INTO hosted_versions (package_id, version, precedence, digest, size_bytes, published_at, published_by, status, fields, signatures)
       VALUES (1, '1.0.0', '1.0.0', ?, ?, 1, 'alice', 'approved', '{}', '[]')`,
    )
    .run(Buffer.from(hosted.sha256, "hex"), hosted.bytes.length);
  // Its row among the mirrored ones may be gone: the version's own keeps the file.
  mirror.advance(31 * DAY_MS);
  expect(await mirror.assay.cache.collector.collect()).toMatchObject({ byAge: { removed: { archives: 0 } } });
  database.exec("DELETE FROM blobs");
  database.close();
  expect((await mirror.assay.cache.collector.collect()).orphans.archives).toBe(0);
  for (let at = 0; at < 3; at++) expect(await get(mirror, publish(upstream, `more-${at}`, 500_000))).toBe(200);
  expect(isStored(mirror, hosted)).toBe(true);
});
