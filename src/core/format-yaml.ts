import { stringify } from "yaml";
import type { JsonObject } from "./json.ts";

/** Plain values as YAML in block style, each value on one line and quoted where it would read as another type otherwise. Ends with a line break. */
export function formatYaml(values: JsonObject): string {
  return stringify(values, { lineWidth: 0, defaultStringType: "PLAIN", defaultKeyType: "PLAIN", aliasDuplicateObjects: false });
}
