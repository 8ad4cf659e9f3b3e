import { quote } from "../core/quote.ts";
import { usage } from "./usage-error.ts";

/** A number of things as it is typed: digits, 15 at most. Throws USAGE. */
export function parseCount(flag: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw usage(`${flag}: expected a whole number such as 100, got ${quote(text)}`);
}
