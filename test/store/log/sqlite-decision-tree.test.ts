import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { checkpointText, parseCheckpoint, signedNote } from "../../../src/core/tlog/checkpoint.ts";
import { leafHash } from "../../../src/core/tlog/hashes.ts";
import { nodesOfLeaf, rootOf } from "../../../src/core/tlog/merkle-tree.ts";
import { noteKeyOf } from "../../../src/core/tlog/note-key.ts";
import { SqliteDecisionTree } from "../../../src/store/log/sqlite-decision-tree.ts";
import { MIGRATIONS } from "../../../src/store/migrations/index.ts";
import { SqliteIndex } from "../../../src/store/sqlite-index.ts";
import { codeOf } from "../../contract/code-of.ts";
import { decide, npmArchive } from "../../support/decided.ts";
import { newSigningKey } from "../../support/signing-key.ts";
import { temporaryFolder } from "../temporary-folder.ts";

/** The migrations that there were before the tree. */
const BEFORE = 6;
const CLOCK = { now: () => Date.UTC(2026, 0, 1) };

async function open(dataDir: string) {
  const index = await SqliteIndex.open({ dataDir, clock: CLOCK });
  const tree = await SqliteDecisionTree.open({ dataDir });
  onTestFinished(async () => {
    await tree.close();
    await index.close();
  });
  return { index, tree };
}

function withDatabase(dataDir: string, work: (database: Database.Database) => void): void {
  const database = new Database(join(dataDir, "assay.db"));
  try {
    work(database);
  } finally {
    database.close();
  }
}

/** As an Assay writes that knows no tree. */
function writeWithoutTree(database: Database.Database, count: number): void {
  const first = Number(database.prepare("SELECT count(*) FROM decisions").pluck().get());
  const add = database.prepare("INSERT INTO decisions VALUES (?, 1, 'npm', 5, 'admit', ?)");
  database.transaction(() => {
    for (let position = first; position < first + count; position++) add.run(position, `{"position":${position}}`);
  })();
}

function rootOver(texts: readonly string[]): string {
  const kept = new Map<string, Buffer>();
  const find = (level: number, number: number): Buffer => kept.get(`${level}/${number}`) ?? Buffer.alloc(0);
  for (const [position, text] of texts.entries()) {
    for (const { level, number, hash } of nodesOfLeaf(position, leafHash(text), find)) kept.set(`${level}/${number}`, hash);
  }
  return rootOf(texts.length, find).toString("hex");
}

