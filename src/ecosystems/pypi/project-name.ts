/** Longest project name taken from a request or an index. Longer ones do not fit into a file name anyway. */
const MAX_CHARACTERS = 200;

/** https://packaging.python.org/en/latest/specifications/name-normalization/#name-format */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;

/** The project's one canonical name, or undefined for text that no project can be called. */
export function parseProjectName(text: string): string | undefined {
  return text.length <= MAX_CHARACTERS && NAME.test(text) ? normalizeName(text) : undefined;
}

/** PEP 503 normalisation: runs of -, _ and . become one -, letters become lowercase. https://peps.python.org/pep-0503/#normalized-names */
export function normalizeName(text: string): string {
  return text.replace(/[-_.]+/g, "-").toLowerCase();
}

/**
 * Splits `<name>-<version>` where the name may hold dashes itself: at the dash before which the text is a spelling of `project`.
 * There is at most one such dash, since no project name ends with a separator. Answers the version, which is not empty.
 */
export function versionAfterName(text: string, project: string): string | undefined {
  for (let dash = text.indexOf("-"); dash > 0; dash = text.indexOf("-", dash + 1)) {
    if (dash < text.length - 1 && normalizeName(text.slice(0, dash)) === project) return text.slice(dash + 1);
  }
  return undefined;
}
