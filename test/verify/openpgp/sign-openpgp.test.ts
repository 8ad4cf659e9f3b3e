import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey } from "openpgp";
import { expect, onTestFinished, test } from "vitest";
import { loadKeyFile } from "../../../src/verify/openpgp/pinned-keys.ts";
import { readOpenpgpSigner } from "../../../src/verify/openpgp/sign-openpgp.ts";
import { verifyOpenpgp } from "../../../src/verify/openpgp/verify-openpgp.ts";

const DAY_MS = 86_400_000;

async function makeKey(passphrase?: string, options: { date?: Date; keyExpirationTime?: number } = {}) {
  return generateKey({
    type: "ecc",
    curve: "ed25519Legacy",
    userIDs: [{ name: "Ann", email: "ann@acme.example" }],
    format: "armored",
    ...(passphrase === undefined ? {} : { passphrase }),
    ...options,
  });
}

function fileOf(content: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), "assay-openpgp-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "file");
  writeFileSync(path, content);
  return path;
}

test.each([
  { name: "a public key", armored: async () => (await makeKey()).publicKey, why: "not an armored OpenPGP private key" },
  { name: "no key", armored: async () => "hello", why: "not an armored OpenPGP private key" },
  { name: "a key that is locked", armored: async () => (await makeKey("open sesame")).privateKey, why: "locked with a passphrase" },
  {
    name: "a key that has expired",
    armored: async () => (await makeKey(undefined, { date: new Date(Date.now() - 2 * DAY_MS), keyExpirationTime: 3600 })).privateKey,
    why: "expired",
  },
])("$name cannot sign", async ({ armored, why }) => {
  const file = { armored: await armored(), passphrase: undefined, source: "key.asc" };
  await expect(readOpenpgpSigner(file, Date.now())).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringContaining(why),
  });
});

test("a wrong passphrase does not open a key, and is not told", async () => {
  const { privateKey } = await makeKey("open sesame");
  const error = await readOpenpgpSigner({ armored: privateKey, passphrase: "hunter2", source: "key.asc" }, Date.now()).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining("does not open it") });
  expect(String(error)).not.toContain("hunter2");
});

test("what a key has signed verifies by its public key, over these bytes and no others", async () => {
  const { privateKey, publicKey } = await makeKey("open sesame");
  const signer = await readOpenpgpSigner({ armored: privateKey, passphrase: "open sesame", source: "key.asc" }, Date.now());
  const [bytes, keys] = [Buffer.from([0, 13, 10, 255]), await loadKeyFile(fileOf(publicKey))];
  const signature = Buffer.from(await signer.sign(bytes));
  expect(await verifyOpenpgp({ signature, archivePath: fileOf("other"), keys, now: Date.now() })).toMatchObject({ ok: false });
  expect(await verifyOpenpgp({ signature, archivePath: fileOf(bytes), keys, now: Date.now() })).toMatchObject({
    ok: true,
    value: { signer: { kind: "openpgp", fingerprint: signer.fingerprint } },
  });
});
