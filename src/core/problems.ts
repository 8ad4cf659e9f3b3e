import { suggest } from "./suggest.ts";

/** Keys and positions from the top of a document down to a value. */
export type Path = readonly (string | number)[];

/** One thing that is wrong: where the value stands (`config/assay.yaml:3:9`, `ASSAY_DATA`, `--port`), at which key, and both sides. */
export interface Problem {
  readonly at: string;
  readonly key: string;
  readonly expected: string;
  readonly got: string;
}

export function formatProblem({ at, key, expected, got }: Problem): string {
  return `${at}${key === "" ? "" : ` ${key}`}: expected ${expected}, got ${got}`;
}

/** `repositories[0].upstreams[1].url`. */
export function formatPath(path: Path): string {
  return path.map((step, depth) => (typeof step === "number" ? `[${step}]` : depth === 0 ? step : `.${step}`)).join("");
}

/** `known` is a list of keys as the schema gives it, separated by commas. */
export function expectedKeys(unknown: string, known: string): string {
  return `one of the keys ${known}${didYouMean(unknown, known.split(", "))}`;
}

/** ` (did you mean port?)`, or nothing where no known word is near. */
export function didYouMean(text: unknown, known: Iterable<string>): string {
  const near = typeof text === "string" ? suggest(text, known) : undefined;
  return near === undefined ? "" : ` (did you mean ${near}?)`;
}

const SHOWN_CHARACTERS = 80;

/** A value as it may be printed: short, on one line, without credentials. A secret may stand where its variable's name should. */
export function describe(value: unknown, path: Path): string {
  if (value === undefined || value === null) return "nothing";
  if (typeof value === "string" && path.includes("auth")) return `a text of ${value.length} characters, not shown here`;
  if (typeof value === "object") return Array.isArray(value) ? `a list of ${value.length}` : "a map";
  const json = JSON.stringify(value) ?? String(value);
  const masked = json.replace(/\/\/[^\s"]*@/g, "//[secret]@");
  return masked.length <= SHOWN_CHARACTERS ? masked : `${masked.slice(0, SHOWN_CHARACTERS)}…`;
}
