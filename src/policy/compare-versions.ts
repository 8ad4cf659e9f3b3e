import { compare as comparePep440, valid } from "@renovatebot/pep440";
import semver from "semver";
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
  if (!isVersion(ecosystem, left) || !isVersion(ecosystem, right)) return undefined;
  return ecosystem === "pypi" ? comparePep440(left, right) : semver.compare(left, right, { loose: true });
}

/** Whether the ecosystem can put this version in an order. */
function isVersion(ecosystem: EcosystemId, text: string): boolean {
  if (text.length > MAX_VERSION_CHARACTERS || INEXACT_NUMBER.test(text)) return false;
  return ecosystem === "pypi" ? valid(text) !== null : semver.valid(text, { loose: true }) !== null;
}

/** Text as people write it in ranges: `2` and `2.1` are 2.0.0 and 2.1.0. Undefined for what is no version. */
export function completeVersion(ecosystem: EcosystemId, text: string): string | undefined {
  const completed = ecosystem !== "pypi" && /^\d{1,15}(?:\.\d{1,15})?$/.test(text) ? `${text}${text.includes(".") ? ".0" : ".0.0"}` : text;
  return isVersion(ecosystem, completed) ? completed : undefined;
}
