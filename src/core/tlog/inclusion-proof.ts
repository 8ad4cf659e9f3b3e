import { decodeBase64 } from "./base64.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { HASH_BYTES, leafHash } from "./hashes.ts";
import { rootFromPath } from "./merkle-tree.ts";

/** That an entry stands in a log, for whoever has the entry and the log's key. */
export interface InclusionProof {
  readonly position: number;
  readonly path: readonly Buffer[];
  readonly checkpoint: Checkpoint;
}

const HEADER = "c2sp.org/tlog-proof@v1";
/** No tree is higher. */
const MAX_PATH = 63;

/** https://c2sp.org/tlog-proof */
export function formatProof({ position, path, checkpoint }: InclusionProof): string {
  return [HEADER, `index ${position}`, ...path.map((hash) => hash.toString("base64")), "", checkpoint.note].join("\n");
}

/** Reads a proof without `extra` data, which nothing signs. Undefined for text that is none. */
export function parseProof(text: string): InclusionProof | undefined {
  const end = text.indexOf("\n\n");
  const checkpoint = end < 0 ? undefined : parseCheckpoint(text.slice(end + 2));
  const [header, index = "", ...hashes] = end < 0 ? [] : text.slice(0, end).split("\n", MAX_PATH + 3);
  const position = /^index (0|[1-9][0-9]{0,14})$/.exec(index)?.[1];
  if (!checkpoint || header !== HEADER || position === undefined || hashes.length > MAX_PATH) return undefined;
  const path = hashes.map(decodeBase64).filter((hash) => hash?.length === HASH_BYTES) as Buffer[];
  return path.length === hashes.length ? { position: Number(position), path, checkpoint } : undefined;
}

/** Whether the proof leads from this entry to the root of its checkpoint. Who signed that is another question. */
export function provesEntry({ position, path, checkpoint }: InclusionProof, entry: string): boolean {
  return rootFromPath(position, checkpoint.size, leafHash(entry), path)?.equals(checkpoint.root) ?? false;
}
