import type { Loose } from "../support/sigstore-instance.ts";
import { type Place, placesIn } from "./json-places.ts";

export const base64 = (bytes: Buffer | string): string => Buffer.from(bytes).toString("base64");

export function placesNamed(tree: Loose, ...names: readonly string[]): readonly Place[] {
  return placesIn(tree).filter(({ key }) => names.includes(key));
}

/** JSON in base64; undefined for what is none. */
export function parsed(text: Loose): Loose {
  try {
    return JSON.parse(Buffer.from(text, "base64").toString());
  } catch {
    return undefined;
  }
}
