import { quote } from "../../core/quote.ts";
import { unsafe } from "./finding.ts";

/**
 * The segments of an entry's name, after refusing every name that a client could unpack outside its folder on any platform.
 * `.` and empty segments are dropped, as every reader drops them: `./a//b/` is `["a", "b"]`.
 * Throws ARCHIVE_UNSAFE.
 */
export function parseEntryPath(name: string): readonly string[] {
  if (name.startsWith("/")) throw unsafe(`entry ${quote(name)} has an absolute name`);
  // On Windows a backslash is a separator and `C:` a drive, so the same name would lead elsewhere there.
  if (name.includes("\\")) throw unsafe(`entry ${quote(name)} has a backslash in its name`);
  if (/^[A-Za-z]:/.test(name)) throw unsafe(`entry ${quote(name)} names a drive`);
  if (hasControlCharacter(name)) throw unsafe(`entry ${quote(name)} has a control character in its name`);
  const segments = name.split("/");
  if (segments.includes("..")) throw unsafe(`entry ${quote(name)} climbs out with ".."`);
  return segments.filter((segment) => segment !== "" && segment !== ".");
}

/**
 * Refuses a symbolic link at `segments` that could lead outside the archive. Throws ARCHIVE_UNSAFE.
 * The text alone is judged. `..` may only stand at the front: there it climbs real folders (the tree refuses entries behind a link),
 * while in `a/../b` it would climb from wherever a link named `a` leads.
 */
export function checkLinkTarget(segments: readonly string[], target: string): void {
  const name = segments.join("/");
  if (target === "" || target.startsWith("/") || target.includes("\\") || /^[A-Za-z]:/.test(target) || hasControlCharacter(target)) {
    throw unsafe(`link ${quote(name)} points outside the archive, to ${quote(target)}`);
  }
  const steps = target.split("/").filter((segment) => segment !== "" && segment !== ".");
  const down = steps.findIndex((segment) => segment !== "..");
  const climbs = down === -1 ? steps.length : down;
  if (climbs > segments.length - 1) throw unsafe(`link ${quote(name)} points outside the archive, to ${quote(target)}`);
  if (steps.slice(climbs).includes("..")) throw unsafe(`link ${quote(name)} climbs from behind a name, to ${quote(target)}`);
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
