import { isJsonObject } from "./json.ts";

/**
 * The one text of a value of plain JSON, so that two parties hash the same bytes: no white space, members sorted by their names' UTF-16 code units, numbers and strings
 * as ECMAScript writes them, members that are undefined left out. For values of our own making: it recurses. https://www.rfc-editor.org/rfc/rfc8785
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const names = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`).join(",")}}`;
}
