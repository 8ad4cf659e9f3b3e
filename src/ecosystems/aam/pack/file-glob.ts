import { type Glob, isLiteral, matchGlob, parseGlob } from "../../../core/glob.ts";
import { expected, type Parsed, parsed } from "../../../core/parsed.ts";

const ANY_FOLDERS = "**";

/** One entry of a manifest's `files`, made only by `parseFileGlob`. */
export interface FileGlob {
  /** As written. */
  readonly text: string;
  /** One for each segment of a path, `**` for any number of them. */
  readonly segments: readonly (Glob | typeof ANY_FOLDERS)[];
}

/**
 * The specification names no dialect of globs, so this is what all of them share: `*` is any text within one segment of a path, leading dots included (what must not go
 * out is told as a warning), `**` any number of segments. What only some dialects know is an error rather than a silent no match. No regular expression is ever
 * made: the manifest may be a stranger's, whose package is being rebuilt.
 */
export function parseFileGlob(written: string): Parsed<FileGlob> {
  if (written.startsWith("!")) return expected("a pattern that is not negated");
  if (/[?[\]{}\\]/.test(written))
    return expected("a pattern of text, * and ** with forward slashes, the only signs that all readers share");
  const text = written.replace(/^(?:\.\/)+/, "");
  if (text.startsWith("/") || /^[A-Za-z]:/.test(text)) return expected("a pattern relative to the package's root");
  // A folder's name with a slash behind it stands for all that is in it.
  const parts = (text.endsWith("/") ? `${text}**/*` : text).split("/");
  const segments: (Glob | typeof ANY_FOLDERS)[] = [];
  for (const part of parts) {
    if (part === "" || part === "." || part === "..") return expected("a pattern that stays inside the package, without empty segments");
    if (part === ANY_FOLDERS) {
      if (segments.at(-1) !== ANY_FOLDERS) segments.push(ANY_FOLDERS);
      continue;
    }
    if (part.includes(ANY_FOLDERS)) return expected("a pattern with ** as a whole segment only");
    const glob = parseGlob(part, "/");
    if (!glob.ok) return glob;
    segments.push(glob.value);
  }
  return parsed({ text: written, segments });
}

/** Whether the pattern matches the whole path, or, where it has no wildcard, a folder above it. */
export function matchesPath({ segments }: FileGlob, path: string): boolean {
  const steps = path.split("/");
  const namesFolder = segments.every((segment) => segment !== ANY_FOLDERS && isLiteral(segment));
  // The places in the pattern that can be reached with one more step of the path; followed all at once, so no path makes it slow.
  let places = skipAny(segments, new Set([0]));
  for (const step of steps) {
    if (namesFolder && places.has(segments.length)) return true;
    const next = new Set<number>();
    for (const place of places) {
      const segment = segments[place];
      if (segment === ANY_FOLDERS) next.add(place);
      else if (segment !== undefined && matchGlob(segment, step)) next.add(place + 1);
    }
    places = skipAny(segments, next);
  }
  return places.has(segments.length);
}

/** `**` may stand for nothing, so the place after it is reached together with it. Two never stand in a row. */
function skipAny(segments: FileGlob["segments"], places: ReadonlySet<number>): ReadonlySet<number> {
  return new Set([...places].flatMap((place) => (segments[place] === ANY_FOLDERS ? [place, place + 1] : [place])));
}
