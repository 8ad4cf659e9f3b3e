/** Escapes control, formatting and other invisible characters, so that foreign text can neither move a cursor, nor hide or turn around what stands beside it. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

const SHOWN_CHARACTERS = 300;

/** Foreign text for people to read: `printable`, and cut in its middle where nobody would read all of it. Its end is what tells one address from another. */
export function shown(text: string): string {
  const half = SHOWN_CHARACTERS / 2;
  return printable(text.length > SHOWN_CHARACTERS ? `${text.slice(0, half)} ... ${text.slice(-half)}` : text);
}
