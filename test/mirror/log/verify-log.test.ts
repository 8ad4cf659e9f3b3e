import { copyFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Checkpoint, checkpointText, parseCheckpoint, signedNote } from "../../../src/core/tlog/checkpoint.ts";
import { leafHash } from "../../../src/core/tlog/hashes.ts";
import { nodesOfLeaf } from "../../../src/core/tlog/merkle-tree.ts";
import { noteKeyOf } from "../../../src/core/tlog/note-key.ts";
import { CheckpointSigner } from "../../../src/mirror/log/checkpoint-signer.ts";
import { type NamedCheckpoint, verifyLog } from "../../../src/mirror/log/verify-log.ts";
import { FileKeys } from "../../../src/store/keys/file-keys.ts";
import { SqliteDecisionTree } from "../../../src/store/log/sqlite-decision-tree.ts";
import { SqliteIndex } from "../../../src/store/sqlite-index.ts";
import { decide, npmArchive } from "../../support/decided.ts";
import { newSigningKey } from "../../support/signing-key.ts";
import { dataFolder } from "../parts.ts";

const ORIGIN = "log.example";
const CLOCK = { now: Date.now };
/** More than a page that is read at once. */
const ENTRIES = 700;
const DROP =
  "DROP TRIGGER IF EXISTS decisions_stay; DROP TRIGGER IF EXISTS decisions_remain; DROP TRIGGER IF EXISTS decision_hashes_stay; DROP TRIGGER IF EXISTS decision_hashes_remain; DROP TRIGGER IF EXISTS decision_checkpoints_stay;";

async function opened<T>(
  dataDir: string,
  work: (open: { index: SqliteIndex; tree: SqliteDecisionTree; signer: CheckpointSigner; keys: FileKeys }) => Promise<T>,
): Promise<T> {
  const index = await SqliteIndex.open({ dataDir, clock: CLOCK });
  const tree = await SqliteDecisionTree.open({ dataDir });
  const keys = new FileKeys({ dataDir, clock: CLOCK });
  try {
    return await work({ index, tree, keys, signer: new CheckpointSigner({ tree, keys, originOf: () => ORIGIN }) });
  } finally {
    await tree.close();
    await index.close();
  }
}

async function grow(dataDir: string, count: number, name = "demo"): Promise<Checkpoint> {
  return opened(dataDir, async ({ index, signer }) => {
    for (let made = 0; made < count; made++) await decide(index, npmArchive(`${name}-${made}`));
    return signer.current();
  });
}

let original: string;
let early: Checkpoint;
let late: Checkpoint;
/** A log of which checkpoints were signed at 40 entries and at its end. Made once; tests get copies. */
beforeAll(async () => {
  original = mkdtempSync(join(tmpdir(), "assay-log-"));
  early = await grow(original, 40);
  late = await grow(original, ENTRIES - 40, "more");
}, 240_000);
afterAll(() => rmSync(original, { recursive: true }));

function copied(): string {
  const folder = dataFolder();
  cpSync(original, folder, { recursive: true });
  return folder;
}

function attack(dataDir: string, work: (database: Database.Database) => void): void {
  const database = new Database(join(dataDir, "assay.db"));
  try {
    database.exec(DROP);
    work(database);
  } finally {
    database.close();
  }
}

async function verify(dataDir: string, given: readonly Checkpoint[] = []) {
  return opened(dataDir, async ({ tree, keys }) => {
    const published = await keys.published();
    const named: NamedCheckpoint[] = given.map((checkpoint) => ({ name: "kept.txt", checkpoint }));
    return verifyLog({ tree, keysAs: (origin) => published.map(({ pem }) => noteKeyOf(origin, pem)), given: named, givenKeys: [] });
  });
}

/** Makes all hashes anew from the entries, as somebody would who wants to be thorough. */
function rehash(database: Database.Database): void {
  database.exec("DELETE FROM decision_hashes");
  const find = database.prepare<unknown[], Buffer>("SELECT hash FROM decision_hashes WHERE level = ? AND number = ?").pluck();
  const add = database.prepare("INSERT INTO decision_hashes VALUES (?, ?, ?)");
  const texts = database.prepare<unknown[], string>("SELECT entry FROM decisions ORDER BY position").pluck().all();
  database.exec("BEGIN");
  for (const [position, text] of texts.entries()) {
    const nodes = nodesOfLeaf(position, leafHash(text), (level, number) => find.get(level, number) ?? Buffer.alloc(32));
    for (const { level, number, hash } of nodes) add.run(level, number, hash);
  }
  database.exec("COMMIT");
}

