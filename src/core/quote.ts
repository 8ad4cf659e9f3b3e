const SHOWN_CHARACTERS = 120;

/** Text from outside as it may stand in a sentence: quoted, escaped to printable ASCII, cut in the middle where it is long. */
export function quote(text: string): string {
  const half = SHOWN_CHARACTERS / 2;
  const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, half)}...${text.slice(-half)}` : text;
  return JSON.stringify(shown).replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
