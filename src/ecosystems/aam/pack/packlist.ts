import { type FileGlob, matchesPath } from "./file-glob.ts";

/** Names that section 12.1 excludes. As in a `.gitignore`, a name without a folder before it holds at every depth: nested repositories and environments exist. */
const EXCLUDED_NAMES: ReadonlySet<string> = new Set([
  ".git",
  ".hg",
  ".svn",
  ".agent-packages",
  "node_modules",
  ".venv",
  "venv",
  "__pycache__",
  ".DS_Store",
  "Thumbs.db",
  "package.agent.lock",
]);
const EXCLUDED_ENDING = ".pyc";
const EXCLUDED_FOLDER = "evals/reports";

const ALWAYS: ReadonlySet<string> = new Set([
  "package.agent.json",
  "README",
  "README.md",
  "LICENSE",
  "LICENSE.md",
  "CHANGELOG",
  "CHANGELOG.md",
]);

/** Whether a path (of a file, or of a folder with all in it) is never packed, whatever `files` says. */
export function isExcluded(path: string): boolean {
  const segments = path.split("/");
  return (
    segments.some((segment) => EXCLUDED_NAMES.has(segment) || segment.endsWith(EXCLUDED_ENDING)) ||
    path === EXCLUDED_FOLDER ||
    path.startsWith(`${EXCLUDED_FOLDER}/`)
  );
}

/**
 * Whether a file belongs into the archive: the selection of section 12.1, in which the exclusions win over all else. Without `files` everything does.
 * https://github.com/uaaps/uaaps_docs, "Archive File Selection"
 */
export function isSelected(path: string, files: readonly FileGlob[] | undefined): boolean {
  if (isExcluded(path)) return false;
  return files === undefined || ALWAYS.has(path) || files.some((glob) => matchesPath(glob, path));
}
