import { generateKeyPairSync, sign } from "node:crypto";

/** An Ed25519 key made on the spot. */
export function newSigningKey(): { readonly pem: string; sign(text: string): Buffer } {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return { pem: publicKey.export({ type: "spki", format: "pem" }).toString(), sign: (text) => sign(null, Buffer.from(text), privateKey) };
}
