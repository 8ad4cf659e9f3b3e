import { type Checked, found, passed } from "../../core/finding.ts";
import type { JsonObject } from "../../core/json.ts";
import { JsonFields, JsonShapeError } from "../../core/json-fields.ts";
import { quote } from "../../core/quote.ts";
import type { Statement } from "../../core/statement.ts";
import { type NpmPublishPredicate, PREDICATE_TYPES, type Predicate } from "./predicate.ts";
import { readSlsaV1 } from "./slsa-v1.ts";
import { readSlsaV02 } from "./slsa-v02.ts";
import { readUaaps } from "./uaaps.ts";

const V1 = "https://in-toto.io/Statement/v1";
const V01 = "https://in-toto.io/Statement/v0.1";

interface Format {
  /** npm and SLSA's generators have made statements of both versions; nobody has made an old one of the newer formats. */
  readonly statements: readonly string[];
  readonly read: (predicate: JsonObject | null) => Predicate;
}

const FORMATS: ReadonlyMap<string, Format> = new Map<string, Format>([
  [PREDICATE_TYPES.uaaps, { statements: [V1], read: required(readUaaps) }],
  [PREDICATE_TYPES.slsaV02, { statements: [V1, V01], read: required(readSlsaV02) }],
  [PREDICATE_TYPES.slsaV1, { statements: [V1, V01], read: required(readSlsaV1) }],
  [PREDICATE_TYPES.npmPublish, { statements: [V1, V01], read: required(readNpmPublish) }],
  // PEP 740 defines no fields: the predicate is null, or an object whose members mean nothing.
  [PREDICATE_TYPES.pypiPublish, { statements: [V1], read: () => ({ kind: "pypi-publish" }) }],
]);

/**
 * Reads a verified statement's predicate. PREDICATE_UNSUPPORTED for a type that Assay does not know, STATEMENT_MALFORMED for one in a statement of the
 * wrong version, PREDICATE_MALFORMED where a required field is missing or of another type. Unknown fields are ignored.
 */
export function readPredicate(statement: Statement): Checked<Predicate> {
  const format = FORMATS.get(statement.predicateType);
  if (!format) return found("PREDICATE_UNSUPPORTED", `predicates of type ${quote(statement.predicateType)} are not known`);
  if (!format.statements.includes(statement.type)) {
    return found("STATEMENT_MALFORMED", `expected a statement of type ${format.statements.join(" or ")}, got ${quote(statement.type)}`);
  }
  try {
    return passed(format.read(statement.predicate));
  } catch (error) {
    if (error instanceof JsonShapeError) return found("PREDICATE_MALFORMED", error.message);
    throw error;
  }
}

function required(read: (predicate: JsonObject) => Predicate): Format["read"] {
  return (predicate) => {
    if (predicate === null) throw new JsonShapeError("the predicate is missing");
    return read(predicate);
  };
}

/** https://github.com/npm/attestation/tree/main/specs/publish/v0.1 */
function readNpmPublish(predicate: JsonObject): NpmPublishPredicate {
  const root = new JsonFields(predicate, "predicate");
  return { kind: "npm-publish", name: root.text("name"), version: root.text("version"), registry: root.text("registry") };
}
