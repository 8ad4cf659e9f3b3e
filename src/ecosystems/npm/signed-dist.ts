import type { JsonObject, JsonValue } from "../../core/json.ts";
import { isJsonObject } from "../../core/json.ts";

/** Signatures by the registry of one version: npm makes one. */
const MAX_SIGNATURES = 8;
const MAX_KEY_ID_CHARACTERS = 256;
const MAX_SIGNATURE_CHARACTERS = 1024;
const MAX_INTEGRITY_CHARACTERS = 1024;
const MAX_URL_CHARACTERS = 1024;
const ATTESTATIONS_PATH = "/-/npm/v1/attestations/";

/** What a version's `dist` says is signed. Kept with every listed file, so it is small; plain JSON. */
export interface SignedDist {
  /** `dist.integrity` as it is written, since the registry's signatures are over that text. */
  readonly integrity?: string;
  readonly signatures?: readonly RegistrySignature[];
  /** `dist.signatures` cannot be read: why. */
  readonly malformed?: string;
  /** `dist.attestations` is there. */
  readonly attested?: true;
  /** The registry that its `url` is at: a mirror may have left it as the mirrored registry wrote it. */
  readonly registry?: string;
}

interface RegistrySignature {
  readonly keyId: string;
  readonly signature: string;
}

/** Reads `dist.signatures` and `dist.attestations`. Undefined where a version has neither. Described in npm's "About registry signatures". */
export function signedDistOf(dist: JsonObject): SignedDist | undefined {
  const signed = { ...signaturesOf(dist), ...attestationsOf(dist["attestations"]) };
  return Object.keys(signed).length === 0 ? undefined : signed;
}

/** The same, as the index gives it back with a listed file. It may have come in a bundle, so it is held to what is kept of a `dist`. */
export function keptSignedDist(extra: Readonly<Record<string, unknown>> | undefined): SignedDist {
  const kept = extra?.["signed"];
  if (!isJsonObject(kept)) return {};
  const { integrity = null, signatures = null, malformed, attested, registry } = kept;
  const written = Array.isArray(signatures) ? signatures.map(asWritten) : signatures;
  return {
    ...(isText(malformed, MAX_URL_CHARACTERS) ? { malformed } : signaturesOf({ integrity, signatures: written })),
    ...(attested === true ? { attested } : {}),
    ...(isText(registry, MAX_URL_CHARACTERS) && URL.canParse(registry) ? { registry } : {}),
  };
}

function asWritten(kept: JsonValue): JsonValue {
  if (!isJsonObject(kept)) return kept;
  const { keyId = null, signature = null } = kept;
  return { keyid: keyId, sig: signature };
}

function signaturesOf({ signatures = null, integrity }: JsonObject): SignedDist {
  if (signatures === null) return {};
  if (!Array.isArray(signatures)) return { malformed: "dist.signatures is no list" };
  if (signatures.length === 0) return {};
  if (signatures.length > MAX_SIGNATURES) return { malformed: `dist.signatures has more than ${MAX_SIGNATURES} entries` };
  const read = signatures.map(signatureOf);
  if (!read.every((signature) => signature !== undefined)) return { malformed: "an entry of dist.signatures has no usable keyid and sig" };
  if (!isText(integrity, MAX_INTEGRITY_CHARACTERS)) return { malformed: "dist.signatures sign an integrity that dist does not give" };
  return { integrity, signatures: read };
}

function signatureOf(entry: JsonValue): RegistrySignature | undefined {
  if (!isJsonObject(entry)) return undefined;
  const { keyid, sig } = entry;
  return isText(keyid, MAX_KEY_ID_CHARACTERS) && isText(sig, MAX_SIGNATURE_CHARACTERS) ? { keyId: keyid, signature: sig } : undefined;
}

function attestationsOf(attestations: JsonValue | undefined): SignedDist {
  if ((attestations ?? null) === null || attestations === false) return {};
  const url = isJsonObject(attestations) ? attestations["url"] : undefined;
  const [registry, path] = isText(url, MAX_URL_CHARACTERS) ? url.split(ATTESTATIONS_PATH) : [];
  return { attested: true, ...(path !== undefined && registry !== undefined && URL.canParse(registry) ? { registry } : {}) };
}

function isText(value: JsonValue | undefined, maxCharacters: number): value is string {
  return typeof value === "string" && value !== "" && value.length <= maxCharacters;
}
