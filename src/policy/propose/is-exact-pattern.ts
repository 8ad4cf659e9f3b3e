import { isLiteral } from "../../core/glob.ts";
import { parsePurlPattern } from "../purl-pattern.ts";

/** Whether a purl, read as a pattern, means that package and no other. Old npm names may hold a `*`. */
export function isExactPattern(purl: string): boolean {
  const parsed = parsePurlPattern(purl);
  return parsed.ok && Object.values(parsed.value.names).every(isLiteral) && (!parsed.value.version || isLiteral(parsed.value.version));
}
