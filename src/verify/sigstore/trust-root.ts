import { createHash } from "node:crypto";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { type TrustMaterial, toTrustMaterial } from "@sigstore/verify";
import { AssayError } from "../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../core/json.ts";
import { parseStrictJsonObject, StrictJsonError } from "../../core/parse-strict-json.ts";
import { quote } from "../../core/quote.ts";
import { publicRepository, TRUSTED_ROOT_TARGET } from "../tuf/public-repository.ts";
import { decodeBase64 } from "./base64.ts";
import { rememberEncoding } from "./remember-encoding.ts";

const MEDIA_TYPES: ReadonlySet<JsonValue | undefined> = new Set([
  "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
  "application/vnd.dev.sigstore.trustedroot.v0.1+json",
  "application/vnd.dev.sigstore.trustedroot.v0.2+json",
]);
const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 32;

/** The authorities and logs of one Sigstore instance. Verified under one root, a bundle says nothing under another. */
export interface TrustRoot {
  /** What the configuration calls it; `public` is built in. Becomes `trust` of the signers verified under it. */
  readonly name: string;
  /** Where it comes from, in words for people. */
  readonly source: string;
  /** Of its text, lowercase hexadecimal: evidence is kept with it, so that a change of the root shows what to verify again. */
  readonly sha256: string;
  /** The file itself, from which another thread can make the same root. */
  readonly text: Buffer;
  readonly material: TrustMaterial;
}

/**
 * Reads a `trusted_root.json`. Throws CONFIG_INVALID, naming what is wrong, for what the library would let pass: an authority or log without a
 * start of validity counts there as valid from 1970 on, and one log's key under another's id would answer for it.
 * https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto
 */
export function parseTrustRoot(text: Buffer, name: string, source = "a file of the operator"): TrustRoot {
  const fail = (detail: string): AssayError =>
    new AssayError("CONFIG_INVALID", `the Sigstore trust root ${quote(name)} (${source}) cannot be used: ${detail}`, {
      help: "give the trusted_root.json of the Sigstore instance as it was published",
    });
  if (text.length > MAX_BYTES) throw fail(`it is larger than ${MAX_BYTES} bytes`);
  try {
    const json = parseStrictJsonObject(text, MAX_DEPTH);
    if (!MEDIA_TYPES.has(json["mediaType"])) throw new RootProblem("its mediaType is none that is known");
    checkLogs(json, "tlogs");
    checkLogs(json, "ctlogs");
    checkAuthorities(json, "certificateAuthorities");
    checkAuthorities(json, "timestampAuthorities");
    if (listOf(json, "tlogs").length === 0) throw new RootProblem("it has no transparency log in tlogs");
    const material = toTrustMaterial(TrustedRoot.fromJSON(json), refuseKeys);
    checkKeys(material);
    return { name, source, sha256: createHash("sha256").update(text).digest("hex"), text, material };
  } catch (error) {
    // The libraries throw errors of many classes, whose texts may quote the file.
    if (error instanceof RootProblem || error instanceof StrictJsonError) throw fail(error.message);
    throw fail(`a key or certificate in it cannot be read: ${quote(error instanceof Error ? error.message : "")}`);
  }
}

/** The public-good instance, as the installed library ships it. Works with no network for ever: nothing in it expires by the clock. */
export function publicTrustRoot(): TrustRoot {
  const text = publicRepository().targets.get(TRUSTED_ROOT_TARGET);
  if (text === undefined) throw new Error("the library ships no trust root");
  return parseTrustRoot(text, "public", "built in");
}

/** What is wrong with the file. Its message is one clause of printable text. */
class RootProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RootProblem";
  }
}

/** Managed keys are given with each verification, not with the root. */
function refuseKeys(): never {
  throw new Error("a trust root holds no managed keys");
}

function checkLogs(root: JsonObject, member: string): void {
  const ids = new Set<string>();
  for (const [index, log] of listOf(root, member).entries()) {
    const where = `${member}[${index}]`;
    const key = objectOf(log["publicKey"], `${where}.publicKey`);
    checkPeriod(key["validFor"], `${where}.publicKey.validFor`);
    if (typeof log["baseUrl"] !== "string" || log["baseUrl"] === "") throw new RootProblem(`${where}.baseUrl is missing`);
    // The library knows a log by its checkpoint key's id where there is one, else by its log id: both must say something.
    const logId = keyId(log["logId"], `${where}.logId`);
    const id = log["checkpointKeyId"] == null ? logId : keyId(log["checkpointKeyId"], `${where}.checkpointKeyId`);
    if (ids.has(id)) throw new RootProblem(`${where} has the id ${quote(id)} of another log in ${member}`);
    ids.add(id);
  }
}

function checkAuthorities(root: JsonObject, member: string): void {
  for (const [index, authority] of listOf(root, member).entries()) {
    const where = `${member}[${index}]`;
    checkPeriod(authority["validFor"], `${where}.validFor`);
    const chain = objectOf(authority["certChain"], `${where}.certChain`);
    const certificates = listOf(chain, "certificates", `${where}.certChain.certificates`);
    if (certificates.length === 0) throw new RootProblem(`${where} has no certificate`);
    for (const { rawBytes } of certificates) requireBase64(rawBytes, `a certificate of ${where}`);
  }
}

/** A closed interval whose end may be open. */
function checkPeriod(value: JsonValue | undefined, where: string): void {
  const period = objectOf(value, where);
  const start = timeOf(period["start"], `${where}.start`);
  if (start === undefined) throw new RootProblem(`${where}.start is missing`);
  const end = timeOf(period["end"], `${where}.end`);
  if (end !== undefined && end < start) throw new RootProblem(`${where} ends before it starts`);
}

/** Milliseconds since the epoch. RFC 3339. */
function timeOf(value: JsonValue | undefined, where: string): number | undefined {
  if (value == null) return undefined;
  const time = typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw new RootProblem(`${where} is not a time`);
  return time;
}

function keyId(value: JsonValue | undefined, where: string): string {
  return requireBase64(objectOf(value, where)["keyId"], `${where}.keyId`);
}

function requireBase64(value: JsonValue | undefined, where: string): string {
  if (typeof value !== "string" || value === "" || decodeBase64(value) === undefined)
    throw new RootProblem(`${where} is not canonical base64`);
  return value;
}

/** The library parses keys, but certificates only as far as it looks at them: look at all of what a verification will need. */
function checkKeys(material: TrustMaterial): void {
  for (const { certChain } of [...material.certificateAuthorities, ...material.timestampAuthorities]) {
    for (const certificate of certChain) {
      rememberEncoding(certificate).verify(certificate);
      if (Number.isNaN(certificate.notBefore.getTime()) || Number.isNaN(certificate.notAfter.getTime()))
        throw new RootProblem("a certificate has no period of validity");
    }
  }
  for (const { certChain } of material.certificateAuthorities) {
    if (!certChain.every((certificate) => certificate.isCA))
      throw new RootProblem("a certificate in certificateAuthorities is not an authority's");
  }
}

function listOf(object: JsonObject, member: string, where = member): readonly JsonObject[] {
  const value = object[member] ?? [];
  if (!Array.isArray(value)) throw new RootProblem(`${where} is not a list`);
  return value.map((item, index) => objectOf(item, `${where}[${index}]`));
}

function objectOf(value: JsonValue | undefined, where: string): JsonObject {
  if (!isJsonObject(value)) throw new RootProblem(`${where} is missing or not an object`);
  return value;
}
