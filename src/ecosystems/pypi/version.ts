import { eq, valid } from "@renovatebot/pep440";

/** Numbers of more digits lose precision as JavaScript numbers, so such versions are compared as text. */
const INEXACT_NUMBER = /[0-9]{16}/;

/**
 * Whether two spellings name one version: by PEP 440 (`1.0` is `1.0.0`, `1.0-RC.1` is `1.0rc1`), and by setuptools' old escaping
 * where either is older than that standard. https://packaging.python.org/en/latest/specifications/version-specifiers/
 */
export function sameVersion(left: string, right: string): boolean {
  const [a, b] = [splitLocal(left), splitLocal(right)];
  if (!isStandard(a.public) || !isStandard(b.public)) return escapeLegacy(left) === escapeLegacy(right);
  return eq(a.public, b.public) && a.local === b.local;
}

function isStandard(version: string): boolean {
  return valid(version) !== null && !INEXACT_NUMBER.test(version);
}

/**
 * File names write `_` for `-`, which PEP 440 takes for the same separator nearly everywhere, but not in `1.0-1`.
 * The local part is compared here: as text with one separator, numbers without leading zeros.
 */
function splitLocal(version: string): { public: string; local: string } {
  const text = version.replaceAll("_", "-").toLowerCase();
  const plus = text.indexOf("+");
  if (plus < 0) return { public: text, local: "" };
  const segments = text.slice(plus + 1).split(/[-.]/);
  return { public: text.slice(0, plus), local: segments.map((segment) => segment.replace(/^0+(?=[0-9]+$)/, "")).join(".") };
}

/** What setuptools made of versions that no standard knew: spaces to dots, runs of anything else to one dash. */
function escapeLegacy(version: string): string {
  return version
    .toLowerCase()
    .replaceAll(" ", ".")
    .replace(/[^a-z0-9.]+/g, "-");
}
