import type { FindingCode } from "./evidence.ts";
import { type Checked, found, passed } from "./finding.ts";
import type { JsonValue } from "./json.ts";

export interface StrictJsonOptions {
  readonly maxBytes: number;
  /** Brackets within brackets. */
  readonly maxDepth: number;
  /** The document's name in a finding: "the DSSE envelope". */
  readonly what: string;
  /** The finding for text that is no such JSON; past a bound it is BUNDLE_LIMIT. */
  readonly malformed: FindingCode;
}

/**
 * Reads signed JSON from outside so that every reader sees the same in it: at most `maxBytes`, valid UTF-8 without a byte order mark, and no key twice
 * in any object. JSON.parse takes the last of two keys, other parsers the first or both: a document with two subjects would be two documents.
 */
export function readStrictJson(body: Uint8Array, options: StrictJsonOptions): Checked<JsonValue> {
  const { maxBytes, maxDepth, what, malformed } = options;
  if (body.length > maxBytes) return found("BUNDLE_LIMIT", `${what} has ${body.length} bytes, more than ${maxBytes}`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    const outline = outlineOf(text);
    if (outline.depth > maxDepth) return found("BUNDLE_LIMIT", `${what} nests deeper than ${maxDepth} levels`);
    const value = JSON.parse(text) as JsonValue;
    return outline.repeatsKey ? found(malformed, `${what} has an object with the same key twice`) : passed(value);
  } catch {
    return found(malformed, `${what} is not valid JSON in UTF-8`);
  }
}

/** One pass, no recursion. What it says of text that is not JSON means nothing. Throws SyntaxError for a key that is no JSON string. */
function outlineOf(text: string): { readonly depth: number; readonly repeatsKey: boolean } {
  const open: Set<string>[] = [];
  let depth = 0;
  let repeatsKey = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{" || character === "[") depth = Math.max(depth, open.push(new Set()));
    else if (character === "}" || character === "]") open.pop();
    else if (character === '"') {
      const end = endOfString(text, at);
      if (isFollowedByColon(text, end)) {
        const keys = open.at(-1);
        // Parsed, since "a" and "\u0061" are one key.
        const key = JSON.parse(text.slice(at, end)) as string;
        if (keys?.has(key)) repeatsKey = true;
        keys?.add(key);
      }
      at = end - 1;
    }
  }
  return { depth, repeatsKey };
}

/** The position after the closing quote. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function isFollowedByColon(text: string, position: number): boolean {
  let at = position;
  while (text[at] === " " || text[at] === "\t" || text[at] === "\r" || text[at] === "\n") at++;
  return text[at] === ":";
}
