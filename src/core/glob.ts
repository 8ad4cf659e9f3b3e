import { expected, type Parsed, parsed } from "./parsed.ts";

/** Longest pattern; bounds the work of a match, which is at most pattern length times text length. */
export const MAX_GLOB_CHARACTERS = 512;

/** Steps of `globCovers` past which it answers "no": only patterns made to be slow get there. */
const MAX_COVER_STEPS = 20_000;

const STAR = "*";
const GLOBSTAR = "**";

/**
 * Literal text with `*` and `**` as its only special signs, for the whole of a text. `**` stands for any text, `*` for any without one of `stops`.
 * Never a regular expression: what a policy says must not decide how long a match takes.
 */
export interface Glob {
  /** As written. */
  readonly text: string;
  /** Single characters (UTF-16 units), `*` and `**`. */
  readonly tokens: readonly string[];
  readonly stops: string;
  /** Characters before the first wildcard. */
  readonly prefix: string;
}

export function parseGlob(text: string, stops: string): Parsed<Glob> {
  if (text === "") return expected("a pattern that is not empty");
  if (text.length > MAX_GLOB_CHARACTERS) return expected(`a pattern of at most ${MAX_GLOB_CHARACTERS} characters`);
  if (text.includes("***")) return expected("a pattern with * or **, not more stars in a row");
  const tokens: string[] = [];
  for (let i = 0; i < text.length; i++) {
    const isGlobstar = text.startsWith(GLOBSTAR, i);
    tokens.push(isGlobstar ? GLOBSTAR : text.charAt(i));
    if (isGlobstar) i++;
  }
  const star = text.indexOf(STAR);
  return parsed({ text, tokens, stops, prefix: star < 0 ? text : text.slice(0, star) });
}

/** Whether the pattern has no wildcard, so that it matches one text. */
export function isLiteral(glob: Glob): boolean {
  return glob.prefix === glob.text;
}

/** Whether the pattern matches the whole of `text`. Every way through the pattern is followed at once, so no text makes it slow. */
export function matchGlob(glob: Glob, text: string): boolean {
  if (!text.startsWith(glob.prefix)) return false;
  if (isLiteral(glob)) return text.length === glob.prefix.length;
  let places = closure(glob, [glob.prefix.length]);
  for (let i = glob.prefix.length; i < text.length && places.length > 0; i++) places = step(glob, places, text.charAt(i));
  return places.at(-1) === glob.tokens.length;
}

/** Whether every text that `inner` matches is matched by `outer` too. Answers false where that would take too long to find out. */
export function globCovers(outer: Glob, inner: Glob): boolean {
  if (isLiteral(inner)) return matchGlob(outer, inner.text);
  if (isLiteral(outer) || !inner.prefix.startsWith(outer.prefix)) return false;
  const alphabet = new Set([...outer.tokens, ...inner.tokens, ...outer.stops, ...inner.stops].filter((token) => token.length === 1));
  alphabet.delete(STAR);
  // One character that neither pattern names speaks for all of them.
  let other = 0xe000;
  while (alphabet.has(String.fromCharCode(other))) other++;
  alphabet.add(String.fromCharCode(other));

  const seen = new Set<string>();
  const waiting = [{ left: closure(outer, [0]), right: closure(inner, [0]) }];
  for (let state = waiting.pop(); state; state = waiting.pop()) {
    if (state.right.at(-1) === inner.tokens.length && state.left.at(-1) !== outer.tokens.length) return false;
    for (const character of alphabet) {
      const right = step(inner, state.right, character);
      if (right.length === 0) continue;
      const left = step(outer, state.left, character);
      const key = `${left}|${right}`;
      if (seen.has(key)) continue;
      if (seen.size >= MAX_COVER_STEPS) return false;
      seen.add(key);
      waiting.push({ left, right });
    }
  }
  return true;
}

/** The places in the pattern, in order, that can be reached with one more character. */
function step(glob: Glob, places: readonly number[], character: string): number[] {
  const next: number[] = [];
  for (const place of places) {
    const token = glob.tokens[place];
    if (token === GLOBSTAR || (token === STAR && !glob.stops.includes(character))) next.push(place);
    else if (token === character && token !== STAR) next.push(place + 1);
  }
  return closure(glob, next);
}

/** A wildcard may stand for nothing, so the place after it is reached together with it. `places` ascend, and so does the answer. */
function closure(glob: Glob, places: readonly number[]): number[] {
  const reached: number[] = [];
  for (const place of places) {
    let at = place;
    while (at > (reached.at(-1) ?? -1)) {
      reached.push(at);
      if (isWildcard(glob.tokens[at])) at++;
    }
  }
  return reached;
}

function isWildcard(token: string | undefined): boolean {
  return token === STAR || token === GLOBSTAR;
}
