import { quote } from "../../../core/quote.ts";
import { foldersAbove } from "./folders-above.ts";
import type { PackageLimits } from "./package-limits.ts";

/** A file, or a link with the path that it points to, relative to its own folder. */
export interface PackedPath {
  readonly path: string;
  readonly target?: string;
}

/**
 * What makes a mirror or a client refuse an archive with these paths, one sentence each; empty where all is well. `entries` are all that the archive holds.
 */
export function pathProblems(
  entries: readonly PackedPath[],
  limits: Pick<PackageLimits, "archiveEntries" | "pathBytes">,
): readonly string[] {
  if (entries.length > limits.archiveEntries) return [`the package has ${entries.length} files, more than ${limits.archiveEntries}`];
  const paths = new Set(entries.map(({ path }) => path));
  const folders = new Set([...paths].flatMap(foldersAbove));
  return [
    ...entries.flatMap(({ path }) => nameProblem(path, limits.pathBytes) ?? []),
    ...normalisationProblems(paths, folders),
    ...entries.flatMap(({ path, target }) => (target === undefined ? [] : (linkProblem(path, target, { paths, folders, limits }) ?? []))),
  ];
}

/** Files that are one file where case does not count, as on macOS and Windows. Legal, but the last one unpacked wins there. */
export function caseCollisions(paths: Iterable<string>): readonly string[] {
  const seen = new Map<string, string>();
  const found: string[] = [];
  for (const path of paths) {
    const folded = path.normalize("NFC").toLowerCase();
    const first = seen.get(folded);
    if (first !== undefined) found.push(`${quote(first)} and ${quote(path)} are one file on macOS and Windows`);
    else seen.set(folded, path);
  }
  return found;
}

function nameProblem(path: string, maxBytes: number): string | undefined {
  const bytes = Buffer.byteLength(path);
  if (bytes > maxBytes) return `${quote(path)} is ${bytes} bytes long, more than ${maxBytes}`;
  return hasForeignSign(path)
    ? `${quote(path)} has a control character, a backslash or a drive in its name, which no archive may`
    : undefined;
}

/** On Windows a backslash is a separator and `C:` a drive. */
function hasForeignSign(text: string): boolean {
  return /[\\\p{Cc}]/u.test(text) || /^[A-Za-z]:/.test(text);
}

/** macOS stores every name in one Unicode form, so two names that are equal after normalisation are one place there. */
function normalisationProblems(paths: ReadonlySet<string>, folders: ReadonlySet<string>): readonly string[] {
  const places = new Map<string, string>();
  for (const folder of folders) places.set(folder.normalize("NFC"), folder);
  const found: string[] = [];
  for (const path of paths) {
    const place = path.normalize("NFC");
    const other = places.get(place);
    if (other !== undefined && other !== path) found.push(`${quote(other)} and ${quote(path)} differ only in their Unicode form`);
    places.set(place, path);
  }
  return found;
}

interface Packed {
  readonly paths: ReadonlySet<string>;
  readonly folders: ReadonlySet<string>;
  readonly limits: Pick<PackageLimits, "pathBytes">;
}

/**
 * A link is kept where its text alone leads to something that is packed: relative, climbing at the front only, through no other link. So it means the same wherever and in
 * whatever order the archive is unpacked, and can never lead out.
 */
function linkProblem(path: string, target: string, { paths, folders, limits }: Packed): string | undefined {
  const link = `link ${quote(path)} points to ${quote(target)}`;
  if (target === "" || target.startsWith("/") || hasForeignSign(target)) return `${link}: expected a relative path inside the package`;
  if (Buffer.byteLength(target) > limits.pathBytes) return `${link}, which is longer than ${limits.pathBytes} bytes`;
  const steps = target.split("/").filter((step) => step !== "" && step !== ".");
  const down = steps.findIndex((step) => step !== "..");
  const climbs = down === -1 ? steps.length : down;
  const folder = path.split("/").slice(0, -1);
  if (climbs > folder.length) return `${link}, outside the package`;
  if (steps.slice(climbs).includes("..")) return `${link}: expected ".." at the front of the path only`;
  const place = [...folder.slice(0, folder.length - climbs), ...steps.slice(climbs)].join("/");
  if (place === "" || path.startsWith(`${place}/`)) return `${link}, a folder that it lies in itself`;
  return paths.has(place) || folders.has(place) ? undefined : `${link}, where nothing is packed`;
}
