import { valid } from "@renovatebot/pep440";
import { parseProjectName } from "./project-name.ts";
import { sameVersion } from "./version.ts";

const MAX_CHARACTERS = 255;
/** Characters of a wheel's name part, version and tags. */
const WHEEL_PART = /^[A-Za-z0-9._+!]+$/;

interface DistributionName {
  readonly project: string;
  readonly version: string;
  /** Undefined for a source distribution. */
  readonly wheel: { readonly build: string; readonly tags: string } | undefined;
}

/**
 * Whether two file names are of one distribution, as PEP 740 asks of an attestation's subject: equal project, version, build and set of tags. Tools write the
 * tags in different orders, and names in different spellings. A name that is none of a wheel (`.whl`) or source distribution (`.tar.gz`, `.zip`) is
 * no distribution's. https://packaging.python.org/en/latest/specifications/index-hosted-attestations/#attestation-verification
 */
export function sameDistribution(left: string, right: string): boolean {
  const [a, b] = [parse(left), parse(right)];
  if (!a || !b || a.project !== b.project || !sameVersion(a.version, b.version)) return false;
  return a.wheel?.build === b.wheel?.build && a.wheel?.tags === b.wheel?.tags;
}

function parse(file: string): DistributionName | undefined {
  if (file.length > MAX_CHARACTERS) return undefined;
  if (file.endsWith(".whl")) return parseWheel(file.slice(0, -".whl".length));
  const ending = [".tar.gz", ".zip"].find((each) => file.endsWith(each));
  return ending === undefined ? undefined : parseSdist(file.slice(0, -ending.length));
}

/** https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-name-convention */
function parseWheel(stem: string): DistributionName | undefined {
  const parts = stem.split("-");
  const tags = parts.splice(-3);
  const [name, version, build, ...more] = parts;
  if (name === undefined || version === undefined || more.length > 0 || tags.length !== 3) return undefined;
  const project = name.includes("__") ? undefined : parseProjectName(name);
  const number = build === undefined ? "" : buildNumber(build);
  if (project === undefined || number === undefined || valid(version) === null || !tags.every((tag) => WHEEL_PART.test(tag)))
    return undefined;
  return { project, version, wheel: { build: number, tags: tags.map(tagSet).join("-") } };
}

/** `1_x` and `01_x` are one build: a number, then text. */
function buildNumber(build: string): string | undefined {
  const digits = build.search(/[^0-9]|$/);
  return digits > 0 && WHEEL_PART.test(build) ? `${build.slice(0, digits).replace(/^0+(?=[0-9])/, "")}/${build.slice(digits)}` : undefined;
}

/** `py3.py2` and `py2.PY3` stand for the same tags. */
function tagSet(tag: string): string {
  return [...new Set(tag.toLowerCase().split("."))].sort().join(".");
}

/** The name may hold dashes, so the version begins after the last. */
function parseSdist(stem: string): DistributionName | undefined {
  const dash = stem.lastIndexOf("-");
  const [project, version] = [parseProjectName(stem.slice(0, Math.max(dash, 0))), stem.slice(dash + 1)];
  return project === undefined || valid(version) === null ? undefined : { project, version, wheel: undefined };
}
