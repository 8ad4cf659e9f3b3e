import { isScalar, parseDocument, visit } from "yaml";
import { AssayError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json.ts";
import { quote } from "../../../core/quote.ts";
import { parseYamlObject } from "../../../core/yaml-document.ts";

/** Bytes of a `package.agent.yaml`: YAML is slow to parse. */
const AUTHORED_MANIFEST_BYTES = 1024 * 1024;

const SOURCE = "package.agent.yaml";

/**
 * A manifest that was written in YAML, as the JSON that the archive must hold. Section 3 allows what JSON can say, and no more: anchors, aliases, tags, merge keys, keys
 * that are no texts and numbers that JSON does not have are BAD_REQUEST, as is text that is no YAML at all.
 */
export function authoredManifest(body: Buffer, maxDepth: number): JsonObject {
  if (body.length > AUTHORED_MANIFEST_BYTES) throw notConvertible(`has ${body.length} bytes, more than ${AUTHORED_MANIFEST_BYTES}`);
  const object = parsedYaml(body, maxDepth);
  visit(parseDocument(body.toString("utf8"), { version: "1.2", merge: false, uniqueKeys: false, intAsBigInt: true }), {
    Node(_, node) {
      // Without an anchor no alias parses.
      if (node.anchor !== undefined) throw notConvertible(`has the anchor &${node.anchor}`);
      if (node.tag !== undefined) throw notConvertible(`has the tag ${quote(node.tag)}`);
      if (isScalar(node)) checkScalar(node.value);
    },
    Pair(_, { key }) {
      if (!isScalar(key) || typeof key.value !== "string") throw notConvertible(`has the key ${quote(String(key))}, which is no text`);
      if (key.value === "<<") throw notConvertible("has a merge key (<<)");
    },
  });
  return object;
}

/** As it stands in the archive. */
export function manifestText(manifest: JsonObject): Buffer {
  return Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
}

function parsedYaml(body: Buffer, maxDepth: number): JsonObject {
  try {
    return parseYamlObject(body, { maxDepth, source: SOURCE });
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    throw new AssayError("BAD_REQUEST", error.message, { cause: error });
  }
}

function checkScalar(value: unknown): void {
  const isNumber = typeof value !== "number" || Number.isFinite(value);
  const isExact = typeof value !== "bigint" || (value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER);
  if (!isNumber || !isExact) throw notConvertible(`has the number ${quote(String(value))}, which JSON cannot say`);
}

function notConvertible(what: string): AssayError {
  return new AssayError("BAD_REQUEST", `${SOURCE} ${what}: expected YAML 1.2 that says no more than JSON can`, {
    help: "write it out, or keep the manifest in package.agent.json",
  });
}
