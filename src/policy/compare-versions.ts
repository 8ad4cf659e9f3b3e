import { compare as comparePep440, parse as parsePep440, valid } from "@renovatebot/pep440";
import semver, { type SemVer } from "semver";
import type { EcosystemId } from "../core/artifact.ts";

/** What every ecosystem's versions fit in; bounds the work of the parsers. */
const MAX_VERSION_CHARACTERS = 256;

/** Numbers of more digits lose precision as JavaScript numbers. */
const INEXACT_NUMBER = /[0-9]{16}/;

/**
 * Negative, zero or positive as `left` is older than, the same as or newer than `right`: SemVer for npm and AAM, PEP 440 for PyPI.
 * Undefined where one of them is no version of its ecosystem, so that no order can be told.
 */
export function compareVersions(ecosystem: EcosystemId, left: string, right: string): number | undefined {
  if (left === right) return 0;
  if (ecosystem === "pypi") return isPep440(left) && isPep440(right) ? comparePep440(left, right) : undefined;
  const [a, b] = [parseSemver(left), parseSemver(right)];
  return a && b ? a.compare(b) : undefined;
}

/** One spelling for all those of a version that PEP 440 takes for the same; undefined for what it takes for no version. Not a version itself. */
export function pep440Key(version: string): string | undefined {
  const parsed = isPep440(version) ? parsePep440(version) : null;
  if (!parsed) return undefined;
  const { epoch, release, pre, post, dev, local } = parsed;
  const significant = release.slice(0, release.findLastIndex((number) => number !== 0) + 1);
  return JSON.stringify([epoch, significant, pre, post, dev, local]);
}

function isPep440(text: string): boolean {
  return text.length <= MAX_VERSION_CHARACTERS && !INEXACT_NUMBER.test(text) && valid(text) !== null;
}

/** Whether the ecosystem can put this version in an order. */
function isVersion(ecosystem: EcosystemId, text: string): boolean {
  return ecosystem === "pypi" ? isPep440(text) : parseSemver(text) !== null;
}

/** A page has each of its versions compared with each bound of each range, and to parse one takes twenty times as long as to compare two. */
const parsedLately = new Map<string, SemVer | null>();
const MAX_PARSED_LATELY = 20_000;

function parseSemver(text: string): SemVer | null {
  if (text.length > MAX_VERSION_CHARACTERS) return null;
  const known = parsedLately.get(text);
  if (known !== undefined) return known;
  if (parsedLately.size >= MAX_PARSED_LATELY) parsedLately.clear();
  const version = INEXACT_NUMBER.test(text) ? null : semver.parse(text, { loose: true });
  parsedLately.set(text, version);
  return version;
}

/** Text as people write it in ranges: `2` and `2.1` are 2.0.0 and 2.1.0. Undefined for what is no version. */
export function completeVersion(ecosystem: EcosystemId, text: string): string | undefined {
  const completed = ecosystem !== "pypi" && /^\d{1,15}(?:\.\d{1,15})?$/.test(text) ? `${text}${text.includes(".") ? ".0" : ".0.0"}` : text;
  return isVersion(ecosystem, completed) ? completed : undefined;
}
