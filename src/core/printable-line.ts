/**
 * Text for a header value, a reason phrase or a mark on an index page: one line of printable ASCII, at most `maxCharacters` long. What it is made from may
 * come from a registry, and a line break in it would start a header of somebody else's choosing.
 */
export function printableLine(text: string, maxCharacters: number): string {
  const line = text
    .replaceAll("…", "...")
    .replace(/[^\x20-\x7e]+/g, " ")
    .replace(/ {2,}/g, " ")
    .trim();
  return line.length <= maxCharacters ? line : `${line.slice(0, maxCharacters - 3)}...`;
}
