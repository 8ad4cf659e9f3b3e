import { z } from "zod";
import { parseDuration } from "./duration.ts";
import type { Parsed } from "./parsed.ts";
import { describe, didYouMean, expectedKeys, formatPath, type Path, type Problem } from "./problems.ts";

/*
 * What schemas of files that people write are made of. Every message is a noun phrase that completes "expected …";
 * `schemaProblems` adds where the value stands and what it is.
 */

/** A map with these keys and no others. */
export function map<Shape extends z.ZodRawShape>(shape: Shape) {
  const keys = Object.keys(shape).join(", ");
  return z.strictObject(shape, { error: (issue) => (issue.code === "unrecognized_keys" ? keys : `a map with the keys ${keys}`) });
}

export function list<Item extends z.ZodType>(item: Item, max: number) {
  return z.array(item, { error: "a list" }).max(max, { error: `a list of at most ${max}` });
}

export function choice<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, { error: ({ input }) => `one of ${values.join(", ")}${didYouMean(input, values)}` });
}

export function text(expected: string) {
  return z.string({ error: expected }).min(1, { error: expected });
}

export function integer(min: number, max: number) {
  const error = `a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export function boolean() {
  return z.boolean({ error: "true or false" });
}

/** Milliseconds. */
export function duration(minMs: number, maxMs: number, range: string) {
  return parsedBy(`a duration with a unit (ms, s, m, h, d) from ${range}, such as 60s`, (value) => {
    const milliseconds = value === 0 ? 0 : typeof value === "string" ? parseDuration(value) : undefined;
    return milliseconds !== undefined && milliseconds >= minMs && milliseconds <= maxMs ? milliseconds : undefined;
  });
}

/** What `parse` makes of a value; undefined is the one way in which it can be wrong. */
export function parsedBy<Value>(expected: string, parse: (value: unknown) => Value | undefined) {
  return z.unknown().transform((value, context): Value => parse(value) ?? unexpected(context, expected));
}

/** One word, or what `schema` reads. Its problems are told one by one, where a union would say no more than that neither fits. */
export function wordOr<const Word extends string, Schema extends z.ZodType>(word: Word, schema: Schema) {
  return z.unknown().transform((value, context): Word | z.output<Schema> => {
    if (value === word) return word;
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) context.addIssue({ ...issue });
    return z.NEVER;
  });
}

/** A text that `parse` takes apart and, where it cannot, knows more of what was expected. */
export function parsedText<Value>(expected: string, parse: (text: string) => Parsed<Value>) {
  return z.unknown().transform((value, context): Value => {
    const result = typeof value === "string" ? parse(value) : { ok: false as const, expected };
    return result.ok ? result.value : unexpected(context, result.expected);
  });
}

export function unexpected(context: z.RefinementCtx, expected: string, path?: PropertyKey[]): never {
  context.addIssue({ code: "custom", message: expected, ...(path ? { path } : {}) });
  return z.NEVER;
}

export interface WrittenDocument {
  readonly values: unknown;
  /** Where the value at `path` was written; with `key`, where its key was. */
  locate(path: Path, options?: { key: boolean }): string;
}

/** What a schema found wrong, each with its place, its key and both sides. */
export function schemaProblems(error: z.ZodError, { values, locate }: WrittenDocument): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
    if (issue.code !== "unrecognized_keys") {
      // A record reports what is wrong with a key below the key itself.
      const isKey = issue.code === "invalid_key";
      const expected = isKey ? (issue.issues[0]?.message ?? issue.message) : issue.message;
      const got = isKey ? describe(path.at(-1), []) : describe(valueAt(values, path), path);
      return [{ at: locate(path, { key: isKey }), key: formatPath(path), expected, got }];
    }
    return issue.keys.map((key) => {
      const keyPath = [...path, key];
      return {
        at: locate(keyPath, { key: true }),
        key: formatPath(keyPath),
        expected: expectedKeys(key, issue.message),
        got: describe(key, []),
      };
    });
  });
}

/** What stands at `path` of a plain value; undefined where nothing does. */
export function valueAt(tree: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, step)
        ? (value as Record<string | number, unknown>)[step]
        : undefined,
    tree,
  );
}

/** A key without a value counts as not given, so that a section may have all its lines commented out. */
export function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isTree(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([key, inner]) => [key, withoutNulls(inner)]),
  );
}

export type Tree = { readonly [key: string]: unknown };

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asTree(value: unknown): Tree {
  return isTree(value) ? value : {};
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
