import { createHash } from "node:crypto";

export const HASH_BYTES = 32;

/** Leaves and nodes are hashed differently, so that no node passes for an entry. https://www.rfc-editor.org/rfc/rfc6962#section-2.1 */
const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

/** The root of a tree without entries. */
export const EMPTY_ROOT: Buffer = createHash("sha256").digest();

/** The leaf of an entry: of its exact bytes, UTF-8 where it is text. */
export function leafHash(entry: string | Uint8Array): Buffer {
  return createHash("sha256").update(LEAF).update(entry).digest();
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash("sha256").update(NODE).update(left).update(right).digest();
}