const CUT = "there is a hash, but no entry: it was removed, or the end of the log was cut off";
const BROKEN_NEWEST = { position: null, text: `the first ${ENTRIES} entries are not those that the newest checkpoint was signed over` };
const BROKEN_KEPT = {
  position: null,
  text: `the first ${ENTRIES} entries are not those that the checkpoint of ${ENTRIES} entries in the index was signed over`,
};

describe("what somebody did to the database is named, the first entry that it concerns first", () => {
  test.each<{ name: string; sql: string; first: { position: number | null; text: string | RegExp } }>([
    {
      name: "an entry that says something else",
      sql: `UPDATE decisions SET entry = replace(entry, '"outcome":"admit"', '"outcome":"refuse"'), outcome = 'refuse' WHERE position = 640`,
      first: { position: 640, text: "the entry was changed since it was signed" },
    },
    {
      name: "an entry that is listed as something else",
      sql: "UPDATE decisions SET outcome = 'refuse' WHERE position = 5",
      first: { position: 5, text: "its row says outcome refuse, the entry admit" },
    },
    {
      name: "an entry that is listed at another time",
      sql: "UPDATE decisions SET decided_at = 77 WHERE position = 5",
      first: { position: 5, text: /^its row says time / },
    },
    {
      name: "an entry that is listed for another archive",
      sql: "UPDATE decisions SET artifact_id = (SELECT artifact_id FROM decisions WHERE position = 6) WHERE position = 5",
      first: { position: 5, text: /^its row says purl pkg:npm\/demo-6/ },
    },
    {
      name: "an entry that is no JSON",
      sql: "UPDATE decisions SET entry = '{' WHERE position = 5",
      first: { position: 5, text: "the entry is no JSON" },
    },
    { name: "an entry removed from the middle", sql: "DELETE FROM decisions WHERE position = 640", first: { position: 640, text: CUT } },
    { name: "the end cut off", sql: "DELETE FROM decisions WHERE position >= 680", first: { position: 680, text: CUT } },
    {
      name: "the end cut off with its hashes",
      sql: "DELETE FROM decisions WHERE position >= 680; DELETE FROM decision_hashes WHERE level = 0 AND number >= 680",
      first: { position: 680, text: `the log was cut: the newest checkpoint was signed over ${ENTRIES} entries, and there are 680` },
    },
    {
      name: "two entries swapped",
      sql: `CREATE TEMP TABLE two AS SELECT position, entry FROM decisions WHERE position IN (7, 680);
            UPDATE decisions SET entry = (SELECT entry FROM two WHERE two.position = 687 - decisions.position) WHERE position IN (7, 680)`,
      first: { position: 7, text: "the entry says that it is at position 680" },
    },
    {
      name: "the hash of an entry",
      sql: "UPDATE decision_hashes SET hash = zeroblob(32) WHERE level = 0 AND number = 600",
      first: { position: 600, text: "its hash in the tree was changed or removed; the entry is what was signed" },
    },
    {
      name: "the hash of an entry, which is gone",
      sql: "DELETE FROM decision_hashes WHERE level = 0 AND number = 600",
      first: { position: 600, text: "its hash in the tree was changed or removed; the entry is what was signed" },
    },
    {
      name: "a hash over entries",
      sql: "UPDATE decision_hashes SET hash = zeroblob(32) WHERE level = 3 AND number = 2",
      first: { position: 16, text: "hash 2 at level 3 of the tree was changed or removed" },
    },
    {
      name: "a checkpoint in the index",
      sql: "UPDATE decision_checkpoints SET note = replace(note, 'log.example', 'log.evil') WHERE size = 40",
      first: { position: null, text: "the checkpoint of 40 entries in the index is not signed by a key of this Assay" },
    },
    {
      name: "a checkpoint in the index that is none",
      sql: "UPDATE decision_checkpoints SET note = 'x' WHERE size = 40",
      first: { position: null, text: "a checkpoint in the index cannot be read" },
    },
  ])("$name", async ({ sql, first }) => {
    const dataDir = copied();
    attack(dataDir, (database) => database.exec(sql));
    const { findings } = await verify(dataDir);
    const text = typeof first.text === "string" ? first.text : expect.stringMatching(first.text);
    expect(findings[0]).toEqual({ position: first.position, text });
  });

  test("an entry changed, and every hash made to fit", async () => {
    const dataDir = copied();
    attack(dataDir, (database) => {
      database.exec(`UPDATE decisions SET entry = replace(entry, '192.0.2.1', '192.0.2.2') WHERE position = 640`);
      rehash(database);
    });
    expect((await verify(dataDir, [early])).findings).toEqual([BROKEN_NEWEST, BROKEN_KEPT]);
    attack(dataDir, (database) => {
      database.exec(`UPDATE decisions SET entry = replace(entry, '192.0.2.1', '192.0.2.2') WHERE position = 3`);
      rehash(database);
    });
    expect((await verify(dataDir, [early])).findings.map(({ text }) => text)).toContain(
      "the first 40 entries are not those that kept.txt was signed over",
    );
  });

  test("an older copy of everything in the data folder, by a checkpoint that was kept elsewhere", async () => {
    const dataDir = copied();
    const kept = await grow(dataDir, 3, "later");
    const old = copied();
    expect((await verify(old)).findings).toEqual([]);
    expect((await verify(old, [kept])).findings).toEqual([
      { position: ENTRIES, text: `the log was cut: kept.txt was signed over ${ENTRIES + 3} entries, and there are ${ENTRIES}` },
    ]);
    const regrown = await grow(old, 5, "instead");
    expect(regrown.size).toBe(ENTRIES + 5);
    expect((await verify(old, [kept])).findings).toEqual([
      { position: null, text: `the first ${ENTRIES + 3} entries are not those that kept.txt was signed over` },
    ]);
  });

  test("an older copy of the index alone, by the checkpoint beside it", async () => {
    const dataDir = copied();
    await grow(dataDir, 3, "later");
    copyFileSync(join(original, "assay.db"), join(dataDir, "assay.db"));
    for (const log of ["assay.db-wal", "assay.db-shm"]) rmSync(join(dataDir, log), { force: true });
    expect((await verify(dataDir)).findings).toEqual([
      {
        position: ENTRIES,
        text: `the log was cut: the newest checkpoint was signed over ${ENTRIES + 3} entries, and there are ${ENTRIES}`,
      },
    ]);
  });

  test("a checkpoint that another key signed", async () => {
    const { pem, sign } = newSigningKey();
    const text = checkpointText({ origin: ORIGIN, size: 40, root: early.root });
    const note = signedNote(text, noteKeyOf(ORIGIN, pem), sign(text));
    const checkpoint = parseCheckpoint(note);
    if (!checkpoint) throw new Error("it can be read");
    const dataDir = copied();
    expect((await verify(dataDir, [checkpoint])).findings).toEqual([
      { position: null, text: "kept.txt is not signed by a key of this Assay" },
    ]);
    const large = checkpointText({ origin: ORIGIN, size: ENTRIES, root: late.root });
    writeFileSync(join(dataDir, "log-checkpoint"), signedNote(large, noteKeyOf(ORIGIN, pem), sign(large)));
    attack(dataDir, (database) =>
      database.exec(`DROP TRIGGER IF EXISTS decision_checkpoints_remain; DELETE FROM decision_checkpoints WHERE size = ${ENTRIES}`),
    );
    expect((await verify(dataDir)).findings).toEqual([
      { position: null, text: "the newest checkpoint is not signed by a key of this Assay" },
    ]);
  });

  test("an entry that nothing was signed over yet, as far as can be known", async () => {
    const dataDir = copied();
    await opened(dataDir, async ({ index }) => decide(index, npmArchive("newest")));
    attack(dataDir, (database) =>
      database.exec(`UPDATE decisions SET entry = replace(entry, '192.0.2.1', '192.0.2.2') WHERE position = ${ENTRIES}`),
    );
    expect((await verify(dataDir)).findings).toEqual([
      { position: ENTRIES, text: "the entry or its hash was changed; no checkpoint that could tell which was signed since" },
    ]);
  });
});

