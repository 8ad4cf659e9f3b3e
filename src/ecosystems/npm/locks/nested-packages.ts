import type { Complaints } from "../../../core/complaints.ts";
import { isJsonObject } from "../../../core/json.ts";
import { JsonFields, JsonShapeError } from "../../../core/json-fields.ts";
import { quote } from "../../../core/quote.ts";

/** One package of a lock in version 1. */
export interface NestedPackage {
  /** `dependencies["a"].dependencies["b"]`. */
  readonly at: string;
  /** Foreign text. */
  readonly name: string;
  /** Whether it is in a package, and not in the project itself. */
  readonly isInPackage: boolean;
  readonly fields: JsonFields;
}

/** Every package, those within packages too, each after the one that it is in. How deep they nest is bounded where the JSON is parsed. */
export function nestedPackages(fields: JsonFields, { complaints }: { readonly complaints: Complaints }): readonly NestedPackage[] {
  const found: NestedPackage[] = [];
  const open: { readonly at: string; readonly fields: JsonFields }[] = [{ at: "", fields }];
  for (let around = open.pop(); around !== undefined; around = open.pop()) {
    const { at: place, fields: outer } = around;
    const inside = complaints.collect(place, () => dependenciesOf(outer, place)) ?? [];
    found.push(...inside);
    open.push(...inside);
  }
  return found;
}

function dependenciesOf(fields: JsonFields, place: string): readonly NestedPackage[] {
  const dependencies = fields.value("dependencies") ?? {};
  const at = place === "" ? "dependencies" : `${place}.dependencies`;
  if (!isJsonObject(dependencies)) throw new JsonShapeError(`${at}: expected a map of names to what is installed`);
  return Object.entries(dependencies).map(([name, value]) => {
    const entry = `${at}[${quote(name)}]`;
    return { at: entry, name, isInPackage: place !== "", fields: new JsonFields(value, entry) };
  });
}
