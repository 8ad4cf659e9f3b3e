import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { AssayError } from "../../src/core/errors.ts";
import { checkSigned } from "../../src/ecosystems/npm/check-signed.ts";
import type { RegistryKeySource } from "../../src/verify/registry-signature/ask-for-keys.ts";
import type { RegistryKey } from "../../src/verify/registry-signature/registry-keys.ts";
import type { RegistrySignature } from "../../src/verify/registry-signature/verify-registry-signature.ts";
import { RegistrySignatureVerifier } from "../../src/verify/registry-signature.ts";
import { describeVerifier } from "../contract/verifier.ts";
import { type CandidateOptions, makeCandidate } from "../support/candidate.ts";
import { keySource } from "../support/key-source.ts";

const NOW = Date.UTC(2026, 5, 1);
const DAY_MS = 86_400_000;
const BYTES = Buffer.from("the bytes of an archive");
const KEY_ID = "SHA256:one";
const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key: RegistryKey = { keyId: KEY_ID, key: pair.publicKey, usage: "npm:signatures", validFrom: undefined, validUntil: undefined };

const integrity = (bytes: Buffer): string => `sha512-${createHash("sha512").update(bytes).digest("base64")}`;

function itemOf(message: string, privateKey: KeyObject = pair.privateKey, more: Partial<RegistrySignature> = {}): RegistrySignature {
  const signature = sign("sha256", Buffer.from(message), privateKey).toString("base64");
  return { kind: "registry-signature", label: "registry signature 1", keyId: KEY_ID, signature, message, ...more };
}

const MESSAGE = `demo@1.0:${integrity(BYTES)}`;
const good = itemOf(MESSAGE);
const other = itemOf(`demo@1.0:${integrity(Buffer.from("other"))}`);
const forged = itemOf(MESSAGE, generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);

const removals: (() => void)[] = [];
afterAll(() => removals.forEach((remove) => void remove()));

function verify(options: Partial<CandidateOptions>, keysOf: RegistryKeySource["keysOf"] = async () => [key]) {
  const { candidate, remove } = makeCandidate({ bytes: BYTES, checkSigned, ...options });
  removals.push(remove);
  return new RegistrySignatureVerifier({ registryKeys: keySource(keysOf), clock: { now: () => NOW } }).verify(candidate);
}

describeVerifier("the registry-signature verifier", {
  make: () => new RegistrySignatureVerifier({ registryKeys: keySource(async () => [key]), clock: { now: () => NOW } }),
  good: { bytes: BYTES, checkSigned, items: [good] },
  bad: { bytes: BYTES, checkSigned, items: [other] },
});

test.each<{ attack: string; item: RegistrySignature; code: string }>([
  { attack: "a registry's signature of other bytes", item: other, code: "SUBJECT_MISMATCH" },
  { attack: "of the right bytes as another version", item: itemOf(`demo@1.1:${integrity(BYTES)}`), code: "SUBJECT_MISMATCH" },
  { attack: "by another key under the known one's id", item: forged, code: "SIGNATURE_INVALID" },
  { attack: "by a key that is not known", item: { ...good, keyId: "SHA256:two" }, code: "KEY_UNKNOWN" },
])("$attack: $code", async ({ item, code }) => {
  expect(await verify({ items: [item] })).toMatchObject([{ kind: "invalid", code, label: "registry signature 1" }]);
});

test("a key that had ended when the version was published proves nothing", async () => {
  const ended = async () => [{ ...key, validUntil: NOW - DAY_MS }];
  expect(await verify({ items: [{ ...good, publishedAt: NOW }] }, ended)).toMatchObject([{ kind: "invalid", code: "KEY_EXPIRED" }]);
  expect(await verify({ items: [{ ...good, publishedAt: NOW - 2 * DAY_MS }] }, ended)).toMatchObject([{ kind: "pass" }]);
});

test("a signature of the computed bytes passes, with its signer and what it says", async () => {
  const signer = { kind: "registry", keyId: KEY_ID } as const;
  expect(await verify({ items: [good] })).toEqual([{ kind: "pass", label: "registry signature 1", signer, claims: { message: MESSAGE } }]);
});

test("each of several signatures is told: a forged one beside a good one does not pass unseen", async () => {
  expect((await verify({ items: [good, forged] })).map(({ kind }) => kind)).toEqual(["pass", "invalid"]);
});

test("without signatures it is absent, and nobody is asked for keys; what another verifier tells is not told twice", async () => {
  const keys = () => Promise.reject(new Error("asked for keys"));
  expect(await verify({}, keys)).toEqual([{ kind: "absent" }]);
  expect(await verify({ published: [{ label: "a", kind: "unavailable", detail: "503" }] }, keys)).toEqual([{ kind: "absent" }]);
});

test("keys that upstream cannot give make it unavailable, the operator's own that cannot be read an error", async () => {
  const down = new AssayError("UPSTREAM_UNREACHABLE", "nobody there");
  expect(await verify({ items: [good] }, () => Promise.reject(down))).toMatchObject([
    { kind: "unavailable", label: "registry signature 1", detail: expect.stringContaining("nobody there") },
  ]);
  const broken = new AssayError("CONFIG_INVALID", "no such file");
  await expect(verify({ items: [good] }, () => Promise.reject(broken))).rejects.toBe(broken);
});
