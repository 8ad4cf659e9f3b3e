import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject } from "../../../core/json.ts";
import type { Limits } from "../../../core/limits.ts";
import type { FormPart, SignedSource } from "../../../core/ports/ecosystem.ts";
import { quote } from "../../../core/quote.ts";
import { readStrictJson } from "../../../core/strict-json.ts";
import { isDistTag } from "../names.ts";
import { itemsOfAnswer } from "../signatures/signed-items.ts";

/** What is sent beside an archive. */
export interface UploadFields {
  readonly signatures: readonly string[];
  readonly attestations: readonly string[];
  readonly signatureType: string | undefined;
  readonly tag: string | undefined;
  /** Lowercase hexadecimal. */
  readonly sha256: string | undefined;
}

const ARMOR = "-----BEGIN PGP SIGNATURE-----";
/** Everything beside the archive is held while the form is read, by every sender at once: together it may be as large as this many bundles. */
const TEXT_BUNDLES = 4;
const SIGNATURE_TYPES = ["sigstore", "gpg"];

/**
 * Reads the form of `POST /packages`: `archive`, once, is handed to `receive` as it comes; `signature` and `attestation` may each be a field or a file, several times. Throws
 * BAD_REQUEST for a form without an archive or with two, for parts that there are not, and PAYLOAD_TOO_LARGE for a part past its bound, and for all of them together past theirs.
 */
export async function readUploadForm(
  parts: AsyncIterable<FormPart>,
  receive: (bytes: AsyncIterable<Uint8Array>) => Promise<void>,
  limits: Pick<Limits, "bundleBytes">,
): Promise<UploadFields> {
  const texts = new Map<string, string[]>();
  const maxBytes = limits.bundleBytes * TEXT_BUNDLES;
  let hasArchive = false;
  let textBytes = 0;
  for await (const part of parts) {
    if (part.name === "archive" && part.kind === "file") {
      if (hasArchive) throw new AssayError("BAD_REQUEST", "the form has two parts named archive, expected one");
      hasArchive = true;
      await receive(part.bytes);
    } else if (TEXTS.has(part.name)) {
      const text = part.kind === "field" ? part.value : await wholeText(part.name, part.bytes, limits.bundleBytes);
      textBytes += Buffer.byteLength(text);
      if (textBytes > maxBytes) {
        throw new AssayError("PAYLOAD_TOO_LARGE", `what is sent beside the archive has more than ${maxBytes} bytes together`, {
          help: "send one signature and one attestation of each kind; the operator can raise limits.bundle",
        });
      }
      texts.set(part.name, [...(texts.get(part.name) ?? []), text]);
    } else {
      const help =
        part.name === "archive" ? "send the archive as a file: with a file name" : `known parts: archive, ${[...TEXTS].join(", ")}`;
      throw new AssayError("BAD_REQUEST", `the form has a ${part.kind} named ${quote(part.name)}`, { help });
    }
  }
  if (!hasArchive)
    throw new AssayError("BAD_REQUEST", "the form has no part named archive", { help: "send the .aam file as a part with a file name" });
  return fieldsOf(texts);
}

const TEXTS: ReadonlySet<string> = new Set(["signature", "signature_type", "attestation", "tag", "checksum"]);

