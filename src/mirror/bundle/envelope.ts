import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { AssayError } from "../../core/errors.ts";
import { isJsonObject } from "../../core/json.ts";
import { keyIdOf } from "../../core/key-id.ts";
import type { PublishedKey, SigningKey } from "../../core/ports/signing-keys.ts";
import { preAuthEncoding } from "../../verify/sigstore/signed-content.ts";

const PAYLOAD_TYPE = "application/vnd.assay.bundle-manifest+json";

/** A signed manifest, of which the signature holds: whose key that is, and whether it counts, is for the importer to say. */
export interface SignedManifest {
  readonly payload: Buffer;
  /** As `keyIdOf` makes it. */
  readonly keyId: string;
  readonly publicKey: string;
}

/**
 * A DSSE envelope with one signature, and the public key beside it, so that whoever knows the key's fingerprint needs nothing else. The same manifest and key make the same text.
 * https://github.com/secure-systems-lab/dsse/blob/master/envelope.md
 */
export function sealManifest(payload: Buffer, { keyId, sign }: SigningKey, { pem }: Pick<PublishedKey, "pem">): Buffer {
  return format(payload, { keyid: keyId, sig: sign(preAuthEncoding(PAYLOAD_TYPE, payload)).toString("base64"), publicKey: pem });
}

/**
 * Opens an envelope and verifies its signature by the key that it brings. An envelope has one text, and any other is refused: so there is no byte in it that could be changed
 * without being noticed. Throws BAD_REQUEST.
 */
export function openEnvelope(body: Buffer): SignedManifest {
  const { payload, signature, publicKey, keyid } = read(body);
  let key: KeyObject;
  try {
    key = createPublicKey(publicKey);
  } catch {
    throw damaged("its key cannot be read");
  }
  if (key.asymmetricKeyType !== "ed25519") throw damaged("its key is not an Ed25519 key");
  const keyId = keyIdOf(key);
  if (keyId !== keyid) throw damaged(`its key is ${keyId}, and not the one that it names`);
  // PEM has room for text around a key, and for line breaks of several kinds.
  const isPlain = key.export({ type: "spki", format: "pem" }).toString() === publicKey;
  if (!isPlain || !format(payload, { keyid, sig: signature.toString("base64"), publicKey }).equals(body))
    throw damaged("it is not written as Assay writes it");
  if (!verify(null, preAuthEncoding(PAYLOAD_TYPE, payload), key, signature)) throw damaged(`the key ${keyId} did not sign it`);
  return { payload, keyId, publicKey };
}

interface Signature {
  readonly keyid: string;
  readonly sig: string;
  readonly publicKey: string;
}

function format(payload: Buffer, signature: Signature): Buffer {
  return Buffer.from(`${JSON.stringify({ payloadType: PAYLOAD_TYPE, payload: payload.toString("base64"), signatures: [signature] })}\n`);
}

function read(body: Buffer): Signature & { readonly payload: Buffer; readonly signature: Buffer } {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw damaged("it is not JSON");
  }
  const [entry] = isJsonObject(value) && Array.isArray(value["signatures"]) ? value["signatures"] : [];
  const payload = isJsonObject(value) ? value["payload"] : undefined;
  if (typeof payload !== "string" || !isJsonObject(entry)) throw damaged("it is not a DSSE envelope");
  const { keyid, sig, publicKey } = entry;
  if (typeof keyid !== "string" || typeof sig !== "string" || typeof publicKey !== "string")
    throw damaged("its signature lacks a member that it must have");
  return { payload: Buffer.from(payload, "base64"), signature: Buffer.from(sig, "base64"), keyid, sig, publicKey };
}

function damaged(why: string): AssayError {
  return new AssayError("BAD_REQUEST", `the bundle's manifest cannot be trusted: ${why}`, {
    help: "the bundle was damaged or changed on its way, or is none; nothing of it was looked at: get it again",
  });
}
