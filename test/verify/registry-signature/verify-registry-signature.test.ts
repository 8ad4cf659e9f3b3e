import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseRegistryKeys, type RegistryKey } from "../../../src/verify/registry-signature/registry-keys.ts";
import { type RegistrySignature, verifyRegistrySignature } from "../../../src/verify/registry-signature/verify-registry-signature.ts";
import { sharedData } from "../../support/shared-data.ts";

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 5, 1);
const ENDED = Date.UTC(2025, 0, 29);
const MESSAGE = "@acme/tool@1.3.0:sha512-q6urq6s=";

const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const otherPair = generateKeyPairSync("ec", { namedCurve: "P-256" });

function keyOf(publicKey: KeyObject, changes: Partial<RegistryKey> = {}): RegistryKey {
  return { keyId: "SHA256:one", key: publicKey, usage: "npm:signatures", validFrom: undefined, validUntil: undefined, ...changes };
}

function itemOf(changes: Partial<RegistrySignature> = {}, privateKey: KeyObject = pair.privateKey): RegistrySignature {
  const signature = sign("sha256", Buffer.from(MESSAGE), privateKey).toString("base64");
  return {
    kind: "registry-signature",
    label: "npm",
    keyId: "SHA256:one",
    signature,
    message: MESSAGE,
    publishedAt: NOW - DAY_MS,
    ...changes,
  };
}

const key = keyOf(pair.publicKey);
const invalid = (code: string) => ({ ok: false, finding: { code } });

describe("a signature that proves nothing", () => {
  const { signature } = itemOf();
  test.each<[string, RegistrySignature, RegistryKey[], string]>([
    ["over another version", itemOf({ message: MESSAGE.replace("1.3.0", "1.3.1") }), [key], "SIGNATURE_INVALID"],
    ["over another integrity", itemOf({ message: `${MESSAGE}=` }), [key], "SIGNATURE_INVALID"],
    ["by another key under the same id", itemOf({}, otherPair.privateKey), [key], "SIGNATURE_INVALID"],
    ["that is empty", itemOf({ signature: "" }), [key], "SIGNATURE_INVALID"],
    ["that is no base64", itemOf({ signature: `${signature}!!` }), [key], "SIGNATURE_INVALID"],
    ["with a line break", itemOf({ signature: `${signature.slice(0, 8)}\n${signature.slice(8)}` }), [key], "SIGNATURE_INVALID"],
    ["of 4 MiB", itemOf({ signature: "A".repeat(4 * 1024 * 1024) }), [key], "SIGNATURE_INVALID"],
    ["of two zeros", itemOf({ signature: Buffer.from("3006020100020100", "hex").toString("base64") }), [key], "SIGNATURE_INVALID"],
    ["by a key that is not known", itemOf({ keyId: "SHA256:two" }), [key], "KEY_UNKNOWN"],
    ["by a key whose id differs in case", itemOf({ keyId: "sha256:one" }), [key], "KEY_UNKNOWN"],
    ["where no key is known", itemOf(), [], "KEY_UNKNOWN"],
    ["by a key for attestations", itemOf(), [keyOf(pair.publicKey, { usage: "npm:attestations" })], "KEY_UNKNOWN"],
  ])("%s", (_what, item, keys, code) => {
    expect(verifyRegistrySignature(item, keys, NOW)).toMatchObject(invalid(code));
  });
});

describe("an old key", () => {
  const old = keyOf(pair.publicKey, { validUntil: ENDED });
  test.each([
    ["a version published at its end", ENDED, "KEY_EXPIRED"],
    ["a version published now", NOW, "KEY_EXPIRED"],
    ["a version published in the future", NOW + DAY_MS, "KEY_EXPIRED"],
    ["a version published at no time that a clock can show", 1e300, "KEY_EXPIRED"],
    ["a version whose publish time is not known", undefined, "KEY_EXPIRED"],
    ["a version published just before its end", ENDED - 1, undefined],
  ])("does not sign %s", (_what, publishedAt, code) => {
    const { publishedAt: _, ...rest } = itemOf();
    const item = publishedAt === undefined ? rest : { ...rest, publishedAt };
    expect(verifyRegistrySignature(item, [old], NOW)).toMatchObject(code ? invalid(code) : { ok: true });
  });

  test("that is still valid signs a version whose publish time is not known", () => {
    const { publishedAt: _, ...item } = itemOf();
    expect(verifyRegistrySignature(item, [old], ENDED - 1)).toMatchObject({ ok: true });
  });

  test("whose bytes do not verify is invalid, not expired", () => {
    expect(verifyRegistrySignature(itemOf({ message: "x" }), [old], NOW)).toMatchObject(invalid("SIGNATURE_INVALID"));
  });
});

test("a key that is not valid yet signs nothing; one that is also signs what was published before it", () => {
  const young = keyOf(pair.publicKey, { validFrom: NOW });
  expect(verifyRegistrySignature(itemOf(), [young], NOW - 1)).toMatchObject(invalid("KEY_EXPIRED"));
  expect(verifyRegistrySignature(itemOf({ publishedAt: ENDED }), [young], NOW)).toMatchObject({ ok: true });
});

test("the signer is the registry's key", () => {
  expect(verifyRegistrySignature(itemOf(), [keyOf(otherPair.publicKey, { keyId: "SHA256:x" }), key], NOW)).toEqual({
    ok: true,
    value: { signer: { kind: "registry", keyId: "SHA256:one" } },
  });
});

const DATA = sharedData("npm");
describe.skipIf(!DATA)("the registry's real signatures", () => {
  interface Row {
    readonly name: string;
    readonly version: string;
    readonly integrity: string;
    readonly keyid: string;
    readonly sig: string;
  }
  const read = (file: string) => readFileSync(join(DATA ?? "", file));
  const rows = DATA ? (JSON.parse(read("manifest.json").toString()).registrySignatures as Row[]) : [];
  const keys = DATA ? parseRegistryKeys(read("keys.json"), { source: "keys.json", usage: "npm:signatures" }) : [];
  const real = ({ name, version, integrity, keyid, sig }: Row): RegistrySignature => ({
    kind: "registry-signature",
    label: "npm",
    keyId: keyid,
    signature: sig,
    message: `${name}@${version}:${integrity}`,
    publishedAt: Date.UTC(2023, 0, 1),
  });

  test("there are some", () => expect(rows.length).toBeGreaterThan(0));

  test.each(rows.map((row) => [`${row.name}@${row.version}`, row] as const))("%s verifies, and altered does not", (_name, row) => {
    const item = real(row);
    expect(verifyRegistrySignature(item, keys, NOW)).toEqual({ ok: true, value: { signer: { kind: "registry", keyId: row.keyid } } });
    for (const altered of [
      { message: item.message.replace("@", "-") },
      { message: item.message.replace(":sha512-", ":sha512-A") },
      { message: `${item.message} sha512-x` },
      { signature: Buffer.from(item.signature, "base64").reverse().toString("base64") },
    ]) {
      expect(verifyRegistrySignature({ ...item, ...altered }, keys, NOW)).toMatchObject(invalid("SIGNATURE_INVALID"));
    }
    expect(verifyRegistrySignature({ ...item, publishedAt: NOW }, keys, NOW)).toMatchObject(invalid("KEY_EXPIRED"));
  });
});
