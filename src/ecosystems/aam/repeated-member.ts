/**
 * The first key that the outermost object of a valid JSON text has twice; undefined where each is there once. Some readers take the first of two, some
 * the last, so a manifest with two names is two packages. One pass, no recursion.
 */
export function repeatedMember(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    if (character !== '"') continue;
    const end = endOfString(text, i);
    if (depth === 1 && isFollowedByColon(text, end)) {
      const key = JSON.parse(text.slice(i, end)) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
    i = end - 1;
  }
  return undefined;
}

/** The position after the closing quote. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}

function isFollowedByColon(text: string, position: number): boolean {
  for (let i = position; i < text.length; i++) {
    if (text[i] === ":") return true;
    if (!" \t\r\n".includes(text[i] ?? "")) return false;
  }
  return false;
}
