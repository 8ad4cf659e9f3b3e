import { type Document, isAlias, isCollection, isMap, isScalar, type ParsedNode, parseAllDocuments, parseDocument } from "yaml";
import { AssayError } from "./errors.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { nestsWithin } from "./nesting.ts";

/** Uses of anchors past which a document counts as an attack ("billion laughs"). The client's own writer makes a few. */
const MAX_ALIASES = 100;

export interface YamlOptions {
  readonly maxDepth: number;
  /** The document's name in messages. */
  readonly source: string;
}

// `uniqueKeys` compares each key with each other one; `checkNode` does the same in one pass. A `logLevel` of silent would also let a second
// document pass without a word.
const PARSING = { version: "1.2", strict: true, uniqueKeys: false, merge: false } as const;

/**
 * Parses YAML 1.2 from outside as what JSON could say, or 1.1, which a reader written in Python takes it for: there `no` and `2026-01-01` are no texts. Throws
 * UPSTREAM_MALFORMED for anything else: duplicate or composite keys, custom tags, several documents, recursive aliases; UPSTREAM_LIMIT for deeper nesting than
 * `maxDepth`. Takes about a second for a hostile MiB, so callers bound the bytes.
 */
export function parseYamlObject(body: Buffer, options: YamlOptions & { readonly version?: "1.1" }): JsonObject {
  const { version = PARSING.version } = options;
  return objectOf(() => parseDocument(body.toString("utf8"), { ...PARSING, version }), options);
}

/** The same for a file of several documents, of which it throws UPSTREAM_LIMIT past `maxDocuments`. */
export function parseYamlObjects(body: Buffer, options: YamlOptions & { readonly maxDocuments: number }): readonly JsonObject[] {
  const { maxDocuments, source } = options;
  const documents = parsing(source, () => parseAllDocuments(body.toString("utf8"), PARSING));
  if (documents.length > maxDocuments) throw new AssayError("UPSTREAM_LIMIT", `${source} has more than ${maxDocuments} documents`);
  return documents.map((document) => objectOf(() => document, options));
}

function objectOf(parse: () => Document.Parsed, { maxDepth, source }: YamlOptions): JsonObject {
  const value: unknown = parsing(source, () => {
    const document = parse();
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem) throw problem;
    if (document.contents) checkNode(document.contents, maxDepth, source);
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  });
  if (!isJsonObject(value)) throw new AssayError("UPSTREAM_MALFORMED", `${source} is YAML, but not a map`);
  // Aliases nest values deeper than the text does; a recursive one without end.
  if (!nestsWithin(value, maxDepth)) throw tooDeep(source);
  return value;
}

/** The parser recurses: what nests deep enough to overflow its stack ends here too. */
function parsing<T>(source: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw new AssayError("UPSTREAM_MALFORMED", `${source} is not valid YAML`, { cause: error });
  }
}

/** Keys must be plain and unique: readers disagree about which of two wins, and turning composite keys into text takes exponential time. */
function checkNode(node: ParsedNode, depth: number, source: string): void {
  if (isAlias(node) || !isCollection(node)) return;
  if (depth === 0) throw tooDeep(source);
  if (!isMap(node)) {
    for (const item of node.items) if (item !== null && "items" in item) checkNode(item as ParsedNode, depth - 1, source);
    return;
  }
  const seen = new Set<string>();
  for (const { key, value } of node.items) {
    if (!isScalar(key)) throw new AssayError("UPSTREAM_MALFORMED", `${source} has a key that is not plain text`);
    const name = String(key.value);
    if (seen.has(name)) throw new AssayError("UPSTREAM_MALFORMED", `${source} has the key ${JSON.stringify(name.slice(0, 80))} twice`);
    seen.add(name);
    if (value) checkNode(value as ParsedNode, depth - 1, source);
  }
}

function tooDeep(source: string): AssayError {
  return new AssayError("UPSTREAM_LIMIT", `${source} nests too deep`, { help: "raise limits.json_depth if that is right" });
}
