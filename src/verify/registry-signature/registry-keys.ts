import { createPublicKey, type KeyObject } from "node:crypto";
import { AssayError } from "../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../core/json.ts";
import { quote } from "../../core/quote.ts";
import { readStrictJson } from "../../core/strict-json.ts";

/** Bytes of a key document. npm's two keys take two KiB. */
const MAX_KEY_DOCUMENT_BYTES = 256 * 1024;
/** Keys in one document. */
const MAX_REGISTRY_KEYS = 256;
const MAX_DEPTH = 16;

/** What TUF's `keys.json` says a key is for. */
export const KEY_USAGES = ["npm:signatures", "npm:attestations"] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

/** A registry's public key: ECDSA over P-256. */
export interface RegistryKey {
  /** As the registry names it. Opaque: npm's is not the hash of anything that can be recomputed. */
  readonly keyId: string;
  readonly key: KeyObject;
  /** Undefined where the document does not say, as npm's keys endpoint: then it is for signatures and attestations. */
  readonly usage: KeyUsage | undefined;
  /** Milliseconds since the epoch; from `validFrom` on, until just before `validUntil`. */
  readonly validFrom: number | undefined;
  readonly validUntil: number | undefined;
}

/**
 * Reads a document of registry keys in either shape: npm's keys endpoint (`{keys: [{keyid, keytype, scheme, key, expires}]}`) or the `keys.json` of
 * npm's TUF repository (`{keys: [{keyId, keyUsage, publicKey: {rawBytes, keyDetails, validFor}}]}`). `usage` leaves out keys for the other purpose,
 * and keys of a kind that Assay does not verify are left out too: their signatures then have an unknown key.
 * Throws UPSTREAM_MALFORMED for anything else, also for one id given to two keys; UPSTREAM_LIMIT past the bounds. `source` names it in messages.
 */
export function parseRegistryKeys(
  body: Buffer,
  { source, usage }: { readonly source: string; readonly usage?: KeyUsage },
): readonly RegistryKey[] {
  const read = readStrictJson(body, { maxBytes: MAX_KEY_DOCUMENT_BYTES, maxDepth: MAX_DEPTH, what: source, malformed: "BUNDLE_MALFORMED" });
  if (!read.ok) throw new AssayError(read.finding.code === "BUNDLE_LIMIT" ? "UPSTREAM_LIMIT" : "UPSTREAM_MALFORMED", read.finding.detail);
  const listed = isJsonObject(read.value) ? read.value["keys"] : undefined;
  if (!Array.isArray(listed)) throw new AssayError("UPSTREAM_MALFORMED", `${source} has no list of keys`);
  if (listed.length > MAX_REGISTRY_KEYS) throw new AssayError("UPSTREAM_LIMIT", `${source} has more than ${MAX_REGISTRY_KEYS} keys`);
  const keys = listed
    .flatMap((entry: JsonValue) => readKey(entry, source) ?? [])
    .filter((key) => !usage || !key.usage || key.usage === usage);
  const repeated = keys.find(({ keyId }, index) => keys.findIndex((other) => other.keyId === keyId) !== index);
  // TUF lists npm's keys once for each use, so the same key twice is nothing unusual where no use was asked for.
  if (repeated && keys.some((other) => other.keyId === repeated.keyId && !other.key.equals(repeated.key))) {
    throw new AssayError("UPSTREAM_MALFORMED", `${source} gives the key id ${quote(repeated.keyId)} to two keys`);
  }
  return keys;
}

function readKey(entry: JsonValue, source: string): RegistryKey | undefined {
  const malformed = (why: string): AssayError => new AssayError("UPSTREAM_MALFORMED", `a key in ${source} ${why}`);
  if (!isJsonObject(entry)) throw malformed("is not an object");
  return isJsonObject(entry["publicKey"]) ? readTufKey(entry, entry["publicKey"], malformed) : readEndpointKey(entry, malformed);
}

type Malformed = (why: string) => AssayError;

/** As npm's "About registry signatures" describes it. */
function readEndpointKey(entry: JsonObject, malformed: Malformed): RegistryKey | undefined {
  const keyId = textOf(entry, "keyid", malformed);
  if (entry["keytype"] !== "ecdsa-sha2-nistp256" || entry["scheme"] !== "ecdsa-sha2-nistp256") return undefined;
  const key = p256(textOf(entry, "key", malformed), malformed);
  return { keyId, key, usage: undefined, validFrom: undefined, validUntil: timeOf(entry, "expires", malformed) };
}

function readTufKey(entry: JsonObject, publicKey: JsonObject, malformed: Malformed): RegistryKey | undefined {
  const keyId = textOf(entry, "keyId", malformed);
  const usage = KEY_USAGES.find((each) => each === entry["keyUsage"]);
  if (usage === undefined || publicKey["keyDetails"] !== "PKIX_ECDSA_P256_SHA_256") return undefined;
  const validFor = publicKey["validFor"] ?? {};
  if (!isJsonObject(validFor)) throw malformed("has a validFor that is not an object");
  const [validFrom, validUntil] = [timeOf(validFor, "start", malformed), timeOf(validFor, "end", malformed)];
  return { keyId, key: p256(textOf(publicKey, "rawBytes", malformed), malformed), usage, validFrom, validUntil };
}

/** From the base64 of a SubjectPublicKeyInfo. */
function p256(base64: string, malformed: Malformed): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(base64, "base64"), format: "der", type: "spki" });
  } catch {
    throw malformed("cannot be read");
  }
  if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1") throw malformed("is not on the curve P-256");
  return key;
}

function textOf(object: JsonObject, name: string, malformed: Malformed): string {
  const value = object[name];
  if (typeof value !== "string" || value === "") throw malformed(`has no ${name}`);
  return value;
}

/** Absent or null means no bound. */
function timeOf(object: JsonObject, name: string, malformed: Malformed): number | undefined {
  const value = object[name] ?? null;
  if (value === null) return undefined;
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw malformed(`has ${name} that is no time`);
  return time;
}
