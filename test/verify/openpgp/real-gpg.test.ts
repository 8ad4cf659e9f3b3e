import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadPinnedKeys } from "../../../src/verify/openpgp/pinned-keys.ts";
import { verifyOpenpgp } from "../../../src/verify/openpgp/verify-openpgp.ts";

const HERE = spawnSync("gpg", ["--version"]).status === 0;
if (!HERE) console.warn("skipped: gpg is not on this machine, so its signatures are not checked");

const YEAR_MS = 365 * 86_400_000;

/** A keyring of its own. Its agent ends with `close`. */
class Gpg {
  // Short: the agent's socket lies in it, and a socket's path has 107 bytes.
  readonly home = mkdtempSync(join(tmpdir(), "assay-gpg-"));
  readonly archivePath = join(this.home, "archive");

  constructor() {
    writeFileSync(this.archivePath, "the bytes of an archive");
  }

  run(...args: string[]): Buffer {
    const options = ["--homedir", this.home, "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""];
    return execFileSync("gpg", [...options, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  }

  /** Answers the fingerprint of the new primary key. */
  makeKey(name: string, algorithm: string, ...more: string[]): string {
    this.run(...more, "--quick-generate-key", `${name} <${name}@registry.example>`, algorithm, "sign", "0");
    return this.fingerprint(name);
  }

  fingerprint(name: string): string {
    const listed = this.run("--list-keys", "--with-colons", `${name}@registry.example`).toString();
    return /^fpr:+([0-9A-F]{40}):/m.exec(listed)?.[1] ?? "";
  }

  sign(fingerprint: string, ...more: string[]): Buffer {
    return this.run("--local-user", fingerprint, ...more, "--output", "-", "--detach-sign", this.archivePath);
  }

  async verify(signature: Buffer, fingerprint: string, options: { now?: number; expiredKeys?: "valid-at-signing" } = {}) {
    const file = join(this.home, "keys.asc");
    writeFileSync(file, this.run("--armor", "--export"));
    const { now = Date.now() + 1000, ...rest } = options;
    return verifyOpenpgp({ signature, archivePath: this.archivePath, keys: await loadPinnedKeys(file, [fingerprint]), now, ...rest });
  }

  close(): void {
    spawnSync("gpgconf", ["--homedir", this.home, "--kill", "all"]);
    rmSync(this.home, { recursive: true, force: true });
  }
}

describe.skipIf(!HERE)("what real gpg makes", () => {
  let gpg: Gpg;
  let alice: string;
  beforeAll(() => {
    gpg = new Gpg();
    alice = gpg.makeKey("alice", "ed25519");
  });
  afterAll(() => gpg.close());

  const refused = (code: string) => ({ ok: false, finding: { code } });

  test("a signature over other bytes is refused", async () => {
    const signature = gpg.sign(alice);
    const good = readFileSync(gpg.archivePath);
    writeFileSync(gpg.archivePath, "other bytes");
    expect(await gpg.verify(signature, alice)).toMatchObject(refused("SIGNATURE_INVALID"));
    writeFileSync(gpg.archivePath, good);
  });

  test("SHA-1 is refused, which gpg calls good", async () => {
    expect(
      await gpg.verify(
        gpg.sign(gpg.makeKey("old", "rsa2048"), "--digest-algo", "SHA1", "--allow-weak-digest-algos"),
        gpg.fingerprint("old"),
      ),
    ).toMatchObject(refused("ALGORITHM_WEAK"));
  });

  test.each(["rsa1024", "dsa2048", "secp256k1"])("%s is refused, which gpg calls good", async (algorithm) => {
    const key = gpg.makeKey(algorithm, algorithm);
    expect(await gpg.verify(gpg.sign(key), key)).toMatchObject(refused("ALGORITHM_WEAK"));
  });

  test("a weak subkey of a strong key is refused", async () => {
    const key = gpg.makeKey("mixed", "ed25519");
    gpg.run("--quick-add-key", key, "rsa1024", "sign", "0");
    expect(await gpg.verify(gpg.sign(key), key)).toMatchObject(refused("ALGORITHM_WEAK"));
  });

  test("a text-mode signature is refused", async () => {
    expect(await gpg.verify(gpg.sign(alice, "--textmode"), alice)).toMatchObject(refused("BUNDLE_UNSUPPORTED"));
  });

  test("two signers are refused", async () => {
    const bob = gpg.makeKey("bob", "ed25519");
    expect(await gpg.verify(gpg.sign(alice, "--local-user", bob), alice)).toMatchObject(refused("BUNDLE_MALFORMED"));
  });

  test("a signature that has expired is refused", async () => {
    const signature = gpg.sign(alice, "--default-sig-expire", "1d");
    expect(await gpg.verify(signature, alice)).toMatchObject({ ok: true });
    expect(await gpg.verify(signature, alice, { now: Date.now() + 2 * 86_400_000 })).toMatchObject(refused("SIGNATURE_INVALID"));
  });

  test("a key that has expired is refused, for which gpg exits with 0", async () => {
    gpg.run("--quick-generate-key", "brief <brief@registry.example>", "ed25519", "sign", "1y");
    const key = gpg.fingerprint("brief");
    const signature = gpg.sign(key);
    const now = Date.now() + 2 * YEAR_MS;
    expect(await gpg.verify(signature, key, { now })).toMatchObject(refused("KEY_EXPIRED"));
    expect(await gpg.verify(signature, key, { now, expiredKeys: "valid-at-signing" })).toMatchObject({ ok: true });
  });

  test("a revoked key is refused, for which gpg exits with 0", async () => {
    const key = gpg.makeKey("gone", "ed25519");
    const signature = gpg.sign(key);
    expect(await gpg.verify(signature, key)).toMatchObject({ ok: true });
    const certificate = readFileSync(join(gpg.home, "openpgp-revocs.d", `${key}.rev`), "latin1");
    const file = join(gpg.home, "revocation.asc");
    writeFileSync(file, certificate.replace(":-----BEGIN", "-----BEGIN"));
    gpg.run("--import", file);
    expect(await gpg.verify(signature, key)).toMatchObject(refused("KEY_REVOKED"));
  });

  test.each([
    ["Ed25519", "ed25519", []],
    ["Ed25519, armored", "ed25519", ["--armor"]],
    ["RSA-3072", "rsa3072", []],
    ["P-384", "nistp384", []],
  ] as const)("%s verifies", async (name, algorithm, options) => {
    const key = gpg.makeKey(`good-${name.replace(/\W/g, "")}`, algorithm);
    const answer = await gpg.verify(gpg.sign(key, ...options), key);
    expect(answer).toMatchObject({ ok: true, value: { signer: { kind: "openpgp", fingerprint: key.toLowerCase() } } });
  });

  test("a signing subkey signs for its primary key", async () => {
    const key = gpg.makeKey("primary", "ed25519");
    gpg.run("--quick-add-key", key, "ed25519", "sign", "0");
    expect(await gpg.verify(gpg.sign(key), key)).toMatchObject({ ok: true, value: { signer: { fingerprint: key.toLowerCase() } } });
  });
});
