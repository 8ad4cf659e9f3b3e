import type { Digests } from "../../core/digest.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../core/json.ts";
import { parseStrictJsonObject, StrictJsonError } from "../../core/parse-strict-json.ts";
import { quote } from "../../core/quote.ts";
import type { Statement, StatementSubject } from "../../core/statement.ts";
import { BundleFinding } from "./bundle-finding.ts";

export const STATEMENT_PAYLOAD_TYPE = "application/vnd.in-toto+json";

/** v0.1 is what npm's older attestations have. */
const STATEMENT_TYPES: ReadonlySet<string> = new Set(["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"]);
const MAX_DEPTH = 64;
const MAX_SUBJECTS = 4096;
const MAX_DIGESTS = 16;
const MAX_TEXT_CHARACTERS = 2048;

/** Lengths in hexadecimal of the digests that we know. Others are kept as they are and never compared. */
const HEX_CHARACTERS: ReadonlyMap<string, number> = new Map([
  ["sha256", 64],
  ["sha384", 96],
  ["sha512", 128],
  ["sha1", 40],
]);

/** Collisions can be made to order for SHA-1, so a subject must match by one of these. */
const BINDING = ["sha256", "sha384", "sha512"] as const;

/**
 * Reads an in-toto statement. Unknown members are ignored, as the specification asks. Throws STATEMENT_MALFORMED.
 * https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
 */
export function readStatement(payload: Buffer): Statement {
  const json = parse(payload);
  const type = textOf(json, "_type");
  if (!STATEMENT_TYPES.has(type)) throw malformed(`its type ${quote(type)} is neither Statement/v1 nor Statement/v0.1`);
  const { subject, predicate = null } = json;
  if (!Array.isArray(subject) || subject.length === 0) throw malformed("it has no subject");
  if (subject.length > MAX_SUBJECTS) throw malformed(`it has more than ${MAX_SUBJECTS} subjects`);
  if (predicate !== null && !isJsonObject(predicate)) throw malformed("its predicate is not an object");
  return { type, subjects: subject.map(readSubject), predicateType: textOf(json, "predicateType"), predicate };
}

/**
 * Throws SUBJECT_MISMATCH unless a subject has the artifact's digest, in every algorithm that both sides have. That the subject's name is the
 * artifact's is the caller's to check: only it knows what the artifact is called.
 */
export function requireSubject(statement: Statement, digests: Digests): void {
  const found = statement.subjects.some(({ digest }) => {
    const common = BINDING.filter((algorithm) => digests[algorithm] !== undefined && Object.hasOwn(digest, algorithm));
    return common.length > 0 && common.every((algorithm) => digest[algorithm] === digests[algorithm]);
  });
  if (found) return;
  const [first] = statement.subjects;
  const claimed = Object.entries(first?.digest ?? {}).map(([algorithm, value]) => `${algorithm} ${value}`);
  const others = statement.subjects.length > 1 ? ` and ${statement.subjects.length - 1} more` : "";
  throw new BundleFinding(
    "SUBJECT_MISMATCH",
    `the statement is about ${quote(first?.name ?? "")} with ${quote(claimed.join(", "))}${others}, not about an artifact with sha256 ${digests.sha256}`,
  );
}

function parse(payload: Buffer): JsonObject {
  try {
    return parseStrictJsonObject(payload, MAX_DEPTH);
  } catch (error) {
    if (error instanceof StrictJsonError) throw malformed(error.message);
    throw error;
  }
}

function readSubject(subject: JsonValue): StatementSubject {
  if (!isJsonObject(subject) || !isJsonObject(subject["digest"])) throw malformed("a subject has no digests");
  const digests = Object.entries(subject["digest"]);
  if (digests.length === 0 || digests.length > MAX_DIGESTS) throw malformed(`a subject has ${digests.length} digests`);
  return {
    name: textOf(subject, "name"),
    digest: Object.fromEntries(digests.map(([algorithm, value]) => [algorithm, readDigest(algorithm, value)])),
  };
}

function readDigest(algorithm: string, value: JsonValue): string {
  const length = HEX_CHARACTERS.get(algorithm);
  const wellFormed = typeof value === "string" && (length === undefined || (value.length === length && /^[0-9a-f]+$/.test(value)));
  if (!wellFormed || value.length > MAX_TEXT_CHARACTERS) throw malformed(`a subject's digest ${quote(algorithm)} is not one`);
  return value;
}

function textOf(object: JsonObject, name: string): string {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  if (typeof value !== "string" || value === "" || value.length > MAX_TEXT_CHARACTERS)
    throw malformed(`its member ${quote(name)} is missing, empty, too long or not a string`);
  return value;
}

function malformed(detail: string): BundleFinding {
  return new BundleFinding("STATEMENT_MALFORMED", `the statement cannot be read: ${detail}`);
}
