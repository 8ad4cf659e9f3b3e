import { constants, createHash, createPublicKey, generateKeyPairSync, privateEncrypt, sign } from "node:crypto";
import { ed25519ph } from "@noble/curves/ed25519.js";
import { expect, test } from "vitest";
import { verifyDigestSignature } from "../../../src/verify/sigstore/digest-signature.ts";
import { ecKeys, ed25519Keys, rsaKeys } from "../../support/sigstore-instance.ts";

const message = Buffer.from("the archive");
const digestOf = (algorithm: string, bytes = message): Buffer => createHash(algorithm).update(bytes).digest();

test.each(
  (["P-256", "P-384", "P-521", "RSA"] as const).flatMap((kind) =>
    (["sha256", "sha384", "sha512"] as const).map((algorithm) => ({ kind, algorithm })),
  ),
)("$kind with $algorithm: as node:crypto over the whole, and nothing else", ({ kind, algorithm }) => {
  const { privateKey, publicKey } = kind === "RSA" ? rsaKeys(2048) : ecKeys(kind);
  const stranger = kind === "RSA" ? rsaKeys(2048) : ecKeys(kind);
  const signature = sign(algorithm, message, privateKey);
  const digest = digestOf(algorithm);
  expect(verifyDigestSignature(publicKey, algorithm, digest, signature)).toBe(true);
  expect(verifyDigestSignature(publicKey, algorithm, digestOf(algorithm, Buffer.from("other")), signature)).toBe(false);
  expect(verifyDigestSignature(stranger.publicKey, algorithm, digest, signature)).toBe(false);
  expect(verifyDigestSignature(publicKey, algorithm, digest, Buffer.concat([signature, Buffer.from([0])]))).toBe(false);
  expect(verifyDigestSignature(publicKey, algorithm, digest, signature.subarray(0, -1))).toBe(false);
  expect(verifyDigestSignature(publicKey, algorithm, digest, Buffer.alloc(0))).toBe(false);
});

test("many ECDSA signatures, with both halves of s", () => {
  const { privateKey, publicKey } = ecKeys();
  for (let count = 0; count < 40; count++) {
    const bytes = Buffer.from(`message ${count}`);
    expect(verifyDigestSignature(publicKey, "sha256", digestOf("sha256", bytes), sign("sha256", bytes, privateKey))).toBe(true);
  }
});

test("RSA: a signature over a longer text that begins with the digest's is refused, as is one over the bare digest", () => {
  const { privateKey, publicKey } = rsaKeys(2048);
  const digest = digestOf("sha256");
  const info = Buffer.concat([Buffer.from("3031300d060960864801650304020105000420", "hex"), digest]);
  const encrypt = (bytes: Buffer): Buffer => privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, bytes);
  expect(verifyDigestSignature(publicKey, "sha256", digest, encrypt(info))).toBe(true);
  expect(verifyDigestSignature(publicKey, "sha256", digest, encrypt(Buffer.concat([info, Buffer.from("more")])))).toBe(false);
  expect(verifyDigestSignature(publicKey, "sha256", digest, encrypt(digest))).toBe(false);
});

test("Ed25519ph over SHA-512; plain Ed25519 cannot be verified by a digest", () => {
  const { secretKey, publicKey } = ed25519ph.keygen();
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(publicKey).toString("base64url") }, format: "jwk" });
  const signature = Buffer.from(ed25519ph.sign(message, secretKey));
  expect(verifyDigestSignature(key, "sha512", digestOf("sha512"), signature)).toBe(true);
  expect(verifyDigestSignature(key, "sha512", digestOf("sha512", Buffer.from("other")), signature)).toBe(false);
  expect(verifyDigestSignature(key, "sha256", digestOf("sha256"), signature)).toBe(false);
  const plain = ed25519Keys();
  expect(verifyDigestSignature(plain.publicKey, "sha512", digestOf("sha512"), sign(null, message, plain.privateKey))).toBe(false);
});

test("keys of other kinds sign nothing", () => {
  const { publicKey } = generateKeyPairSync("ed448");
  expect(verifyDigestSignature(publicKey, "sha512", digestOf("sha512"), Buffer.alloc(114))).toBe(false);
});
