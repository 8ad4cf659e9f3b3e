import { AssayError } from "./errors.ts";

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

/**
 * Parses JSON from outside. Throws UPSTREAM_MALFORMED for text that is not UTF-8 JSON, UPSTREAM_LIMIT for deeper nesting than `maxDepth`:
 * the parser itself would take it, but code that walks the value recursively would not.
 * `source` names the document in the message.
 */
export function parseJson(body: Buffer, options: { maxDepth: number; source: string }): JsonValue {
  if (nestingOf(body) > options.maxDepth) {
    throw new AssayError("UPSTREAM_LIMIT", `${options.source} nests deeper than ${options.maxDepth} levels`, {
      help: "raise limits.json_depth if that is right",
    });
  }
  try {
    return JSON.parse(body.toString("utf8")) as JsonValue;
  } catch (error) {
    throw new AssayError("UPSTREAM_MALFORMED", `${options.source} is not valid JSON`, { cause: error });
  }
}

/** The same for a document that must be an object. */
export function parseJsonObject(body: Buffer, options: { maxDepth: number; source: string }): JsonObject {
  const value = parseJson(body, options);
  if (!isJsonObject(value)) throw new AssayError("UPSTREAM_MALFORMED", `${options.source} is JSON, but not an object`);
  return value;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Deepest nesting of brackets outside strings. One pass over the bytes, no recursion. */
function nestingOf(body: Buffer): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return deepest;
}
