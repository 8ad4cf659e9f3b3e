import { valid } from "@renovatebot/pep440";

const RANGE_CHARACTERS = 256;
const OPERATORS = [">=", ">", "<=", "<", "==", "="] as const;

/** Whether the `aam` client 0.1.0 can read a range: `*`, `^1.2.3`, `~1.2.3`, or comparators with commas between them. It takes no spaces and no `||`. */
export function isClientRange(text: string): boolean {
  if (text.length > RANGE_CHARACTERS) return false;
  const range = text.trim();
  if (range === "*") return true;
  if (range.startsWith("^") || range.startsWith("~")) {
    const version = range.slice(1);
    return /^[0-9]+\.[0-9]+\.[0-9]+/.test(version) && isVersion(version);
  }
  const parts = range.split(",").flatMap((part) => part.trim() || []);
  return parts.length > 0 && parts.every((part) => isVersion(withoutOperator(part)));
}

function withoutOperator(part: string): string {
  const operator = OPERATORS.find((each) => part.startsWith(each));
  return operator === undefined ? part : part.slice(operator.length).trim();
}

function isVersion(text: string): boolean {
  return valid(text) !== null;
}
