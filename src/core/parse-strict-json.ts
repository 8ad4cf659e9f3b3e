import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import { quote } from "./quote.ts";

/** Why a text is not JSON that every reader reads alike. `limit`: it nests deeper than allowed. */
export class StrictJsonError extends Error {
  readonly kind: "malformed" | "limit";

  constructor(kind: "malformed" | "limit", message: string) {
    super(message);
    this.name = "StrictJsonError";
    this.kind = kind;
  }
}

/**
 * Parses JSON that is evidence. Of two members with one name some readers take the first, some the last, and bytes that are not UTF-8 become
 * different characters in different readers, as do halves of surrogate pairs: a signature over such a text says two things. All are refused, as is a byte order mark.
 * Throws StrictJsonError; the message is one clause of printable text.
 */
export function parseStrictJson(body: Uint8Array, maxDepth: number): JsonValue {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new StrictJsonError("malformed", "it is not UTF-8");
  }
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    throw new StrictJsonError("malformed", "it is not JSON");
  }
  checkMembers(text, maxDepth);
  return value;
}

/** The same for a document that must be an object. */
export function parseStrictJsonObject(body: Uint8Array, maxDepth: number): JsonObject {
  const value = parseStrictJson(body, maxDepth);
  if (!isJsonObject(value)) throw new StrictJsonError("malformed", "it is JSON, but not an object");
  return value;
}

/** One pass over a text that is known to be JSON, without recursion: what is open, and the names each open object has so far. */
function checkMembers(text: string, maxDepth: number): void {
  const open: (Set<string> | undefined)[] = [];
  let nameExpected = false;
  for (let position = 0; position < text.length; position++) {
    switch (text[position]) {
      case "{":
      case "[":
        nameExpected = text[position] === "{";
        open.push(nameExpected ? new Set() : undefined);
        if (open.length > maxDepth) throw new StrictJsonError("limit", `it nests deeper than ${maxDepth} levels`);
        break;
      case "}":
      case "]":
        open.pop();
        nameExpected = false;
        break;
      case ",":
        nameExpected = open.at(-1) !== undefined;
        break;
      case '"': {
        const end = endOfString(text, position);
        const string = text.slice(position, end);
        if (string.includes("\\u") && !(JSON.parse(string) as string).isWellFormed())
          throw new StrictJsonError("malformed", "it has half of a surrogate pair, which is no character");
        if (nameExpected) addName(open.at(-1), JSON.parse(string) as string);
        nameExpected = false;
        position = end - 1;
        break;
      }
    }
  }
}

function addName(names: Set<string> | undefined, name: string): void {
  if (names?.has(name)) throw new StrictJsonError("malformed", `it has the member ${quote(name)} twice`);
  names?.add(name);
}

/** The position after the closing quote. */
function endOfString(text: string, start: number): number {
  let position = start + 1;
  while (text[position] !== '"') position += text[position] === "\\" ? 2 : 1;
  return position + 1;
}
