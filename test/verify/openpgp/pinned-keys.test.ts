import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { revokeKey } from "openpgp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadPinnedKeys } from "../../../src/verify/openpgp/pinned-keys.ts";
import { verifyOpenpgp } from "../../../src/verify/openpgp/verify-openpgp.ts";
import { ARCHIVE, makeFolder, makeKey, makeSignature, NOW } from "./pgp-fixture.ts";

const alice = await makeKey({ subkeys: [{ sign: true }] });
const bob = await makeKey();
const HERS = alice.public.getFingerprint();
const HIS = bob.public.getFingerprint();

let folder: ReturnType<typeof makeFolder>;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => folder.remove());

describe("only a full fingerprint of a primary key pins it", () => {
  test.each([
    ["an id of 8 characters", HERS.slice(-8)],
    ["an id of 16 characters", HERS.slice(-16)],
    ["the beginning of a fingerprint", HERS.slice(0, 39)],
    ["the specification's own example", "ABCD1234..."],
    ["one character too many", `${HERS}0`],
    ["another alphabet", `${HERS.slice(0, 39)}g`],
    ["nothing", ""],
  ])("%s is refused", async (_what, fingerprint) => {
    const file = folder.write("alice.asc", alice.public.armor());
    await expect(loadPinnedKeys(file, [fingerprint])).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("a subkey's is refused, and its primary key named", async () => {
    const file = folder.write("alice.asc", alice.public.armor());
    const subkey = alice.public.getSubkeys()[0]?.getFingerprint() ?? "";
    await expect(loadPinnedKeys(file, [subkey])).rejects.toMatchObject({ code: "CONFIG_INVALID", help: expect.stringContaining(HERS) });
  });

  test("one that no file has is refused", async () => {
    await expect(loadPinnedKeys(folder.write("alice.asc", alice.public.armor()), [HERS, HIS])).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
  });

  test.each([HERS, HERS.toUpperCase(), `0x${HERS}`, HERS.replace(/(.{4})/g, "$1 ").trim()])("%s is one", async (fingerprint) => {
    const file = folder.write("alice.asc", alice.public.armor());
    expect(await loadPinnedKeys(file, [fingerprint])).toMatchObject([{ fingerprint: HERS }]);
  });
});

describe("a file that is none of public keys is refused", () => {
  test.each([
    ["a private key", () => alice.secret.armor()],
    ["a private key after a public one", () => alice.public.armor() + bob.secret.armor()],
    ["a binary private key", () => alice.secret.write()],
    ["an armor that does not end", () => alice.public.armor().slice(0, 200)],
    ["text", () => "no key"],
    ["nothing", () => ""],
    ["one byte past 64 KiB", () => alice.public.armor().padEnd(64 * 1024 + 1, "\n")],
  ])("%s", async (_what, make) => {
    await expect(loadPinnedKeys(folder.write("key.asc", make()), [HERS])).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("a missing file", async () => {
    await expect(loadPinnedKeys(folder.path("gone.asc"), [HERS])).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("one file past a thousand", async () => {
    for (let each = 0; each <= 1000; each++) folder.write(`${each}.asc`, "");
    await expect(loadPinnedKeys(folder.path("."), [HERS])).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("1001"),
    });
  });
});

describe("keys are read from", () => {
  const both = () => alice.public.armor() + bob.public.armor();

  test("an armored file of several blocks, and only those that are pinned", async () => {
    const file = folder.write("keys.asc", both());
    expect(await loadPinnedKeys(file, [HIS])).toMatchObject([{ fingerprint: HIS }]);
    expect(await loadPinnedKeys(file, [HIS, HERS])).toMatchObject([{ fingerprint: HIS }, { fingerprint: HERS }]);
  });

  test("a binary file of several keys", async () => {
    const file = folder.write("keys.gpg", Buffer.concat([alice.public.write(), bob.public.write()]));
    expect(await loadPinnedKeys(file, [HIS, HERS])).toMatchObject([{ fingerprint: HIS }, { fingerprint: HERS }]);
  });

  test("a folder, without what has another ending or lies below", async () => {
    folder.write("alice.asc", alice.public.armor());
    folder.write("README.md", "not a key");
    mkdirSync(folder.path("below"));
    writeFileSync(folder.path("below/bob.asc"), bob.public.armor());
    expect(await loadPinnedKeys(folder.path("."), [HERS])).toMatchObject([{ fingerprint: HERS }]);
    await expect(loadPinnedKeys(folder.path("."), [HIS])).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});

test("a stale copy of a key does not hide its revocation, and the newest file gives its age", async () => {
  const { publicKey } = await revokeKey({ key: alice.public, revocationCertificate: alice.revocation, format: "object" });
  for (const [name, key, days] of [
    ["a.asc", publicKey, 3] as const,
    ["b.asc", alice.public, 1] as const,
    ["c.asc", alice.public, 2] as const,
  ]) {
    const time = NOW / 1000 - days * 86_400;
    utimesSync(folder.write(name, key.armor()), time, time);
  }
  const keys = await loadPinnedKeys(folder.path("."), [HERS]);
  expect(keys).toMatchObject([{ fileModifiedAt: NOW - 86_400_000 }]);
  const signature = await makeSignature({ keys: [alice] });
  const archivePath = folder.write("archive", ARCHIVE);
  expect(await verifyOpenpgp({ signature, archivePath, keys, now: NOW })).toMatchObject({ finding: { code: "KEY_REVOKED" } });
});
