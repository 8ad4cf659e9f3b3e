import { enums, readSignature, type Signature, SignaturePacket, unarmor } from "openpgp";
import { type Checked, found, passed } from "../../core/finding.ts";
import { OPENPGP_CONFIG } from "./strength.ts";

/** Bytes of a signature file. A signature by RSA-4096 has about 900. */
const MAX_SIGNATURE_BYTES = 64 * 1024;

const BEGIN = "-----BEGIN PGP SIGNATURE-----";
const END = "-----END PGP SIGNATURE-----";
const SIGNATURE_TAG = enums.packet.signature as number;

export interface DetachedSignature {
  readonly signature: Signature;
  readonly packet: SignaturePacket;
}

/**
 * Reads a detached signature, armored or binary, that is one packet and nothing else: with two of them "signed" would mean signed by either, and
 * libraries differ in which of two armor blocks they read. Only signatures over the bytes as they are (type 0x00) are taken.
 */
export async function readDetachedSignature(body: Buffer): Promise<Checked<DetachedSignature>> {
  if (body.length > MAX_SIGNATURE_BYTES) {
    return found("BUNDLE_LIMIT", `the signature has ${body.length} bytes, more than ${MAX_SIGNATURE_BYTES}`);
  }
  try {
    const packets = isBinary(body) ? passed<Uint8Array>(body) : await withoutArmor(body.toString("latin1"));
    if (!packets.ok) return packets;
    if (!isOneSignature(packets.value))
      return found("BUNDLE_MALFORMED", "expected exactly one signature packet, got something else or more");
    return supported(await readSignature({ binarySignature: packets.value, config: OPENPGP_CONFIG }));
  } catch {
    return found("BUNDLE_MALFORMED", "it is not an OpenPGP signature");
  }
}

/** Bit 7 of a packet's first byte is always set; it never is in ASCII armor. */
function isBinary(body: Buffer): boolean {
  return ((body[0] ?? 0) & 0x80) !== 0;
}

async function withoutArmor(text: string): Promise<Checked<Uint8Array>> {
  const armor = text.trim();
  const isOneBlock = armor.startsWith(BEGIN) && armor.endsWith(END) && occursOnce(armor, "-----BEGIN ") && occursOnce(armor, "-----END ");
  if (!isOneBlock) return found("BUNDLE_MALFORMED", "expected one armored PGP SIGNATURE block and nothing around it");
  const { data } = await unarmor(armor, OPENPGP_CONFIG);
  return data instanceof Uint8Array ? passed(data) : found("BUNDLE_MALFORMED", "its armor cannot be read");
}

function occursOnce(text: string, part: string): boolean {
  return text.indexOf(part) === text.lastIndexOf(part);
}

/** Whether one signature packet of definite length fills all the bytes. https://www.rfc-editor.org/rfc/rfc9580#section-4.2 */
function isOneSignature(bytes: Uint8Array): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [first = 0, second = 0] = view;
  const isNewFormat = (first & 0x40) !== 0;
  const tag = isNewFormat ? first & 0x3f : (first >> 2) & 0x0f;
  if (tag !== SIGNATURE_TAG) return false;
  if (isNewFormat && second < 192) return view.length === 2 + second;
  if (isNewFormat && second < 224) return view.length === 3 + ((second - 192) << 8) + (view[2] ?? 0) + 192;
  if (isNewFormat) return second === 255 && view.length >= 6 && view.length === 6 + view.readUInt32BE(2);
  const lengthBytes = [1, 2, 4][first & 0x03];
  if (lengthBytes === undefined || view.length < 1 + lengthBytes) return false;
  return view.length === 1 + lengthBytes + view.readUIntBE(1, lengthBytes);
}

function supported(signature: Signature): Checked<DetachedSignature> {
  const [packet] = signature.packets;
  // The library leaves versions that it does not know (3, 5) in the list, unparsed.
  if (signature.packets.length !== 1 || !(packet instanceof SignaturePacket)) {
    return found("BUNDLE_UNSUPPORTED", "the signature is of a version that is not supported");
  }
  if (packet.signatureType !== enums.signature.binary) {
    return found("BUNDLE_UNSUPPORTED", `expected a signature over binary data (type 0), got type ${packet.signatureType}`);
  }
  return passed({ signature, packet });
}
