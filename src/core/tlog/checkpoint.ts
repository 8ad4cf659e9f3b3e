import { verify } from "node:crypto";
import { decodeBase64 } from "./base64.ts";
import { HASH_BYTES } from "./hashes.ts";
import { isLogName, type NoteKey } from "./note-key.ts";

/** What a log says of itself: so many entries, and the root over them. */
export interface TreeHead {
  /** The log's name for itself. */
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

/** A tree head as it was signed. Nothing is verified yet. */
export interface Checkpoint extends TreeHead {
  /** The signed note, as it was read. */
  readonly note: string;
  /** What is signed: all up to the empty line, with the line break before it. */
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly hint: Buffer; readonly signature: Buffer }[];
}

/** Bytes of a checkpoint. Ours have a few hundred; witnesses may have added lines. */
export const MAX_CHECKPOINT_BYTES = 16 * 1024;
const MAX_SIGNATURES = 32;
const SIGNATURE_MARK = "\u2014 ";
const HINT_BYTES = 4;

/** The text of a checkpoint, which is then signed. https://c2sp.org/tlog-checkpoint */
export function checkpointText({ origin, size, root }: TreeHead): string {
  return `${origin}\n${size}\n${root.toString("base64")}\n`;
}

/** The signed note of a text and a signature over it. https://c2sp.org/signed-note */
export function signedNote(text: string, { name, hint }: NoteKey, signature: Buffer): string {
  return `${text}\n${SIGNATURE_MARK}${name} ${Buffer.concat([hint, signature]).toString("base64")}\n`;
}

/** Reads a checkpoint with no extensions, signed by anybody. Undefined for text that is none. */
export function parseCheckpoint(note: string): Checkpoint | undefined {
  if (Buffer.byteLength(note) > MAX_CHECKPOINT_BYTES || !note.endsWith("\n")) return undefined;
  const end = note.indexOf("\n\n");
  if (end < 0) return undefined;
  const text = note.slice(0, end + 1);
  const [origin = "", size = "", root = "", ...more] = text.slice(0, -1).split("\n");
  const rootHash = decodeBase64(root);
  if (!isLogName(origin) || !/^(?:0|[1-9][0-9]{0,14})$/.test(size) || rootHash?.length !== HASH_BYTES || more.length > 0) return undefined;
  const lines = note.slice(end + 2, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) return undefined;
  const signatures = lines.map(parseSignature).filter((signature) => signature !== undefined);
  if (signatures.length < lines.length) return undefined;
  return { note, text, origin, size: Number(size), root: rootHash, signatures };
}

/** Whether one of the keys signed it, as the log that it says it is of. */
export function isSignedBy(checkpoint: Checkpoint, keys: readonly NoteKey[]): boolean {
  return keys.some(
    ({ name, key, hint }) =>
      name === checkpoint.origin &&
      checkpoint.signatures.some(
        (line) => line.name === name && line.hint.equals(hint) && verify(null, Buffer.from(checkpoint.text), key, line.signature),
      ),
  );
}

function parseSignature(line: string): Checkpoint["signatures"][number] | undefined {
  const [name = "", encoded = "", ...more] = line.startsWith(SIGNATURE_MARK) ? line.slice(SIGNATURE_MARK.length).split(" ") : [];
  const bytes = decodeBase64(encoded);
  if (!isLogName(name) || bytes === undefined || bytes.length <= HINT_BYTES || more.length > 0) return undefined;
  return { name, hint: bytes.subarray(0, HINT_BYTES), signature: bytes.subarray(HINT_BYTES) };
}
