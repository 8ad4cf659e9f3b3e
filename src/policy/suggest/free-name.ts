const MAX_CHARACTERS = 48;

/** A name in the policy's grammar that is made from `text` and not taken yet: `Acme/Tool.js` is `acme-tool-js`, else `acme-tool-js-2`. */
export function freeName(text: string, isTaken: (name: string) => boolean): string {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const base = words.join("-").slice(-MAX_CHARACTERS).replace(/^-/, "") || "suggested";
  for (let count = 2, name = base; ; count++) {
    if (!isTaken(name)) return name;
    name = `${base}-${count}`;
  }
}