describe("the hash tree of the decision log", () => {
  test("takes in everything that was decided before there was one", async () => {
    const dataDir = temporaryFolder();
    withDatabase(dataDir, (database) => {
      for (const migration of MIGRATIONS.slice(0, BEFORE)) database.exec(migration);
      database.pragma(`application_id = ${0x41737379}`);
      database.pragma(`user_version = ${BEFORE}`);
      database.exec("INSERT INTO packages VALUES (1, 'npm', 'demo')");
      database.exec("INSERT INTO artifacts (id, package_id, version, file) VALUES (1, 1, '1.0.0', 'demo-1.0.0.tgz')");
      writeWithoutTree(database, 2500);
    });
    const { tree } = await open(dataDir);
    expect(await tree.size()).toBe(2500);
    const texts = Array.from({ length: 2500 }, (_, position) => `{"position":${position}}`);
    expect((await tree.root(2500)).toString("hex")).toBe(rootOver(texts));
  });

  test("has an entry as soon as the log has it, and what an older Assay beside it left out", async () => {
    const dataDir = temporaryFolder();
    const { index, tree } = await open(dataDir);
    await decide(index, npmArchive("demo"));
    expect(await tree.size()).toBe(1);
    withDatabase(dataDir, (database) => writeWithoutTree(database, 3));
    await decide(index, npmArchive("demo"));
    expect(await tree.size()).toBe(5);
    const texts = (await tree.entries(0, 10)).map(({ text }) => text);
    expect((await tree.root(5)).toString("hex")).toBe(rootOver(texts));
  });

  test("takes no entry in a place that another had", async () => {
    const dataDir = temporaryFolder();
    const { index } = await open(dataDir);
    for (let count = 0; count < 3; count++) await decide(index, npmArchive("demo"));
    withDatabase(dataDir, (database) => database.exec("DROP TRIGGER decisions_remain; DELETE FROM decisions WHERE position = 2"));
    expect(await codeOf(decide(index, npmArchive("demo")))).toBe("STORE_CORRUPT");
  });

  test("says no to an entry that is missing among those it is to take in", async () => {
    const dataDir = temporaryFolder();
    const { index } = await open(dataDir);
    for (let count = 0; count < 4; count++) await decide(index, npmArchive("demo"));
    withDatabase(dataDir, (database) =>
      database.exec(`DROP TRIGGER decisions_remain; DELETE FROM decisions WHERE position = 1;
                     DROP TRIGGER decision_hashes_remain; DELETE FROM decision_hashes`),
    );
    expect(await codeOf(SqliteDecisionTree.open({ dataDir }))).toBe("STORE_CORRUPT");
  });

  test.each([
    { name: "changed", sql: "UPDATE decision_hashes SET hash = zeroblob(32) WHERE level = 0" },
    { name: "removed", sql: "DELETE FROM decision_hashes" },
  ])("is never $name", async ({ sql }) => {
    const dataDir = temporaryFolder();
    const { index } = await open(dataDir);
    await decide(index, npmArchive("demo"));
    withDatabase(dataDir, (database) => expect(() => database.exec(sql)).toThrow("only ever added to"));
  });
});

describe("a checkpoint", () => {
  const { pem, sign } = newSigningKey();
  const key = noteKeyOf("log.example", pem);
  const checkpointOf = (size: number) => {
    const text = checkpointText({ origin: "log.example", size, root: Buffer.alloc(32, size) });
    const checkpoint = parseCheckpoint(signedNote(text, key, sign(text)));
    if (!checkpoint) throw new Error("it can be read");
    return checkpoint;
  };

  test("is kept in the index and beside it, and gives way to one of a larger tree alone", async () => {
    const dataDir = temporaryFolder();
    const { tree } = await open(dataDir);
    expect(await tree.newestCheckpoint()).toBeUndefined();
    expect(await tree.keep(checkpointOf(7))).toEqual(checkpointOf(7));
    expect(await tree.keep(checkpointOf(5))).toEqual(checkpointOf(7));
    expect(await tree.newestCheckpoint()).toEqual(checkpointOf(7));
    rmSync(join(dataDir, "log-checkpoint"));
    expect(await tree.newestCheckpoint()).toEqual(checkpointOf(7));
    await tree.keep(checkpointOf(9));
    expect(existsSync(join(dataDir, "log-checkpoint"))).toBe(true);
    expect(await tree.checkpoints(0, 10)).toEqual([checkpointOf(7).note, checkpointOf(9).note]);
  });

  test("outlives an older copy of the index", async () => {
    const dataDir = temporaryFolder();
    const { tree } = await open(dataDir);
    await tree.keep(checkpointOf(3));
    writeFileSync(join(dataDir, "log-checkpoint"), checkpointOf(8).note);
    expect(await tree.newestCheckpoint()).toEqual(checkpointOf(8));
  });

  test.each([
    { name: "is none", content: "checkpoint" },
    { name: "is longer than any", content: "x".repeat(16 * 1024 + 1) },
  ])("in a file that $name is not taken for missing", async ({ content }) => {
    const dataDir = temporaryFolder();
    const { tree } = await open(dataDir);
    writeFileSync(join(dataDir, "log-checkpoint"), content);
    expect(await codeOf(tree.newestCheckpoint())).toBe("STORE_CORRUPT");
  });
});
