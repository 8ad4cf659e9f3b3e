import { AssayError } from "../errors.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import { parseStrictJsonObject, StrictJsonError } from "../parse-strict-json.ts";
import { formatProof, type InclusionProof, parseProof } from "./inclusion-proof.ts";

/** An entry, byte for byte as it is in the log, with the proof that it is there. */
export interface ProvenEntry {
  readonly entry: string;
  readonly proof: InclusionProof;
}

/** Entries of one file. */
export const MAX_PROVEN_ENTRIES = 10_000;
/** Bytes of one file. */
export const MAX_PROOFS_BYTES = 64 * 1024 * 1024;

const FORMAT = "assay-decision-proofs@v1";
const MAX_DEPTH = 4;

/** A file of entries, each with a C2SP tlog-proof of its own: all that is needed to prove them but the log's key. */
export function formatDecisionProofs(entries: readonly ProvenEntry[]): string {
  const written = entries.map(({ entry, proof }) => ({ entry, proof: formatProof(proof) }));
  return `${JSON.stringify({ format: FORMAT, entries: written }, undefined, 2)}\n`;
}

/** Reads such a file. Nothing in it is verified. Throws BAD_REQUEST, naming the entry, for what is none. */
export function parseDecisionProofs(body: Uint8Array): readonly ProvenEntry[] {
  const { format, entries } = parseObject(body);
  if (format !== FORMAT || !Array.isArray(entries)) throw wrong(`expected a file of \`assay log prove\` with format ${FORMAT}`);
  if (entries.length === 0 || entries.length > MAX_PROVEN_ENTRIES)
    throw wrong(`expected 1 to ${MAX_PROVEN_ENTRIES} entries, got ${entries.length}`);
  return entries.map((item: unknown, index) => {
    const { entry, proof: text } = isJsonObject(item) ? item : {};
    const proof = typeof text === "string" ? parseProof(text) : undefined;
    if (typeof entry !== "string" || !proof)
      throw wrong(`entry ${index} of the file, counted from 0, has no proof in the form of c2sp.org/tlog-proof@v1`);
    return { entry, proof };
  });
}

function parseObject(body: Uint8Array): JsonObject {
  if (body.length > MAX_PROOFS_BYTES) throw wrong(`the proof has more than ${MAX_PROOFS_BYTES} bytes`);
  try {
    return parseStrictJsonObject(body, MAX_DEPTH);
  } catch (error) {
    if (error instanceof StrictJsonError) throw wrong(`the proof cannot be read: ${error.message}`);
    throw error;
  }
}

function wrong(message: string): AssayError {
  return new AssayError("BAD_REQUEST", message);
}
