/** A line for a terminal: control, formatting and other invisible characters are escaped. What it says may come from a registry. */
export function printable(line: string): string {
  return line.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
