import { AssayError } from "../../core/errors.ts";

/** Section 12.6. */
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

const TEXT_CHARACTERS = 200;
const CURSOR_CHARACTERS = 2000;

/** What a client asks of the package list. */
export interface ListQuery {
  readonly q: string | undefined;
  readonly category: string | undefined;
  readonly sort: string | undefined;
  readonly limit: number;
  readonly cursor: Cursor;
}

/** Where a page begins: in which catalogue of the repository, and where in it, in that catalogue's own words; undefined is its beginning. */
export interface Cursor {
  readonly catalogue: number;
  readonly position: string | undefined;
}

/** Throws BAD_REQUEST. A limit past the maximum is lowered to it, as the specification has it. */
export function parseListQuery(query: URLSearchParams): ListQuery {
  return {
    q: text(query, "q"),
    category: text(query, "category"),
    sort: text(query, "sort"),
    limit: parseLimit(query.get("limit")),
    cursor: parseCursor(query.get("cursor")),
  };
}

/** The query of the next page: the same one, further on. */
export function formatListQuery({ q, category, sort, limit }: ListQuery, next: Cursor): string {
  const cursor = Buffer.from(JSON.stringify([next.catalogue, next.position ?? null])).toString("base64url");
  const given = Object.entries({ q, category, sort }).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return new URLSearchParams([...given, ["limit", String(limit)], ["cursor", cursor]]).toString();
}

function text(query: URLSearchParams, name: string): string | undefined {
  const value = query.get(name) ?? "";
  if (value.length > TEXT_CHARACTERS) throw new AssayError("BAD_REQUEST", `${name} is longer than ${TEXT_CHARACTERS} characters`);
  return value === "" ? undefined : value;
}

function parseLimit(value: string | null): number {
  if (value === null) return DEFAULT_LIMIT;
  const limit = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (limit > 0) return Math.min(limit, MAX_LIMIT);
  throw new AssayError("BAD_REQUEST", `expected a limit from 1 to ${MAX_LIMIT}, got ${JSON.stringify(value.slice(0, 80))}`);
}

function parseCursor(value: string | null): Cursor {
  if (value === null) return { catalogue: 0, position: undefined };
  const cursor = value.length <= CURSOR_CHARACTERS ? decodeCursor(value) : undefined;
  if (cursor) return cursor;
  throw new AssayError("BAD_REQUEST", "the cursor is not one of this repository's", { help: "start again without it" });
}

function decodeCursor(value: string): Cursor | undefined {
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(value, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
  if (!Array.isArray(decoded) || decoded.length !== 2) return undefined;
  const [catalogue, position] = decoded as readonly unknown[];
  if (typeof catalogue !== "number" || !Number.isInteger(catalogue) || catalogue < 0) return undefined;
  if (position !== null && typeof position !== "string") return undefined;
  return { catalogue, position: position ?? undefined };
}
