import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { flipBit, pathOf, publish } from "../mirror/cache/cache-bench.ts";
import { startAssay } from "../support/assay-process.ts";
import { download } from "../support/download.ts";
import { mirrorConfig } from "../support/fake-registry.ts";
import { startFakeUpstream } from "../support/fake-upstream.ts";
import { Random } from "../support/random.ts";
import { startCommand } from "../support/run-assay.ts";

/** Of each of the two commands. */
const ROUNDS = 12;
const PACKAGES = 40;
const SEED = 20_261_123;

/**
 * Kills `assay gc` and `assay scrub` again and again, at moments from before they open the store to after they are done, while a mirror serves from the same data folder. After each
 * kill: no record without its file, nothing in the store but what its name says, a sound index, and the next run completes.
 */
test("kill -9 at any moment of gc and of scrub leaves the store consistent, and the next run completes", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "assay-cache-crash-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const upstream = await startFakeUpstream();
  onTestFinished(() => upstream.close());
  const serving = mirrorConfig(upstream, "withhold: all\ncache: {gc_every: off}\nscrub: {every: off}");
  const file = join(dataDir, "command.yaml");
  writeFileSync(file, mirrorConfig(upstream, 'cache: {max_size: 2MiB, pin: ["pkg:npm/p-0"]}'));
  const packages = Array.from({ length: PACKAGES }, (_, at) => publish(upstream, `p-${at}`, 100_000));
  const assay = await startAssay({ config: serving, dataDir });
  onTestFinished(async () => void (await assay.stop()));
  const chance = new Random(SEED);
  const pathFor = ({ sha256 }: { readonly sha256: string }): string => pathOf({ dataDir }, sha256);
  const killed = { midway: 0 };

  const takesMs = new Map<string, number>();
  const downloadAll = async (): Promise<void> => {
    for (const { target, sha256 } of packages) {
      expect(await download(`${assay.url}${target}`)).toMatchObject({ status: 200, cut: false, sha256 });
    }
  };
  // How long undisturbed runs take on this machine now, so that kills fall over all of them.
  for (const command of ["gc", "scrub"]) {
    await downloadAll();
    const startedAt = performance.now();
    expect(await run(command, dataDir, file).ended).toMatchObject({ code: 0 });
    takesMs.set(command, performance.now() - startedAt);
  }

  for (let round = 0; round < 2 * ROUNDS; round++) {
    await downloadAll();
    const command = round % 2 === 0 ? "gc" : "scrub";
    const damaged = packages.filter((_, at) => at % 10 === round % 10 && existsSync(pathFor(packages[at] ?? { sha256: "" })));
    if (command === "scrub") for (const each of damaged) flipBit(pathFor(each));
    const killer = run(command, dataDir, file);
    await delay(chance.below(takesMs.get(command) ?? 0));
    killer.child.kill("SIGKILL");
    if ((await killer.ended).code === null) killed.midway++;
    // What scrub has not come to yet is still wrong; nothing else may be.
    expectConsistent(dataDir, new Set(command === "scrub" ? damaged.map(({ sha256 }) => sha256) : []));

    const { code } = await run(command, dataDir, file).ended;
    expect([0, 74]).toContain(code);
    if (command === "gc") expect(code).toBe(0);
    expectConsistent(dataDir, new Set());
    expect(existsSync(pathFor(packages[0] ?? { sha256: "" }))).toBe(true);
  }
  expect(killed.midway).toBeGreaterThanOrEqual(ROUNDS);
}, 600_000);

function run(command: string, dataDir: string, config: string): ReturnType<typeof startCommand> {
  return startCommand([command, "--data", dataDir, "--config", config, ...(command === "scrub" ? ["--rate", "100MB"] : [])]);
}

/** What must hold at any moment, but for archives whose bits the test flipped. */
function expectConsistent(dataDir: string, flipped: ReadonlySet<string>): void {
  const database = new Database(join(dataDir, "assay.db"));
  try {
    expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
    expect(database.pragma("foreign_key_check")).toEqual([]);
    const totals = database.prepare("SELECT blobs, blob_bytes FROM store_totals").get();
    expect(totals).toEqual(database.prepare("SELECT count(*) AS blobs, coalesce(sum(size_bytes), 0) AS blob_bytes FROM blobs").get());
    const kept = database.prepare<unknown[], Buffer>("SELECT digest FROM blobs").pluck().all();
    const isMissing = (digest: Buffer): boolean => !existsSync(pathOf({ dataDir }, digest.toString("hex")));
    const missing = kept.filter(isMissing).map((digest) => digest.toString("hex"));
    // Set aside, and killed before its record was taken away: the next scrub finds it missing, and fetches it anew.
    expect(missing.filter((digest) => !flipped.has(digest))).toEqual([]);
  } finally {
    database.close();
  }
  for (const entry of readdirSync(join(dataDir, "blobs-v1"), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || flipped.has(entry.name)) continue;
    expect(
      createHash("sha256")
        .update(readFileSync(join(entry.parentPath, entry.name)))
        .digest("hex"),
    ).toBe(entry.name);
  }
}
