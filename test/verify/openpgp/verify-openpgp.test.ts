import { truncateSync } from "node:fs";
import { createCleartextMessage, createMessage, enums, revokeKey, type SecretKeyPacket, sign } from "openpgp";
import { afterAll, describe, expect, test } from "vitest";
import type { Checked } from "../../../src/core/finding.ts";
import { type OpenpgpRequest, type OpenpgpSignature, verifyOpenpgp } from "../../../src/verify/openpgp/verify-openpgp.ts";
import { ARCHIVE, binaryOf, CARELESS, DAY_MS, makeFolder, makeKey, makeSignature, NOW, patched, pin, type TestKey } from "./pgp-fixture.ts";

const folder = makeFolder();
const archivePath = folder.write("archive", ARCHIVE);
afterAll(folder.remove);

const alice = await makeKey();
const bob = await makeKey();
const good = await makeSignature({ keys: [alice] });

function check(signature: Buffer, options: Partial<OpenpgpRequest> = {}): Promise<Checked<OpenpgpSignature>> {
  return verifyOpenpgp({ signature, archivePath, keys: [pin(alice.public)], now: NOW, ...options });
}

/** Signed and checked by one key, with its public part as `key` has it now. */
async function checkBy(key: TestKey, options: { readonly date?: number; readonly expiredKeys?: "valid-at-signing" } = {}) {
  const signature = await makeSignature({ keys: [key], ...(options.date === undefined ? {} : { date: options.date }) });
  return check(signature, { keys: [pin(key.public)], ...(options.expiredKeys ? { expiredKeys: options.expiredKeys } : {}) });
}

const refused = (code: string) => ({ ok: false, finding: { code } });

describe("who signed", () => {
  test("another archive's signature proves nothing", async () => {
    const other = await makeSignature({ keys: [alice], bytes: Buffer.from("other bytes") });
    expect(await check(other)).toMatchObject(refused("SIGNATURE_INVALID"));
  });

  test("a flipped bit in the signature proves nothing", async () => {
    const packets = await binaryOf(good);
    packets[packets.length - 1] = (packets.at(-1) ?? 0) ^ 1;
    expect(await check(packets)).toMatchObject(refused("SIGNATURE_INVALID"));
  });

  test("a key that nobody pinned is unknown, not invalid", async () => {
    expect(await check(await makeSignature({ keys: [bob] }))).toMatchObject(refused("KEY_UNKNOWN"));
    expect(await check(good, { keys: [] })).toMatchObject(refused("KEY_UNKNOWN"));
  });

  test("a signature that is made to name a pinned key is not that key's", async () => {
    const packets = (await binaryOf(await makeSignature({ keys: [bob] }))).toString("hex");
    const [hers, his] = [alice.public.getFingerprint(), bob.public.getFingerprint()];
    const renamed = packets.replaceAll(his, hers).replaceAll(his.slice(-16), hers.slice(-16));
    expect(renamed).not.toBe(packets);
    expect(await check(Buffer.from(renamed, "hex"))).toMatchObject(refused("SIGNATURE_INVALID"));
  });

  test("the signer is the pinned key that made it, out of several", async () => {
    const keys = [pin(bob.public), pin(alice.public), pin((await makeKey()).public)];
    expect(await check(good, { keys })).toEqual({
      ok: true,
      value: { signer: { kind: "openpgp", fingerprint: alice.public.getFingerprint() }, signedAt: NOW - DAY_MS },
    });
  });

  test.each([
    ["an Ed25519 key", {}],
    ["a P-256 key", { type: "ecc", curve: "nistP256" }],
    ["an RSA-2048 key", { type: "rsa", rsaBits: 2048 }],
    ["a version 6 key", { type: "curve25519", config: { v6Keys: true } }],
    ["a signing subkey, for its primary key", { subkeys: [{ sign: true }] }],
  ] as const)("%s may sign", async (_what, options) => {
    const key = await makeKey(options as Parameters<typeof makeKey>[0]);
    expect(await checkBy(key)).toMatchObject({ ok: true, value: { signer: { fingerprint: key.public.getFingerprint() } } });
  });

  test("a binary signature is as good as an armored one", async () => {
    expect(await check(await binaryOf(good))).toMatchObject({ ok: true });
  });

  test("white space around the armor is nothing", async () => {
    expect(await check(Buffer.concat([Buffer.from("\r\n"), good, Buffer.from("\n \n")]))).toMatchObject({ ok: true });
  });
});

