import type { FindingCode } from "./evidence.ts";
import { type Checked, found, passed } from "./finding.ts";
import type { JsonValue } from "./json.ts";
import { parseStrictJson, StrictJsonError } from "./parse-strict-json.ts";

export interface StrictJsonOptions {
  readonly maxBytes: number;
  /** Brackets within brackets. */
  readonly maxDepth: number;
  /** The document's name in a finding: "the DSSE envelope". */
  readonly what: string;
  /** The finding for text that is no such JSON; past a bound it is BUNDLE_LIMIT. */
  readonly malformed: FindingCode;
}

/** Reads signed JSON from outside, at most `maxBytes` of it, as `parseStrictJson` does; what is wrong with it is a value. */
export function readStrictJson(body: Uint8Array, options: StrictJsonOptions): Checked<JsonValue> {
  const { maxBytes, maxDepth, what, malformed } = options;
  if (body.length > maxBytes) return found("BUNDLE_LIMIT", `${what} has ${body.length} bytes, more than ${maxBytes}`);
  try {
    return passed(parseStrictJson(body, maxDepth));
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    return found(error.kind === "limit" ? "BUNDLE_LIMIT" : malformed, `${what} cannot be read: ${error.message}`);
  }
}
