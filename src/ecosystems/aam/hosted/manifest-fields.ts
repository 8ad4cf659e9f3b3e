import semver from "semver";
import type { FieldProblem } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../core/json.ts";
import { quote } from "../../../core/quote.ts";
import { parsePackageName } from "../names.ts";

/** What pages repeat of a manifest (section 3 of the specification). Whatever else it says is in the archive. */
const SHOWN = [
  "description",
  "author",
  "license",
  "repository",
  "homepage",
  "category",
  "keywords",
  "engines",
  "artifacts",
  "dependencies",
  "optionalDependencies",
  "peerDependencies",
  "dependencyGroups",
  "extras",
  "systemDependencies",
  "permissions",
  "resolverVersion",
  "deprecated",
] as const;

const DESCRIPTION_CHARACTERS = 1024;
const TEXT_CHARACTERS = 2048;
const MAX_KEYWORDS = 100;
const MAX_DEPENDENCIES = 1000;
/** Problems that are told at once. */
const MAX_PROBLEMS = 50;

type Check = (value: JsonValue, field: string) => readonly FieldProblem[];

const CHECKS: readonly (readonly [string, Check])[] = [
  ["description", textOf(DESCRIPTION_CHARACTERS)],
  ["author", textOf(TEXT_CHARACTERS)],
  ["license", textOf(TEXT_CHARACTERS)],
  ["category", textOf(TEXT_CHARACTERS)],
  ["repository", address],
  ["homepage", address],
  ["keywords", keywords],
  ["engines", mapOf(() => [])],
  ["artifacts", mapOf(() => [])],
  ["dependencies", mapOf(range)],
  ["optionalDependencies", mapOf(range)],
  ["peerDependencies", mapOf(range)],
  ["dependencyGroups", mapOf(() => [])],
  ["extras", mapOf(() => [])],
  ["systemDependencies", mapOf(() => [])],
  ["permissions", mapOf(() => [])],
  ["resolverVersion", resolverVersion],
  ["deprecated", deprecated],
];

/** The fields of a manifest that pages show. */
export function shownFields(manifest: JsonObject): JsonObject {
  return Object.fromEntries(SHOWN.flatMap((field) => (manifest[field] == null ? [] : [[field, manifest[field]]])));
}

/** What is wrong with a manifest's fields, beyond its name and version. Fields that the specification does not know are never wrong, but for `x-` ones that are no objects. */
export function manifestProblems(manifest: JsonObject): readonly FieldProblem[] {
  const known = CHECKS.flatMap(([field, check]) => (manifest[field] == null ? [] : check(manifest[field], field)));
  const extensions = Object.entries(manifest).flatMap(([field, value]) =>
    field.startsWith("x-") && !isJsonObject(value) ? expected(field.slice(0, 80), "an object", value) : [],
  );
  return [...known, ...extensions].slice(0, MAX_PROBLEMS);
}

function expected(field: string, what: string, got: JsonValue): readonly FieldProblem[] {
  return [{ field, error: `expected ${what}, got ${quote(JSON.stringify(got))}` }];
}

function textOf(maxCharacters: number): Check {
  return (value, field) =>
    typeof value === "string" && value.length <= maxCharacters
      ? []
      : expected(field, `a text of at most ${maxCharacters} characters`, value);
}

/** Shown to people as a link, so that it must lead to a page. */
function address(value: JsonValue, field: string): readonly FieldProblem[] {
  const url = typeof value === "string" && value.length <= TEXT_CHARACTERS && URL.canParse(value) ? new URL(value) : undefined;
  const isAddress = url && ["https:", "http:", "git:", "ssh:", "git+https:", "git+ssh:"].includes(url.protocol);
  return isAddress ? [] : expected(field, "a web or git address", value);
}

function keywords(value: JsonValue, field: string): readonly FieldProblem[] {
  const isList = Array.isArray(value) && value.length <= MAX_KEYWORDS && value.every((one) => typeof one === "string");
  return isList && new Set(value).size === value.length ? [] : expected(field, `a list of at most ${MAX_KEYWORDS} different texts`, value);
}

function mapOf(check: (key: string, value: JsonValue, field: string) => readonly FieldProblem[]): Check {
  return (value, field) => {
    if (!isJsonObject(value)) return expected(field, "a map", value);
    const entries = Object.entries(value);
    if (entries.length > MAX_DEPENDENCIES) return [{ field, error: `expected at most ${MAX_DEPENDENCIES} entries, got ${entries.length}` }];
    return entries.flatMap(([key, one]) => check(key, one, `${field}.${key.slice(0, 150)}`));
  };
}

/** Comparators stand side by side in the specification, with commas between them in the `aam` client's manifests. */
function range(name: string, value: JsonValue, field: string): readonly FieldProblem[] {
  if (!parsePackageName(name)) return [{ field, error: "expected a package name" }];
  const isRange =
    typeof value === "string" && value.length <= 256 && semver.validRange(value.replaceAll(",", " ").replaceAll("==", "=")) !== null;
  return isRange ? [] : expected(field, "a range of SemVer versions", value);
}

/** The only one there is. A resolver must not guess at what a later one means. */
function resolverVersion(value: JsonValue, field: string): readonly FieldProblem[] {
  return value === 1 ? [] : expected(field, "1", value);
}

function deprecated(value: JsonValue, field: string): readonly FieldProblem[] {
  return isJsonObject(value) && typeof value["message"] === "string" ? [] : expected(field, "an object with a message", value);
}
