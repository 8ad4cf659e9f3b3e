import { createPublicKey, verify } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { keyIdOf } from "../../../src/core/key-id.ts";
import { FileKeys } from "../../../src/store/keys/file-keys.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const START = Date.UTC(2026, 10, 23);
const HOUR_MS = 3_600_000;

function ringIn(dataDir: string, now = START): FileKeys {
  return new FileKeys({ dataDir, clock: { now: () => now } });
}

async function usedRing(): Promise<{ dataDir: string; folder: string; ring: FileKeys; privateFile: string }> {
  const dataDir = temporaryFolder();
  const ring = ringIn(dataDir);
  await ring.signer();
  const folder = join(dataDir, "keys");
  return { dataDir, folder, ring, privateFile: join(folder, readdirSync(folder).find((name) => name.endsWith(".pem")) ?? "") };
}

const mode = (path: string): number => statSync(path).mode & 0o777;
const isBy = (pem: string, signature: Buffer): boolean => verify(null, Buffer.from("x"), createPublicKey(pem), signature);

describe("a key that may not be a secret is not used", () => {
  test.each([0o640, 0o604, 0o644, 0o660])("a private key of mode %o", async (bits) => {
    const { dataDir, privateFile } = await usedRing();
    chmodSync(privateFile, bits);
    await expect(ringIn(dataDir).signer()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("mode 0"),
    });
  });

  test.each([0o750, 0o701, 0o777])("a folder of mode %o, where keys could be put beside it", async (bits) => {
    const { dataDir, folder, ring } = await usedRing();
    chmodSync(folder, bits);
    await expect(ring.published()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(ringIn(dataDir).signer()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("a link to a private key", async () => {
    const { dataDir, privateFile } = await usedRing();
    const elsewhere = join(dataDir, "elsewhere.pem");
    renameSync(privateFile, elsewhere);
    symlinkSync(elsewhere, privateFile);
    await expect(ringIn(dataDir).signer()).rejects.toMatchObject({ code: "STORE_IO" });
  });

  test("a private key that is another entry's", async () => {
    const [mine, theirs] = [await usedRing(), await usedRing()];
    writeFileSync(mine.privateFile, readFileSync(theirs.privateFile));
    await expect(ringIn(mine.dataDir).signer()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });

  test("a private key that is gone: no other is made in its place, and the next step is named", async () => {
    const { dataDir, privateFile } = await usedRing();
    unlinkSync(privateFile);
    await expect(ringIn(dataDir).signer()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      help: expect.stringContaining("assay keys rotate"),
    });
  });

  test.each([
    ["no JSON", "oops"],
    ["a key under the id of another", undefined],
    ["longer than an entry", " ".repeat(20_000)],
  ])("an entry that is %s", async (_, text) => {
    const { dataDir, folder } = await usedRing();
    const other = await usedRing();
    const [key] = await other.ring.published();
    const swapped = JSON.stringify({ ...JSON.parse(readFileSync(join(folder, "1.json"), "utf8")), publicKey: key.pem });
    writeFileSync(join(folder, "2.json"), text ?? swapped, { mode: 0o600 });
    await expect(ringIn(dataDir).published()).rejects.toMatchObject({ code: expect.stringMatching(/STORE_CORRUPT|CONFIG_INVALID/) });
  });

  test("something in the folder's place", async () => {
    const dataDir = temporaryFolder();
    const elsewhere = join(dataDir, "elsewhere");
    mkdirSync(elsewhere, { mode: 0o700 });
    symlinkSync(elsewhere, join(dataDir, "keys"));
    await expect(ringIn(dataDir).published()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});

test("the first use makes a key that only its owner can read, and later ones find it", async () => {
  const { dataDir, folder, privateFile, ring } = await usedRing();
  expect([mode(folder), mode(privateFile), mode(join(folder, "1.json"))]).toEqual([0o700, 0o600, 0o600]);
  const [key, ...older] = await ring.published();
  expect(older).toEqual([]);
  expect(key).toEqual({ id: keyIdOf(createPublicKey(key.pem)), pem: expect.stringContaining("BEGIN PUBLIC KEY"), validFrom: START });
  const { keyId, sign } = await ringIn(dataDir, START + HOUR_MS).signer();
  expect(keyId).toBe(key.id);
  expect(isBy(key.pem, sign(Buffer.from("x")))).toBe(true);
});

test("of many that start at once, one makes the key", async () => {
  const dataDir = temporaryFolder();
  const keys = await Promise.all(Array.from({ length: 8 }, () => ringIn(dataDir).published()));
  expect(new Set(keys.map(([key]) => key.id)).size).toBe(1);
  await ringIn(dataDir).signer();
  expect(readdirSync(join(dataDir, "keys"))).toHaveLength(2);
});

test("what a crash left behind signs nothing, and is in nobody's way", async () => {
  const dataDir = temporaryFolder();
  mkdirSync(join(dataDir, "keys"), { mode: 0o700 });
  for (const name of [`${"a".repeat(64)}.pem`, `${"a".repeat(64)}.draft`, "0.json", "01.json", "1.json.bak"])
    writeFileSync(join(dataDir, "keys", name), "half", { mode: 0o600 });
  const [key] = await ringIn(dataDir).published();
  expect((await ringIn(dataDir).signer()).keyId).toBe(key.id);
});

describe("rotation", () => {
  test("the new key signs, in a process that runs as well; the old one stays published with its end, without its private half", async () => {
    const { dataDir, ring, privateFile } = await usedRing();
    const [old] = await ring.published();
    const made = await ringIn(dataDir, START + HOUR_MS).rotate();
    expect(made.id).not.toBe(old.id);
    expect(await ring.published()).toEqual([
      { id: made.id, pem: made.pem, validFrom: START + HOUR_MS },
      { ...old, validUntil: START + HOUR_MS },
    ]);
    const { keyId, sign } = await ring.signer();
    const signature = sign(Buffer.from("x"));
    expect(keyId).toBe(made.id);
    expect([isBy(made.pem, signature), isBy(old.pem, signature)]).toEqual([true, false]);
    expect(() => statSync(privateFile)).toThrow("ENOENT");
  });

  test("of several at once, one wins each turn, and no key is lost", async () => {
    const { dataDir } = await usedRing();
    const rotations = await Promise.allSettled(Array.from({ length: 4 }, () => ringIn(dataDir, START + HOUR_MS).rotate()));
    const won = rotations.filter(({ status }) => status === "fulfilled").length;
    for (const each of rotations) if (each.status === "rejected") expect(each.reason).toMatchObject({ code: "BUSY" });
    expect(won).toBeGreaterThan(0);
    expect(await ringIn(dataDir).published()).toHaveLength(won + 1);
    await ringIn(dataDir).signer();
  });

  test("mends a private key that is gone", async () => {
    const { dataDir, privateFile } = await usedRing();
    unlinkSync(privateFile);
    const made = await ringIn(dataDir, START + HOUR_MS).rotate();
    expect((await ringIn(dataDir).signer()).keyId).toBe(made.id);
  });
});
