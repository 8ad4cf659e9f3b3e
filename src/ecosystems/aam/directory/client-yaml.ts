import { stringify } from "yaml";
import type { JsonObject, JsonValue } from "../../../core/json.ts";
import { visibleText } from "../../../core/visible-text.ts";

/**
 * YAML as the `aam` client's parser reads it, which is of YAML 1.1: there `no` is false, `2026-01-01` a date and `1_0` a number, also where they are keys. So every text is
 * quoted. What that parser does not take at all would make a whole file unreadable for one character in one description, so that it is left out. And the client prints texts
 * as markup: a `[/b]` in one of them ends every search that finds it with a traceback. Square brackets become round ones.
 */
export function clientYaml(values: JsonObject): string {
  return stringify(readable(values), {
    version: "1.1",
    lineWidth: 0,
    defaultStringType: "QUOTE_DOUBLE",
    defaultKeyType: "QUOTE_DOUBLE",
    aliasDuplicateObjects: false,
  });
}

function readable(value: JsonValue): JsonValue {
  if (typeof value === "string") {
    return visibleText(value)
      .replace(/[\ufffe\uffff]/g, " ")
      .replaceAll("[", "(")
      .replaceAll("]", ")");
  }
  if (Array.isArray(value)) return value.map(readable);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, readable(each)]));
}
