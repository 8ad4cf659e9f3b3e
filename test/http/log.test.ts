import { createPublicKey } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { isSignedBy, parseCheckpoint } from "../../src/core/tlog/checkpoint.ts";
import { leafHash } from "../../src/core/tlog/hashes.ts";
import { formatVerifierKey, parseVerifierKey } from "../../src/core/tlog/note-key.ts";
import { openExistingIndex } from "../../src/store/open-store.ts";
import { runTlogGo, TLOG_GO } from "../differential/tlog-go.ts";
import { decide, npmArchive } from "../support/decided.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";

const NO_UPSTREAMS = "repositories: [{name: npm, ecosystem: npm, upstreams: []}]\n";

/** A mirror whose log has `entries` entries, and says no more about its own configuration than `more`. */
async function mirrorWith(entries: number, more = "log: {level: silent, origin: log.example}\n"): Promise<MirrorBench> {
  const mirror = await startMirror({ config: NO_UPSTREAMS + more });
  onTestFinished(() => mirror.close());
  await grow(mirror, entries);
  return mirror;
}

async function grow({ dataDir }: MirrorBench, entries: number): Promise<void> {
  const index = await openExistingIndex({ dataDir, clock: { now: Date.now } });
  for (let made = 0; made < entries; made++) await decide(index, npmArchive(`demo-${made}`));
  await index.close();
}

async function keyOf(mirror: MirrorBench): Promise<string> {
  const { keys } = (await (await mirror.get("/.well-known/assay-keys.json")).json()) as { keys: [{ vkey: string; pem: string }] };
  return keys[0].vkey;
}

describe("/log/ says no", () => {
  test.each([
    "/log/",
    "/log/checkpoint/",
    "/log/checkpoint/more",
    "/log/tile/0/000",
    "/log/tile/0/000.p/4",
    "/log/tile/0/001.p/1",
    "/log/tile/0/000.p/0",
    "/log/tile/0/000.p/03",
    "/log/tile/0/000.p/256",
    "/log/tile/0/x000/000.p/3",
    "/log/tile/0/00.p/3",
    "/log/tile/00/000.p/3",
    "/log/tile/6/000.p/3",
    "/log/tile/-1/000.p/3",
    "/log/tile/0/x001/x002/x003/x004/005.p/3",
    "/log/tile/entries/000",
    "/log/tile/entries/000.p/4",
    "/log/tile/0%2f000.p/3",
  ])("to %s", async (path) => {
    const mirror = await mirrorWith(3);
    expect((await mirror.get(path)).status).toBe(404);
  });

  test("to everything but reading", async () => {
    const mirror = await mirrorWith(1);
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      expect((await mirror.get("/log/checkpoint", { method })).status).toBe(405);
    }
  });

  test.each([
    { name: "the operator says so", more: "log: {level: silent, entries: false}\n" },
    { name: "others than this machine can reach it", more: "log: {level: silent}\npublic_url: https://mirror.example/assay/\n" },
  ])("to entries, which name clients, where $name; not to their hashes", async ({ more }) => {
    const mirror = await mirrorWith(3, more);
    expect((await mirror.get("/log/tile/entries/000.p/3")).status).toBe(404);
    expect((await mirror.get("/log/tile/0/000.p/3")).status).toBe(200);
  });
});

test("a mirror whose index is an older copy says so at its start, signs nothing, and serves", { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-rolled-back-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const dataDir = join(folder, "data");
  mkdirSync(dataDir);
  const config = `${NO_UPSTREAMS}log: {level: silent, origin: log.example}\n`;
  const alarms = ({ logged }: MirrorBench) => logged.filter(({ level, message }) => level === "error" && message.includes("checkpoint"));

  const before = await startMirror({ config, dataDir });
  await grow(before, 2);
  await before.close();
  expect(alarms(before)).toEqual([]);
  cpSync(join(dataDir, "assay.db"), join(folder, "old.db"));
  const after = await startMirror({ config, dataDir });
  await grow(after, 3);
  // What was signed last is signed when it stops, too.
  await after.close();
  cpSync(join(folder, "old.db"), join(dataDir, "assay.db"));

  const rolledBack = await startMirror({ config, dataDir });
  onTestFinished(() => rolledBack.close());
  await expect.poll(() => alarms(rolledBack).length, { timeout: 30_000 }).toBeGreaterThan(0);
  expect(alarms(rolledBack)[0]?.["err"]).toMatchObject({ code: "STORE_CORRUPT", message: expect.stringContaining("was cut") });
  expect((await rolledBack.get("/log/checkpoint")).status).toBe(500);
  expect((await rolledBack.get("/readyz")).status).toBe(200);
});