describe("when it was signed", () => {
  test("a date in the future is refused", async () => {
    expect(await checkBy(alice, { date: NOW + 1000 })).toMatchObject(refused("SIGNATURE_INVALID"));
  });

  test("a date before the key was made is refused", async () => {
    const signature = await makeSignature({ keys: [alice] });
    const younger = await makeKey({ date: new Date(NOW - DAY_MS / 2) });
    await expect(makeSignature({ keys: [younger] })).rejects.toThrow();
    expect(await check(signature, { keys: [pin(younger.public)] })).toMatchObject(refused("KEY_UNKNOWN"));
  });

  const FIFTY_DAYS_S = (50 * DAY_MS) / 1000;
  test("a key that has expired since is refused, unless the operator believes the signature's date", async () => {
    const key = await makeKey({ keyExpirationTime: FIFTY_DAYS_S });
    const date = NOW - 60 * DAY_MS;
    expect(await checkBy(key, { date })).toMatchObject(refused("KEY_EXPIRED"));
    expect(await checkBy(key, { date, expiredKeys: "valid-at-signing" })).toMatchObject({ ok: true, value: { signedAt: date } });
  });

  test("a subkey that has expired since is refused, unless the operator believes the signature's date", async () => {
    const key = await makeKey({ subkeys: [{ sign: true, keyExpirationTime: FIFTY_DAYS_S }] });
    const signature = await makeSignature({ keys: [key], date: NOW - 60 * DAY_MS });
    const keys = [pin(key.public)];
    expect(await check(signature, { keys })).toMatchObject(refused("KEY_EXPIRED"));
    expect(await check(signature, { keys, expiredKeys: "valid-at-signing" })).toMatchObject({ ok: true });
  });

  test.each(["refuse", "valid-at-signing"] as const)(
    "a revoked key signs nothing, not even before its revocation (%s)",
    async (expiredKeys) => {
      const { publicKey } = await revokeKey({
        key: alice.public,
        revocationCertificate: alice.revocation,
        format: "object",
        date: new Date(NOW),
      });
      expect(await check(good, { keys: [pin(publicKey)], expiredKeys })).toMatchObject(refused("KEY_REVOKED"));
    },
  );

  test("a key that is retired without being compromised signs nothing either", async () => {
    const { publicKey } = await revokeKey({
      key: alice.secret,
      reasonForRevocation: { flag: enums.reasonForRevocation.keyRetired },
      date: new Date(NOW - DAY_MS / 2),
      format: "object",
    });
    expect(await check(good, { keys: [pin(publicKey)] })).toMatchObject(refused("KEY_REVOKED"));
  });

  test("a revoked subkey signs nothing", async () => {
    const key = await makeKey({ subkeys: [{ sign: true }] });
    const signature = await makeSignature({ keys: [key] });
    const [subkey] = key.secret.subkeys;
    if (!subkey) throw new Error("the key has no subkey");
    key.secret.subkeys = [await subkey.revoke(key.secret.keyPacket as SecretKeyPacket, undefined, new Date(NOW - DAY_MS / 2))];
    expect(await check(signature, { keys: [pin(key.public)] })).toMatchObject({ ok: true });
    expect(await check(signature, { keys: [pin(key.secret.toPublic())] })).toMatchObject(refused("KEY_REVOKED"));
  });
});

describe("how strong it is", () => {
  test.each([enums.hash.md5, enums.hash.sha1, enums.hash.ripemd, enums.hash.sha224])("hash algorithm %d is refused", async (hash) => {
    expect(await check(await patched(good, { hash }))).toMatchObject(refused("ALGORITHM_WEAK"));
  });

  // By real gpg: SHA-1 where the signature is sound otherwise, DSA and secp256k1.
  test("RSA of 1024 bits is refused", async () => {
    expect(await checkBy(await makeKey({ type: "rsa", rsaBits: 1024, config: CARELESS }))).toMatchObject(refused("ALGORITHM_WEAK"));
  });
});

