import { JsonShapeError } from "../../../core/json-fields.ts";
import { quote } from "../../../core/quote.ts";

/** One line as pip takes it: continuations joined, comments gone. */
export interface LogicalLine {
  /** `requirements.txt:12`, where it begins. */
  readonly at: string;
  /** Never empty, without white space around it. */
  readonly text: string;
}

/**
 * The lines of a requirements file. A backslash at a line's end joins the next one; a comment begins with `#` at a line's start or after white space, and ends a joined line.
 * https://pip.pypa.io/en/stable/reference/requirements-file-format/ Throws JsonShapeError for a file that is not UTF-8, has a NUL, or that pip would
 * read as other lines than everybody else.
 */
export function requirementLines(body: Buffer, file: string): readonly LogicalLine[] {
  const lines: LogicalLine[] = [];
  let begun: { readonly at: string; text: string } | undefined;
  for (const [index, raw] of decode(body, file)
    .split(/\r\n|\r|\n/)
    .entries()) {
    const isComment = raw.trimStart().startsWith("#");
    const continues = raw.endsWith("\\") && !isComment;
    begun ??= { at: `${file}:${index + 1}`, text: "" };
    begun.text += isComment ? "" : continues ? raw.slice(0, -1) : raw;
    if (continues) continue;
    addLine(lines, begun);
    begun = undefined;
  }
  if (begun) addLine(lines, begun);
  return lines;
}

function addLine(lines: LogicalLine[], { at, text }: LogicalLine): void {
  const trimmed = withoutComment(text).trim();
  if (trimmed !== "") lines.push({ at, text: trimmed });
}

function withoutComment(text: string): string {
  for (let hash = text.indexOf("#"); hash >= 0; hash = text.indexOf("#", hash + 1)) {
    if (hash === 0 || /\s/.test(text[hash - 1] ?? "")) return text.slice(0, hash);
  }
  return text;
}

/** What Python takes for the end of a line beside line feeds and carriage returns. Editors and other installers do not: behind such a one in a comment, pip reads a requirement. */
const PYTHON_LINE_ENDS = ["\v", "\f", "\u001c", "\u001d", "\u001e", "\u0085", "\u2028", "\u2029"];
const DECLARED_ENCODING = /coding[:=]\s*([-\w.]+)/;
/** Names by which UTF-8 is still read as UTF-8. */
const UTF_8 = new Set(["utf-8", "utf8", "ascii", "us-ascii"]);

function decode(body: Buffer, file: string): string {
  const text = utf8(body);
  if (text === undefined || text.includes("\0")) throw new JsonShapeError(`${file} is not UTF-8 text`);
  const odd = PYTHON_LINE_ENDS.find((end) => text.includes(end));
  if (odd !== undefined)
    throw new JsonShapeError(`${file}: ${quote(odd)} ends a line for pip and for nobody else: write a line feed, or nothing, in its place`);
  // pip obeys such a comment in the first two lines: in UTF-7 any text can hide in a comment.
  for (const line of text.split("\n", 2)) {
    const encoding = line.startsWith("#") ? DECLARED_ENCODING.exec(line)?.[1] : undefined;
    if (encoding !== undefined && !UTF_8.has(encoding.toLowerCase().replaceAll("_", "-")))
      throw new JsonShapeError(`${file}: expected UTF-8, got a comment by which pip reads it as ${quote(encoding)}`);
  }
  return text;
}

function utf8(body: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}

/** An option of a line: `--hash=sha256:…`, `-r base.txt`. A short name may stand directly before its value. */
export interface LineOption {
  readonly name: string;
  readonly value: string;
}

/** Options by all their names; whether they take a value. */
const OPTIONS: ReadonlyMap<string, { readonly name: string; readonly takesValue: boolean }> = new Map([
  ...option("--requirement", true, "-r"),
  ...option("--constraint", true, "-c"),
  ...option("--editable", true, "-e"),
  ...option("--index-url", true, "-i", "--pypi-url"),
  ...option("--extra-index-url", true),
  ...option("--find-links", true, "-f"),
  ...option("--no-index", false),
  ...option("--no-binary", true),
  ...option("--only-binary", true),
  ...option("--prefer-binary", false),
  ...option("--require-hashes", false),
  ...option("--pre", false),
  ...option("--trusted-host", true),
  ...option("--use-feature", true),
  ...option("--hash", true),
  ...option("--global-option", true),
  ...option("--install-option", true),
  ...option("--config-settings", true, "-C", "--config-setting"),
]);

function option(name: string, takesValue: boolean, ...others: readonly string[]) {
  return [name, ...others].map((each) => [each, { name, takesValue }] as const);
}

/** Splits a line into what it requires, which may be nothing, and its options by their long names. Throws JsonShapeError for an option that requirements files do not have. */
export function splitOptions({ at, text }: LogicalLine): { readonly requirement: string; readonly options: readonly LineOption[] } {
  const words = text.split(/\s+/);
  const first = words.findIndex((word) => word.startsWith("-"));
  if (first < 0) return { requirement: text, options: [] };
  const options: LineOption[] = [];
  for (let index = first; index < words.length; index++) {
    const word = words[index] ?? "";
    const { known, inline } = knownOption(word);
    if (!known || (inline !== undefined && !known.takesValue))
      throw new JsonShapeError(`${at}: expected options of a requirements file, got ${quote(word.split("=", 1)[0] ?? "")}`);
    const value = !known.takesValue ? "" : (inline ?? words[++index]);
    if (value === undefined) throw new JsonShapeError(`${at}: expected a value after ${known.name}`);
    options.push({ name: known.name, value: unquoted(value) });
  }
  return { requirement: words.slice(0, first).join(" "), options };
}

function knownOption(word: string) {
  const equals = word.startsWith("--") ? word.indexOf("=") : -1;
  if (equals > 0) return { known: OPTIONS.get(word.slice(0, equals)), inline: word.slice(equals + 1) };
  if (word.startsWith("--") || word.length === 2) return { known: OPTIONS.get(word), inline: undefined };
  return { known: OPTIONS.get(word.slice(0, 2)), inline: word.slice(2) };
}

function unquoted(value: string): string {
  const isQuoted = value.length >= 2 && /^["']/.test(value) && value.endsWith(value[0] ?? "");
  return isQuoted ? value.slice(1, -1) : value;
}