async function wholeText(name: string, bytes: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > maxBytes) throw new AssayError("PAYLOAD_TOO_LARGE", `the part ${name} of the form has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function fieldsOf(texts: ReadonlyMap<string, readonly string[]>): UploadFields {
  const once = (name: string): string | undefined => {
    const [first, second] = texts.get(name) ?? [];
    if (second !== undefined) throw new AssayError("BAD_REQUEST", `the form has ${name} twice`);
    return first;
  };
  const [signatureType, tag, checksum] = [once("signature_type"), once("tag"), once("checksum")];
  if (signatureType !== undefined && !SIGNATURE_TYPES.includes(signatureType)) {
    throw new AssayError("BAD_REQUEST", `signature_type: expected ${SIGNATURE_TYPES.join(" or ")}, got ${quote(signatureType)}`);
  }
  if (tag !== undefined) requireTag(tag);
  return {
    signatures: texts.get("signature") ?? [],
    attestations: texts.get("attestation") ?? [],
    signatureType,
    tag,
    sha256: checksum === undefined ? undefined : sha256Of(checksum),
  };
}

/** Throws BAD_REQUEST for text that is no tag that somebody may set. */
export function requireTag(tag: string): void {
  if (!isDistTag(tag)) {
    throw new AssayError(
      "BAD_REQUEST",
      `expected a tag of 1 to 32 lowercase letters, digits and hyphens that is no version, got ${quote(tag)}`,
    );
  }
  if (tag === "latest") {
    throw new AssayError("BAD_REQUEST", "latest is not set by anybody: it is the highest stable version that is not yanked", {
      help: "use a tag of your own, such as stable, or yank what must not be installed",
    });
  }
}

function sha256Of(text: string): string {
  const hex = text.replace(/^sha256:/, "").toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hex)) return hex;
  throw new AssayError("BAD_REQUEST", `checksum: expected sha256: and 64 hexadecimal characters, got ${quote(text)}`);
}

/**
 * The signatures and attestations of an upload: as they will be served, and for the verifiers. Throws FORBIDDEN (SIGNATURE_INVALID) for what is no signature that anybody could
 * verify: an upload must not look signed and be none.
 */
export function readSignatures(
  { signatures, attestations, signatureType }: UploadFields,
  limits: Pick<Limits, "bundleBytes" | "jsonDepth">,
): { readonly served: JsonObject; readonly signed: SignedSource } {
  const served = {
    signatures: signatures.map((text) => signatureEntry(text, limits)),
    attestations: attestations.map((text) => ({ bundle: bundleIn(text, "the attestation", limits) })),
  };
  const [only, second] = served.signatures;
  if (signatureType !== undefined && (!only || (!second && only["type"] !== signatureType))) {
    throw notVerifiable(
      `signature_type says ${signatureType}, but ${only ? `the signature is of type ${String(only["type"])}` : "there is no signature"}`,
    );
  }
  const label = "what was sent with the archive";
  const items = itemsOfAnswer(Buffer.from(JSON.stringify(served)), { source: label, maxDepth: limits.jsonDepth });
  if (!items.ok) throw notVerifiable(items.finding.detail);
  if (items.value.length < signatures.length + attestations.length) {
    throw notVerifiable("a bundle in the AAM dialect's own form cannot be verified by anybody: it has no signed checkpoint");
  }
  return { served, signed: { label, kind: "published", items: items.value } };
}

function signatureEntry(text: string, limits: Pick<Limits, "bundleBytes" | "jsonDepth">): JsonObject {
  if (text.trimStart().startsWith(ARMOR)) return { type: "gpg", signature: text };
  const value = bundleIn(text, "the signature", limits);
  // The AAM dialect wraps an armored signature in JSON. The key that it also holds proves nothing, so it is dropped.
  if (value["type"] === "gpg") return { type: "gpg", signature: value["signature"] ?? "" };
  return { type: "sigstore", bundle: value };
}

function bundleIn(text: string, what: string, limits: Pick<Limits, "bundleBytes" | "jsonDepth">): JsonObject {
  const read = readStrictJson(Buffer.from(text, "utf8"), {
    maxBytes: limits.bundleBytes,
    maxDepth: limits.jsonDepth,
    what,
    malformed: "BUNDLE_MALFORMED",
  });
  if (!read.ok) throw notVerifiable(`${read.finding.detail}; expected a Sigstore bundle as JSON or an armored OpenPGP signature`);
  if (isJsonObject(read.value)) return read.value;
  throw notVerifiable(`${what} is JSON, but no object`);
}

function notVerifiable(message: string): AssayError {
  return new AssayError("FORBIDDEN", message, { detailCode: "SIGNATURE_INVALID" });
}
