import { AssayError } from "../../core/errors.ts";

/** A value within a JSON text: the bytes from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The value of one member of an object; its key, quotes included, begins at `keyStart`. */
export interface Member extends Span {
  readonly keyStart: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * The members of the object at `span`, as places in the text: a packument of 60 MB is served from its bytes, since its tree would take
 * many times that. Undefined where the value is no object. Where a key occurs twice the last counts, as with JSON.parse.
 * Only the object's own commas and colons are checked; values are checked when somebody parses them.
 * Throws UPSTREAM_MALFORMED for text that is not JSON, UPSTREAM_LIMIT past `maxMembers`.
 */
export function membersOf(
  json: Buffer,
  span: Span,
  options: { readonly maxMembers: number; readonly source: string },
): Map<string, Member> | undefined {
  const { source, maxMembers } = options;
  const malformed = () => new AssayError("UPSTREAM_MALFORMED", `${source} is not valid JSON`);
  let at = afterSpace(json, span.start, span.end);
  if (json[at] !== OPEN_BRACE) return undefined;
  const members = new Map<string, Member>();
  at = afterSpace(json, at + 1, span.end);
  if (json[at] === CLOSE_BRACE) return members;
  for (let count = 1; ; count++) {
    if (count > maxMembers) throw new AssayError("UPSTREAM_LIMIT", `${source} has an object with more than ${maxMembers} members`);
    const keyStart = at;
    const keyEnd = afterValue(json, keyStart, span.end);
    const key = json[keyStart] === QUOTE ? parseKey(json, keyStart, keyEnd) : undefined;
    const colon = afterSpace(json, keyEnd, span.end);
    if (key === undefined || json[colon] !== COLON) throw malformed();
    const start = afterSpace(json, colon + 1, span.end);
    const end = afterValue(json, start, span.end);
    if (end <= start) throw malformed();
    members.set(key, { keyStart, start, end });
    at = afterSpace(json, end, span.end);
    if (at < span.end && json[at] === CLOSE_BRACE) break;
    if (at >= span.end || json[at] !== COMMA) throw malformed();
    at = afterSpace(json, at + 1, span.end);
  }
  if (afterSpace(json, at + 1, span.end) !== span.end) throw malformed();
  return members;
}

/** Undefined for a string that is none in JSON. Nearly all keys are plain ASCII, which needs no parser: a packument has 100,000 of them. */
function parseKey(json: Buffer, start: number, end: number): string | undefined {
  if (isPlainAscii(json, start + 1, end - 1)) return json.toString("latin1", start + 1, end - 1);
  try {
    const key: unknown = JSON.parse(json.toString("utf8", start, end));
    return typeof key === "string" ? key : undefined;
  } catch {
    return undefined;
  }
}

function isPlainAscii(json: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = json[at] ?? 0;
    if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return false;
  }
  return true;
}

function afterSpace(json: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && (json[at] === 0x20 || json[at] === 0x0a || json[at] === 0x0d || json[at] === 0x09)) at++;
  return at;
}

/** The place after the value at `from`; `from` itself where there is none, `end` where it does not close. No recursion. */
function afterValue(json: Buffer, from: number, end: number): number {
  const first = json[from];
  if (first === QUOTE) return afterString(json, from, end);
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return afterLiteral(json, from, end);
  let depth = 0;
  for (let at = from; at < end; at++) {
    const byte = json[at];
    if (byte === QUOTE) at = afterString(json, at, end) - 1;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) return at + 1;
  }
  return end;
}

function afterString(json: Buffer, from: number, end: number): number {
  for (let at = from + 1; at < end; at++) {
    const byte = json[at];
    if (byte === BACKSLASH) at++;
    else if (byte === QUOTE) return at + 1;
  }
  return end;
}

/** Numbers, `true`, `false`, `null`. */
function afterLiteral(json: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = json[at] ?? 0;
    const isPart =
      (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x45 || byte === 0x2b || byte === 0x2d || byte === 0x2e;
    if (!isPart) break;
    at++;
  }
  return at;
}
