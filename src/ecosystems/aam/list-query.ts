import { AssayError } from "../../core/errors.ts";
import type { ArtifactKind } from "./artifact-kinds.ts";

/** Section 12.6. */
const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;

const TEXT_CHARACTERS = 200;
const CURSOR_CHARACTERS = 2000;

/** Which packages are wanted. `category` and `sort` can only be asked for in the UAAPS dialect, `type` only in the AAM one. */
export interface Search {
  readonly q: string | undefined;
  readonly category: string | undefined;
  readonly sort: string | undefined;
  readonly type: ArtifactKind | undefined;
}

/** What a client asks of the package list. */
export interface ListQuery extends Search {
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
    q: searchText(query, "q"),
    category: searchText(query, "category"),
    sort: searchText(query, "sort"),
    type: undefined,
    limit: parseLimit(query.get("limit"), { standard: DEFAULT_LIMIT, max: MAX_LIMIT }),
    cursor: parseCursor(query.get("cursor")),
  };
}

/** The query of the next page: the same one, further on. */
export function formatListQuery({ q, category, sort, limit }: ListQuery, next: Cursor): string {
  const cursor = Buffer.from(JSON.stringify([next.catalogue, next.position ?? null])).toString("base64url");
  const given = Object.entries({ q, category, sort }).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return new URLSearchParams([...given, ["limit", String(limit)], ["cursor", cursor]]).toString();
}

/** Undefined where it is left out or empty. Throws BAD_REQUEST. */
export function searchText(query: URLSearchParams, name: string): string | undefined {
  const value = query.get(name) ?? "";
  if (value.length > TEXT_CHARACTERS) throw new AssayError("BAD_REQUEST", `${name} is longer than ${TEXT_CHARACTERS} characters`);
  return value === "" ? undefined : value;
}

/** Throws BAD_REQUEST for what is no number from 1 on. One past the maximum is lowered to it. */
export function parseLimit(value: string | null, { standard, max }: { readonly standard: number; readonly max: number }): number {
  if (value === null) return standard;
  const limit = parseCount(value);
  if (limit !== undefined) return Math.min(limit, max);
  throw new AssayError("BAD_REQUEST", `expected a limit from 1 to ${max}, got ${JSON.stringify(value.slice(0, 80))}`);
}

/** A whole number from 1 to 999,999,999. */
export function parseCount(value: string): number | undefined {
  const count = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  return count > 0 ? count : undefined;
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
