import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { parseRegistryKeys } from "../../../src/verify/registry-signature/registry-keys.ts";

const spki = (curve: string) =>
  generateKeyPairSync("ec", { namedCurve: curve }).publicKey.export({ type: "spki", format: "der" }).toString("base64");
const P256 = spki("P-256");
const ed25519 = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "der" }).toString("base64");

const endpoint = { expires: null, keyid: "SHA256:one", keytype: "ecdsa-sha2-nistp256", scheme: "ecdsa-sha2-nistp256", key: P256 };
const publicKey = {
  rawBytes: P256,
  keyDetails: "PKIX_ECDSA_P256_SHA_256",
  validFor: { start: "1999-01-01T00:00:00.000Z", end: "2025-01-29T00:00:00.000Z" },
};
const tuf = { keyId: "SHA256:one", keyUsage: "npm:signatures", publicKey };

function parse(document: unknown, usage?: "npm:signatures" | "npm:attestations") {
  const body = typeof document === "string" ? document : JSON.stringify(document);
  return parseRegistryKeys(Buffer.from(body), { source: "the keys", ...(usage ? { usage } : {}) });
}

describe("is refused", () => {
  test.each<[string, unknown]>([
    ["text that is no JSON", "{"],
    ["a key twice in an object", `{"keys":[],"keys":[]}`],
    ["a list", []],
    ["no keys", {}],
    ["keys that are no list", { keys: {} }],
    ["a key that is no object", { keys: ["x"] }],
    ["no id", { keys: [{ ...endpoint, keyid: undefined }] }],
    ["an id that is no text", { keys: [{ ...endpoint, keyid: 7 }] }],
    ["no key", { keys: [{ ...endpoint, key: "" }] }],
    ["a key that is no key", { keys: [{ ...endpoint, key: "AAAA" }] }],
    ["a key on another curve", { keys: [{ ...endpoint, key: spki("P-384") }] }],
    ["an Ed25519 key that says it is P-256", { keys: [{ ...tuf, publicKey: { ...publicKey, rawBytes: ed25519 } }] }],
    ["an end that is no time", { keys: [{ ...endpoint, expires: "soon" }] }],
    ["an end that is a number", { keys: [{ ...endpoint, expires: 0 }] }],
    ["a validity that is no object", { keys: [{ ...tuf, publicKey: { ...publicKey, validFor: "always" } }] }],
    ["one id for two keys", { keys: [endpoint, { ...endpoint, key: spki("P-256") }] }],
  ])("%s", (_what, document) => {
    expect(() => parse(document)).toThrow(expect.objectContaining({ code: "UPSTREAM_MALFORMED" }));
  });

  test("one key past 256, and one byte past 256 KiB", () => {
    const keys = (count: number) => Array.from({ length: count }, (_, index) => ({ ...endpoint, keyid: `${index}` }));
    expect(() => parse({ keys: keys(257) })).toThrow(expect.objectContaining({ code: "UPSTREAM_LIMIT" }));
    expect(parse({ keys: keys(256) })).toHaveLength(256);
    expect(() => parse(`{"keys":[]}`.padEnd(256 * 1024 + 1))).toThrow(expect.objectContaining({ code: "UPSTREAM_LIMIT" }));
  });
});

test("the keys endpoint's shape", () => {
  expect(parse({ keys: [endpoint, { ...endpoint, keyid: "SHA256:two", expires: "2025-01-29T00:00:00.000Z" }] })).toMatchObject([
    { keyId: "SHA256:one", usage: undefined, validFrom: undefined, validUntil: undefined },
    { keyId: "SHA256:two", usage: undefined, validFrom: undefined, validUntil: Date.UTC(2025, 0, 29) },
  ]);
});

test("the shape of TUF's keys.json, for one use", () => {
  const attestations = { ...tuf, keyUsage: "npm:attestations" };
  expect(parse({ keys: [tuf, attestations] }, "npm:signatures")).toMatchObject([
    { keyId: "SHA256:one", usage: "npm:signatures", validFrom: Date.UTC(1999, 0, 1), validUntil: Date.UTC(2025, 0, 29) },
  ]);
  expect(parse({ keys: [tuf, attestations] })).toHaveLength(2);
  expect(parse({ keys: [{ ...tuf, publicKey: { ...publicKey, validFor: undefined } }] })).toMatchObject([{ validUntil: undefined }]);
});

test("keys of kinds that are not verified are left out", () => {
  const others = [
    { ...endpoint, keytype: "rsa" },
    { ...endpoint, scheme: "ed25519" },
    { ...tuf, keyUsage: "npm:other" },
    { ...tuf, publicKey: { ...publicKey, keyDetails: "PKIX_ED25519" } },
  ];
  expect(parse({ keys: others })).toEqual([]);
});