describe("/log/", () => {
  test("has a checkpoint that is signed by the key it publishes, over all that was decided", async () => {
    const mirror = await mirrorWith(3);
    const answer = await mirror.get("/log/checkpoint");
    expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(answer.headers.get("cache-control")).toBe("public, max-age=0, must-revalidate");
    const checkpoint = parseCheckpoint(await answer.text());
    const vkey = await keyOf(mirror);
    const key = parseVerifierKey(vkey);
    if (!checkpoint || !key) throw new Error("both can be read");
    expect(checkpoint).toMatchObject({ origin: "log.example", size: 3 });
    expect(isSignedBy(checkpoint, [key])).toBe(true);
    expect(formatVerifierKey(key)).toBe(vkey);
    expect((await mirror.get("/log/checkpoint", { method: "HEAD" })).status).toBe(200);
  });

  test("has tiles of hashes and of entries, which never change once they are there", async () => {
    const mirror = await mirrorWith(300);
    const hashes = await mirror.get("/log/tile/0/000");
    expect(hashes.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    const level0 = Buffer.from(await hashes.arrayBuffer());
    expect(level0.length).toBe(256 * 32);
    const entries = Buffer.from(await (await mirror.get("/log/tile/entries/001.p/44")).arrayBuffer());
    const first = entries.subarray(2, 2 + entries.readUInt16BE(0));
    expect(JSON.parse(first.toString())).toMatchObject({ position: 256, purl: "pkg:npm/demo-256@1.0.0" });
    const leaf = Buffer.from(await (await mirror.get("/log/tile/0/001.p/1")).arrayBuffer());
    expect(leaf).toEqual(leafHash(first));
    expect(Buffer.from(await (await mirror.get("/log/tile/1/000.p/1")).arrayBuffer()).length).toBe(32);
  });

  test.each([
    {
      name: "the address that clients use",
      more: "public_url: https://mirror.example:8443/assay/\n",
      origin: /^mirror\.example:8443\/assay\/log$/,
    },
    { name: "the data folder's first key", more: "", origin: /^assay-[0-9a-f]{16}$/ },
  ])("is called after $name where it has no name", async ({ more, origin }) => {
    const mirror = await mirrorWith(1, `log: {level: silent}\n${more}`);
    expect(parseCheckpoint(await (await mirror.get("/log/checkpoint")).text())?.origin).toMatch(origin);
  });

  test("publishes keys under the log's name that are those it publishes", async () => {
    const mirror = await mirrorWith(0);
    const { keys } = (await (await mirror.get("/.well-known/assay-keys.json")).json()) as { keys: [{ vkey: string; pem: string }] };
    expect(parseVerifierKey(keys[0].vkey)?.key.equals(createPublicKey(keys[0].pem))).toBe(true);
  });
});

describe.skipIf(TLOG_GO === undefined)("Go's own tlog and note", () => {
  test("prove every entry by itself, and that the log goes on from each earlier checkpoint", { timeout: 240_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "assay-tlog-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const mirror = await mirrorWith(0);
    const vkey = await keyOf(mirror);
    const base = `${mirror.url}/log`;
    const old: string[] = [];
    for (const more of [1, 1, 5, 248, 1, 1, 270]) {
      await grow(mirror, more);
      const note = await (await mirror.get("/log/checkpoint")).text();
      const file = join(folder, `${old.length}`);
      writeFileSync(file, note);
      old.push(file);
      expect(await runTlogGo("monitor", base, vkey, file)).toMatchObject({ status: 0 });
    }
    for (const file of old) expect(await runTlogGo("monitor", base, vkey, file)).toEqual({ status: 0, told: "527 entries", why: "" });
    const [first = ""] = old;
    writeFileSync(first, (await (await mirror.get("/log/checkpoint")).text()).replace("527", "526"));
    expect(await runTlogGo("monitor", base, vkey, first)).toMatchObject({ status: 1, why: expect.stringContaining("invalid signature") });
  });
});
