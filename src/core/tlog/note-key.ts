import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { decodeBase64 } from "./base64.ts";

/** A public key under the name that its log signs by. */
export interface NoteKey {
  readonly name: string;
  readonly key: KeyObject;
  /** Four bytes by which a signature line says whose it is. */
  readonly hint: Buffer;
}

const ED25519 = Buffer.of(1);
const HINT_BYTES = 4;
const RAW_KEY_BYTES = 32;
const MAX_NAME_CHARACTERS = 256;
/** What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo. https://www.rfc-editor.org/rfc/rfc8410#section-4 */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** Whether it can name a log: printable ASCII without `+`, which separates the parts of a key. No DSSE message begins so, hence one key may sign both. */
export function isLogName(text: string): boolean {
  return text.length > 0 && text.length <= MAX_NAME_CHARACTERS && /^[!-*,-~]+$/.test(text);
}

/** A key under a name, from its PEM. */
export function noteKeyOf(name: string, pem: string): NoteKey {
  const key = createPublicKey(pem);
  return { name, key, hint: hintOf(name, key) };
}

/** `NAME+HINT+KEY`, the line by which programs that read C2SP signed notes are told whom to believe. https://c2sp.org/signed-note */
export function formatVerifierKey({ name, key, hint }: NoteKey): string {
  return `${name}+${hint.toString("hex")}+${Buffer.concat([ED25519, rawKey(key)]).toString("base64")}`;
}

/** Undefined for text that is no such line, or one of another kind of key. */
export function parseVerifierKey(text: string): NoteKey | undefined {
  const [name = "", hint = ""] = text.split("+", 2);
  // The key is base64, which may hold a plus itself.
  const bytes = decodeBase64(text.slice(name.length + hint.length + 2));
  if (!isLogName(name) || bytes?.length !== 1 + RAW_KEY_BYTES || bytes[0] !== ED25519[0]) return undefined;
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes.subarray(1)]), format: "der", type: "spki" });
  const noteKey = { name, key, hint: hintOf(name, key) };
  return noteKey.hint.toString("hex") === hint ? noteKey : undefined;
}

function hintOf(name: string, key: KeyObject): Buffer {
  return createHash("sha256").update(`${name}\n`).update(ED25519).update(rawKey(key)).digest().subarray(0, HINT_BYTES);
}

function rawKey(key: KeyObject): Buffer {
  return key.export({ type: "spki", format: "der" }).subarray(SPKI_PREFIX.length);
}
