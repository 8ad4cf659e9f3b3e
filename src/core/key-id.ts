import { createHash, type KeyObject } from "node:crypto";

/**
 * `sha256:HEX` of a public key's SubjectPublicKeyInfo in DER. It names one key and no other, so whoever pins it need not trust where the key is
 * then taken from: `openssl pkey -pubin -in FILE -outform DER | sha256sum` prints the same.
 */
export function keyIdOf(publicKey: KeyObject): string {
  const spki = publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(spki).digest("hex")}`;
}

/** Undefined for text that is no such id; capital letters are how some tools print it. */
export function parseKeyId(text: string): string | undefined {
  const id = text.toLowerCase();
  return /^sha256:[0-9a-f]{64}$/.test(id) ? id : undefined;
}