describe("one signature and nothing else", () => {
  const armored = good.toString("latin1");
  const inline = async () =>
    Buffer.from(
      await sign({ message: await createMessage({ binary: new Uint8Array(ARCHIVE) }), signingKeys: alice.secret, date: new Date(NOW - 1) }),
    );
  const cleartext = async () =>
    Buffer.from(
      await sign({ message: await createCleartextMessage({ text: "text" }), signingKeys: alice.secret, date: new Date(NOW - 1) }),
    );
  const text = async () =>
    sign({
      message: await createMessage({ text: ARCHIVE.toString() }),
      signingKeys: alice.secret,
      date: new Date(NOW - 1),
      detached: true,
    });

  test.each([
    ["two signers in one block", () => makeSignature({ keys: [alice, bob] }), "BUNDLE_MALFORMED"],
    ["two armored blocks", async () => Buffer.concat([good, good]), "BUNDLE_MALFORMED"],
    ["an armored block after another key's", async () => Buffer.concat([await makeSignature({ keys: [bob] }), good]), "BUNDLE_MALFORMED"],
    ["two binary signatures", async () => Buffer.concat([await binaryOf(good), await binaryOf(good)]), "BUNDLE_MALFORMED"],
    ["bytes after a binary signature", async () => Buffer.concat([await binaryOf(good), Buffer.from([0])]), "BUNDLE_MALFORMED"],
    ["a truncated binary signature", async () => (await binaryOf(good)).subarray(0, -1), "BUNDLE_MALFORMED"],
    ["text before the armor", async () => Buffer.from(`x\n${armored}`), "BUNDLE_MALFORMED"],
    ["text after the armor", async () => Buffer.from(`${armored}\nx`), "BUNDLE_MALFORMED"],
    ["an armor that does not end", async () => Buffer.from(armored.slice(0, armored.indexOf("-----END"))), "BUNDLE_MALFORMED"],
    ["an inline-signed message", inline, "BUNDLE_MALFORMED"],
    ["a cleartext-signed message", cleartext, "BUNDLE_MALFORMED"],
    ["a public key", async () => Buffer.from(alice.public.armor()), "BUNDLE_MALFORMED"],
    ["nothing", async () => Buffer.alloc(0), "BUNDLE_MALFORMED"],
    ["only the first byte", async () => Buffer.from([0xc2]), "BUNDLE_MALFORMED"],
    ["a text-mode signature", async () => Buffer.from(await text()), "BUNDLE_UNSUPPORTED"],
    ["a signature of version 3", () => patched(good, { version: 3 }), "BUNDLE_UNSUPPORTED"],
    ["a signature of version 5", () => patched(good, { version: 5 }), "BUNDLE_UNSUPPORTED"],
    ["one byte past 64 KiB", async () => Buffer.concat([good, Buffer.alloc(64 * 1024 + 1 - good.length, "\n")]), "BUNDLE_LIMIT"],
  ])("%s is refused", async (_what, make, code) => {
    expect(await check(await make())).toMatchObject(refused(code));
  });

  test("64 KiB are taken", async () => {
    expect(await check(Buffer.concat([good, Buffer.alloc(64 * 1024 - good.length, "\n")]))).toMatchObject({ ok: true });
  });
});

describe("the archive", () => {
  test("one that cannot be read is a store error, not a finding", async () => {
    await expect(check(good, { archivePath: folder.path("gone") })).rejects.toMatchObject({ code: "STORE_IO" });
  });

  test("an empty one can be signed", async () => {
    const signature = await makeSignature({ keys: [alice], bytes: Buffer.alloc(0) });
    expect(await check(signature, { archivePath: folder.write("empty", "") })).toMatchObject({ ok: true });
  });

  test("a large one is never in memory as a whole", async () => {
    const large = folder.write("large", "");
    truncateSync(large, 512 * 1024 * 1024);
    const before = process.memoryUsage().rss;
    let most = before;
    const sampler = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 10);
    expect(await check(good, { archivePath: large })).toMatchObject(refused("SIGNATURE_INVALID"));
    clearInterval(sampler);
    expect(most - before).toBeLessThan(256 * 1024 * 1024);
  });
});
