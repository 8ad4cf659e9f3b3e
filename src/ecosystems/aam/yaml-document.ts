import { isAlias, isCollection, isMap, isScalar, type ParsedNode, parseDocument } from "yaml";
import { AssayError } from "../../core/errors.ts";
import { isJsonObject, type JsonObject } from "../../core/json.ts";
import { nestsWithin } from "../../core/nesting.ts";

/** Uses of anchors past which a document counts as an attack ("billion laughs"). The client's own writer makes a few. */
const MAX_ALIASES = 100;

/**
 * Parses YAML 1.2 from outside as what JSON could say. Throws UPSTREAM_MALFORMED for anything else: duplicate or composite keys, custom tags, several
 * documents, recursive aliases; UPSTREAM_LIMIT for deeper nesting than `maxDepth`. Takes about a second for a hostile MiB, so callers bound the bytes.
 */
export function parseYamlObject(body: Buffer, options: { maxDepth: number; source: string }): JsonObject {
  const { maxDepth, source } = options;
  let value: unknown;
  try {
    // `uniqueKeys` compares each key with each other one; `checkNode` does the same in one pass. A `logLevel` of silent would also let a second
    // document pass without a word.
    const document = parseDocument(body.toString("utf8"), {
      version: "1.2",
      strict: true,
      uniqueKeys: false,
      merge: false,
    });
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem) throw problem;
    if (document.contents) checkNode(document.contents, maxDepth, source);
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    // The parser recurses: what nests deep enough to overflow its stack ends here too.
    if (error instanceof AssayError) throw error;
    throw new AssayError("UPSTREAM_MALFORMED", `${source} is not valid YAML`, { cause: error });
  }
  if (!isJsonObject(value)) throw new AssayError("UPSTREAM_MALFORMED", `${source} is YAML, but not a map`);
  // Aliases nest values deeper than the text does; a recursive one without end.
  if (!nestsWithin(value, maxDepth)) throw tooDeep(source);
  return value;
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
