/**
 * Text for a header value or a reason phrase: one line of printable ASCII, at most `maxCharacters` long. What it is made from may come from a
 * registry, and a line break in it would start a header of somebody else's choosing.
 */
export function headerText(text: string, maxCharacters: number): string {
  const line = text
    .replaceAll("…", "...")
    .replace(/[^\x20-\x7e]+/g, " ")
    .replace(/ {2,}/g, " ")
    .trim();
  return line.length <= maxCharacters ? line : `${line.slice(0, maxCharacters - 3)}...`;
}

/**
 * Text for a body that clients print on a terminal: no control characters, none that change the direction of writing, none that cannot be seen.
 * The archive that a sentence is about may have chosen some of its words.
 */
export function visibleText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, " ");
}
