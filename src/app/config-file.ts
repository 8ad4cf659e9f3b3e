import { readFileSync, statSync } from "node:fs";
import { isCollection, isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import { AssayError } from "../core/errors.ts";

/** Far more than any configuration needs; keeps a wrong path from being read into memory. */
const MAX_FILE_BYTES = 1024 * 1024;

export type Path = readonly (string | number)[];

/** YAML text as plain values, with the place of each in the text. */
export interface YamlText {
  readonly values: unknown;
  /** `line:column` of the value at `path`, or of the deepest part of it that is there; with `key`, of a map's key. */
  locate(path: Path, options?: { key: boolean }): string;
  /** What is wrong with the text as YAML, each with its `line:column`. Duplicate keys are among it. */
  readonly problems: readonly { readonly at: string; readonly text: string }[];
}

/** Throws CONFIG_INVALID for a file that is not there, not readable or larger than a configuration can be. */
export function readConfigText(path: string): string {
  try {
    if (statSync(path).size > MAX_FILE_BYTES) throw new Error(`expected at most ${MAX_FILE_BYTES} bytes`);
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AssayError("CONFIG_INVALID", `cannot read the configuration file ${path}: ${reason}`, {
      help: "check the path given with --config or ASSAY_CONFIG",
      cause: error,
    });
  }
}

export function parseYamlText(text: string): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, prettyErrors: false, logLevel: "error" });
  const at = (offset: number | undefined): string => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${line}:${col}`;
  };
  const problems = document.errors.map((error) => ({ at: at(error.pos[0]), text: firstLine(error.message) }));
  return {
    // An alias bomb would be a slow start, not a risk, but it costs nothing to bound.
    values: problems.length > 0 ? undefined : document.toJS({ maxAliasCount: 100 }),
    locate: (path, options = { key: false }) => at(offsetOf(document.contents, path, options.key)),
    problems,
  };
}

function offsetOf(root: Node | null, path: Path, wantsKey: boolean): number | undefined {
  let node: unknown = root;
  let offset = root?.range?.[0];
  for (const [depth, step] of path.entries()) {
    if (!isCollection(node)) return offset;
    const pair = isMap(node)
      ? node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step))
      : undefined;
    const child: unknown = pair ? pair.value : node.get(step, true);
    const keyNode = pair && isScalar(pair.key) ? pair.key : undefined;
    if (keyNode?.range) offset = keyNode.range[0];
    if (child === undefined || child === null) return offset;
    const range = (child as Node).range;
    const isLast = depth === path.length - 1;
    if (range && !(isLast && wantsKey && keyNode)) offset = range[0];
    node = child;
  }
  return offset;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}
