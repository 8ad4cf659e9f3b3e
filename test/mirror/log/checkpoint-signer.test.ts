import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import { checkpointText, isSignedBy, signedNote } from "../../../src/core/tlog/checkpoint.ts";
import { noteKeyOf } from "../../../src/core/tlog/note-key.ts";
import { CheckpointSigner } from "../../../src/mirror/log/checkpoint-signer.ts";
import { FileKeys } from "../../../src/store/keys/file-keys.ts";
import { SqliteDecisionTree } from "../../../src/store/log/sqlite-decision-tree.ts";
import { SqliteIndex } from "../../../src/store/sqlite-index.ts";
import { decide, npmArchive } from "../../support/decided.ts";
import { newSigningKey } from "../../support/signing-key.ts";
import { dataFolder } from "../parts.ts";

const CLOCK = { now: Date.now };
const ORIGIN = "log.example";

async function bench(dataDir = dataFolder()) {
  const index = await SqliteIndex.open({ dataDir, clock: CLOCK });
  const tree = await SqliteDecisionTree.open({ dataDir });
  const keys = new FileKeys({ dataDir, clock: CLOCK });
  const close = async (): Promise<void> => {
    await tree.close();
    await index.close();
  };
  onTestFinished(close);
  const grow = async (count: number, name = "demo"): Promise<void> => {
    for (let made = 0; made < count; made++) await decide(index, npmArchive(name));
  };
  return { dataDir, tree, keys, grow, close, signer: new CheckpointSigner({ tree, keys, originOf: () => ORIGIN }) };
}

describe("nothing is signed", () => {
  const cut = { code: "STORE_CORRUPT", message: expect.stringMatching(/was cut: a checkpoint was signed over 5 entries, and it has \d/) };

  test("where an older copy of the index was put back, nor once that has grown past what was signed", async () => {
    const { dataDir, grow, close } = await bench();
    await grow(3);
    await close();
    copyFileSync(join(dataDir, "assay.db"), join(dataDir, "old.db"));
    const later = await bench(dataDir);
    await later.grow(2);
    expect(await later.signer.current()).toMatchObject({ size: 5 });
    await later.close();
    copyFileSync(join(dataDir, "old.db"), join(dataDir, "assay.db"));
    const back = await bench(dataDir);
    await expect(back.signer.current()).rejects.toMatchObject(cut);
    await back.grow(4, "another");
    await expect(back.signer.current()).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: "the decision log was changed since a checkpoint was signed over its first 5 entries",
    });
  });

  test("where a hash was changed", async () => {
    const { dataDir, grow, signer } = await bench();
    await grow(3);
    await signer.current();
    const database = new Database(join(dataDir, "assay.db"));
    database.exec("DROP TRIGGER decision_hashes_stay; UPDATE decision_hashes SET hash = zeroblob(32) WHERE level = 0 AND number = 2");
    database.close();
    await grow(1);
    await expect(signer.current()).rejects.toMatchObject({ code: "STORE_CORRUPT", message: expect.stringContaining("was changed") });
  });

  test("where the newest checkpoint is somebody else's", async () => {
    const { dataDir, grow, signer, tree } = await bench();
    await grow(2);
    const { pem, sign } = newSigningKey();
    const text = checkpointText({ origin: ORIGIN, size: 2, root: await tree.root(2) });
    writeFileSync(join(dataDir, "log-checkpoint"), signedNote(text, noteKeyOf(ORIGIN, pem), sign(text)));
    await expect(signer.current()).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: expect.stringContaining("not signed by a key"),
    });
  });
});

describe("a checkpoint", () => {
  test("is signed over all that is in the log, and the same until there is more", async () => {
    const { grow, signer, tree, keys } = await bench();
    expect(await signer.current()).toMatchObject({ origin: ORIGIN, size: 0 });
    await grow(3);
    const [first, again] = [await signer.current(), await signer.current()];
    expect(first).toMatchObject({ size: 3, root: await tree.root(3) });
    expect(again.note).toBe(first.note);
    const [{ pem }] = await keys.published();
    expect(isSignedBy(first, [noteKeyOf(ORIGIN, pem)])).toBe(true);
    expect(isSignedBy(first, [noteKeyOf("another.example", pem), noteKeyOf(ORIGIN, newSigningKey().pem)])).toBe(false);
    await grow(1);
    expect(await signer.current()).toMatchObject({ size: 4 });
  });

  test("is signed anew with a new key, and goes on from what the old one signed", async () => {
    const { grow, signer, keys } = await bench();
    await grow(2);
    const old = await signer.current();
    const { pem } = await keys.rotate();
    const renewed = await signer.current();
    expect(renewed).toMatchObject({ size: 2, root: old.root });
    expect(isSignedBy(renewed, [noteKeyOf(ORIGIN, pem)])).toBe(true);
    expect(isSignedBy(old, [noteKeyOf(ORIGIN, pem)])).toBe(false);
  });

  test("never says two things, however many processes sign while the log grows", async () => {
    const dataDir = dataFolder();
    const benches = [await bench(dataDir), await bench(dataDir), await bench(dataDir)];
    const signed = await Promise.all(
      benches.flatMap(({ grow, signer }) =>
        Array.from({ length: 8 }, async () => {
          await grow(1);
          return signer.current();
        }),
      ),
    );
    const [{ tree } = await bench(dataDir)] = benches;
    for (const { size, root } of signed) expect(root).toEqual(await tree.root(size));
    expect(await benches[0]?.signer.current()).toMatchObject({ size: 24 });
  });
});