describe("a log that nobody touched", () => {
  test("follows from its entries, and from everything that was signed of it, with the key of then", async () => {
    const dataDir = copied();
    const { findings, entries, checkpoints, root } = await verify(dataDir, [early, late]);
    expect({ findings, entries, checkpoints, root }).toEqual({ findings: [], entries: ENTRIES, checkpoints: 5, root: late.root });
    await opened(dataDir, async ({ keys }) => keys.rotate());
    await grow(dataDir, 1);
    expect(await verify(dataDir, [early, late])).toMatchObject({ findings: [], entries: ENTRIES + 1 });
  });

  test("may be empty", async () => {
    const dataDir = dataFolder();
    await opened(dataDir, async () => {});
    expect(await verify(dataDir)).toMatchObject({ findings: [], entries: 0, checkpoints: 0 });
    await opened(dataDir, async ({ signer }) => signer.current());
    expect(await verify(dataDir)).toMatchObject({ findings: [], entries: 0, checkpoints: 2 });
  });

  test("may grow while it is verified", async () => {
    const dataDir = copied();
    const growing = grow(dataDir, 300, "meanwhile");
    for (let count = 0; count < 5; count++) expect((await verify(dataDir)).findings).toEqual([]);
    await growing;
    expect(await verify(dataDir)).toMatchObject({ findings: [], entries: ENTRIES + 300 });
  });
});
