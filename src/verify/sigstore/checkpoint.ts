import { quote } from "../../core/quote.ts";
import { decodeBase64 } from "./base64.ts";
import { logEntryInvalid } from "./bundle-finding.ts";

const MAX_CHARACTERS = 16 * 1024;
const MAX_SIGNATURES = 32;
const MAX_NAME_CHARACTERS = 256;
const ROOT_HASH_BYTES = 32;
const KEY_HINT_BYTES = 4;
const SIGNATURE_MARK = "\u2014 ";

/** A log's signed statement of its size and root. Nothing in it is verified. */
export interface Checkpoint {
  /** The log's name for itself. */
  readonly origin: string;
  readonly treeSize: number;
  readonly rootHash: Buffer;
  readonly signatures: readonly CheckpointSignature[];
}

interface CheckpointSignature {
  readonly name: string;
  /** First four bytes of the id of the key. */
  readonly keyHint: Buffer;
}

/**
 * Reads a checkpoint by its grammar, in time proportional to its length: text that a bundle brings must never become a pattern. (Older releases
 * of the library made one of the signer's name, and an edited name stalled them for minutes.) Throws LOG_ENTRY_INVALID.
 * https://github.com/C2SP/C2SP/blob/main/tlog-checkpoint.md
 */
export function readCheckpoint(text: string): Checkpoint {
  if (text.length > MAX_CHARACTERS) throw logEntryInvalid(`a checkpoint is longer than ${MAX_CHARACTERS} characters`);
  const separator = text.indexOf("\n\n");
  if (separator === -1 || !text.endsWith("\n")) throw logEntryInvalid("a checkpoint is not a signed note");
  const [origin = "", size = "", root = ""] = text.slice(0, separator).split("\n");
  if (!isName(origin, " ")) throw logEntryInvalid("a checkpoint does not name its log");
  if (!/^(?:0|[1-9][0-9]{0,14})$/.test(size)) throw logEntryInvalid(`a checkpoint's tree size ${quote(size)} is not a number`);
  const rootHash = decodeBase64(root);
  if (rootHash?.length !== ROOT_HASH_BYTES) throw logEntryInvalid("a checkpoint's root hash is not 32 bytes of base64");
  const lines = text.slice(separator + 2, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw logEntryInvalid(`a checkpoint has more than ${MAX_SIGNATURES} signatures`);
  return { origin, treeSize: Number(size), rootHash, signatures: lines.map(readSignature) };
}

function readSignature(line: string): CheckpointSignature {
  const [name = "", encoded = "", ...rest] = line.startsWith(SIGNATURE_MARK) ? line.slice(SIGNATURE_MARK.length).split(" ") : [];
  const bytes = decodeBase64(encoded);
  if (!isName(name, "") || bytes === undefined || bytes.length <= KEY_HINT_BYTES || rest.length > 0)
    throw logEntryInvalid(`a checkpoint's signature line ${quote(line)} is not one`);
  return { name, keyHint: bytes.subarray(0, KEY_HINT_BYTES) };
}

/** Printable ASCII, as host names and paths are; `also` lists what else may stand in it. */
function isName(text: string, also: string): boolean {
  return text.length > 0 && text.length <= MAX_NAME_CHARACTERS && [...text].every((c) => (c > " " && c <= "~") || also.includes(c));
}
