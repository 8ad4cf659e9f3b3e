const SHOWN_CHARACTERS = 120;

/** Text from outside as it may stand in a sentence: quoted, escaped to printable ASCII, cut in the middle where it is long. */
export function quote(text: string): string {
  return escaped(JSON.stringify(shortened(text)));
}

/** The same for any value out of JSON; `nothing` for one that is not there. */
export function quoteValue(value: unknown): string {
  return typeof value === "string" ? quote(value) : escaped(shortened(JSON.stringify(value) ?? "nothing"));
}

function shortened(text: string): string {
  const half = SHOWN_CHARACTERS / 2;
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, half)}...${text.slice(-half)}` : text;
}

function escaped(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
