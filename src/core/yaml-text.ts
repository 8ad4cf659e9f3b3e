import { isCollection, isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import { nestsWithin } from "./nesting.ts";
import type { Path } from "./problems.ts";

/** Uses of anchors past which a text counts as an attack ("billion laughs"). */
const MAX_ALIASES = 100;

/** Far more than any file that people write. An alias of itself nests without end. */
const MAX_DEPTH = 64;

/** YAML text as plain values, with the place of each in the text. */
export interface YamlText {
  /** Undefined where the text is not YAML at all. A duplicate key is a problem, but leaves the values readable, so that theirs are told too. */
  readonly values: unknown;
  /** `line:column` of the value at `path`, or of the deepest part of it that is there; with `key`, of a map's key. */
  locate(path: Path, options?: { key: boolean }): string;
  /** What is wrong with the text as YAML, each with its `line:column`. Duplicate keys are among it. */
  readonly problems: readonly { readonly at: string; readonly text: string }[];
}

/** Never throws: what a text does to the parser is a problem of the text. */
export function parseYamlText(text: string): YamlText {
  const lines = new LineCounter();
  const at = (offset: number | undefined): string => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${line}:${col}`;
  };
  try {
    const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, prettyErrors: false, logLevel: "error" });
    const problems = [...document.errors, ...document.warnings].map((error) => ({ at: at(error.pos[0]), text: firstLine(error.message) }));
    const isReadable = document.errors.every((error) => error.code === "DUPLICATE_KEY");
    const values: unknown = isReadable ? document.toJS({ maxAliasCount: MAX_ALIASES }) : undefined;
    if (!nestsWithin(values, MAX_DEPTH)) throw new Error(`it nests deeper than ${MAX_DEPTH} levels`);
    return {
      values,
      locate: (path, options = { key: false }) => at(offsetOf(document.contents, path, options.key)),
      problems,
    };
  } catch (error) {
    // Too many aliases, aliases of what is not there, nesting that overflows the parser's stack.
    return { values: undefined, locate: () => "1:1", problems: [{ at: "1:1", text: firstLine(String(error)) }] };
  }
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
