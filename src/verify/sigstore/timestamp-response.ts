import { type DerElement, DerError, formatObjectIdentifier, readElement, readElements, TAG } from "./der.ts";

const INTEGER = 0x02;
const NULL = 0x05;
const SET = 0x31;
/** `[0]` of a structure. */
const CONTEXT_0 = 0xa0;

const GRANTED = 0;
const SIGNED_DATA = "1.2.840.113549.1.7.2";
const TIMESTAMP_INFO = "1.2.840.113549.1.9.16.1.4";
const CONTENT_TYPE = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";

const HASHES: ReadonlyMap<string, string> = new Map([
  ["2.16.840.1.101.3.4.2.1", "sha256"],
  ["2.16.840.1.101.3.4.2.2", "sha384"],
  ["2.16.840.1.101.3.4.2.3", "sha512"],
]);

/** ECDSA with a hash, as Sigstore's authorities sign. The library falls back on some hash of its own for a signature algorithm that it does not know. */
const SIGNATURE_HASHES: ReadonlyMap<string, string> = new Map([
  ["1.2.840.10045.4.3.2", "sha256"],
  ["1.2.840.10045.4.3.3", "sha384"],
  ["1.2.840.10045.4.3.4", "sha512"],
]);

/**
 * Reads a response to its last byte, where the library takes what it needs and leaves the rest: so that no two verifiers see two things in it, and so
 * that nothing outside the signature is believed. Answers the certificates that it brings along, DER. Throws DerError.
 * RFC 3161 section 2.4.2, RFC 5652 section 5.
 */
export function readTimestampResponse(der: Buffer): readonly Buffer[] {
  const [status, token] = parts(readElement(der, TAG.sequence), [TAG.sequence, TAG.sequence]);
  const [granted] = parts(status, [INTEGER]);
  if (smallInteger(granted) !== GRANTED) throw new DerError("the authority did not grant it");
  const [type, wrapped] = parts(token, [TAG.objectIdentifier, CONTEXT_0]);
  if (formatObjectIdentifier(type.content) !== SIGNED_DATA) throw new DerError("it is not signed data");
  return readSignedData(readElement(wrapped.content, TAG.sequence));
}

function readSignedData(signed: DerElement): readonly Buffer[] {
  const elements = readElements(signed.content);
  // Certificates may stand between content and signers. Revocation lists may not: they are nothing that we could judge.
  const certificates = elements[3]?.tag === CONTEXT_0 ? elements[3] : undefined;
  const others = elements.filter((element) => element !== certificates);
  const [version, digestAlgorithms, content, signers] = ofTags(others, [INTEGER, SET, TAG.sequence, SET]);
  if (smallInteger(version) !== 3) throw new DerError("the signed data is of an unknown version");
  const [contentType, wrapped] = parts(content, [TAG.objectIdentifier, CONTEXT_0]);
  if (formatObjectIdentifier(contentType.content) !== TIMESTAMP_INFO) throw new DerError("what is signed is no timestamp");
  readElement(readElement(wrapped.content, TAG.octetString).content, TAG.sequence);
  const hash = hashOf(readElement(digestAlgorithms.content, TAG.sequence), HASHES);
  checkSigner(readElement(signers.content, TAG.sequence), hash);
  return certificates === undefined ? [] : readElements(certificates.content).map(({ raw }) => raw);
}

/** The signature is over the signed attributes, so what these do not repeat is not signed. */
function checkSigner(signer: DerElement, hash: string): void {
  const [version, issuer, digestAlgorithm, attributes, signatureAlgorithm] = parts(signer, [
    INTEGER,
    TAG.sequence,
    TAG.sequence,
    CONTEXT_0,
    TAG.sequence,
    TAG.octetString,
  ]);
  if (smallInteger(version) !== 1) throw new DerError("the signer's part is of an unknown version");
  parts(issuer, [TAG.sequence, INTEGER]);
  if (hashOf(digestAlgorithm, HASHES) !== hash) throw new DerError("it names two digest algorithms");
  hashOf(signatureAlgorithm, SIGNATURE_HASHES);
  const values = new Map<string, Buffer>();
  for (const attribute of readElements(attributes.content)) {
    const [name, value] = parts(attribute, [TAG.objectIdentifier, SET]);
    const id = formatObjectIdentifier(name.content);
    if (values.has(id)) throw new DerError("an attribute stands there twice");
    values.set(id, value.content);
  }
  const signedType = readElement(values.get(CONTENT_TYPE) ?? Buffer.alloc(0), TAG.objectIdentifier);
  if (formatObjectIdentifier(signedType.content) !== TIMESTAMP_INFO) throw new DerError("the signature is over no timestamp");
  readElement(values.get(MESSAGE_DIGEST) ?? Buffer.alloc(0), TAG.octetString);
}

/** The elements of a structure: exactly these tags, in this order. */
function parts<const Tags extends readonly number[]>(structure: DerElement, tags: Tags): { readonly [Index in keyof Tags]: DerElement } {
  return ofTags(readElements(structure.content), tags);
}

function ofTags<const Tags extends readonly number[]>(
  elements: readonly DerElement[],
  tags: Tags,
): { readonly [Index in keyof Tags]: DerElement } {
  if (elements.length !== tags.length || elements.some(({ tag }, index) => tag !== tags[index]))
    throw new DerError("a structure has other parts than belong there");
  return elements as { readonly [Index in keyof Tags]: DerElement };
}

function smallInteger({ content }: DerElement): number {
  const [value, ...more] = content;
  if (value === undefined || value >= 0x80 || more.length > 0) throw new DerError("a number is not a small one");
  return value;
}

/** Of an algorithm identifier with no parameters, which some writers put as NULL. */
function hashOf(algorithm: DerElement, table: ReadonlyMap<string, string>): string {
  const [identifier, parameters, ...more] = readElements(algorithm.content);
  const bare = parameters === undefined || (parameters.tag === NULL && parameters.content.length === 0);
  if (identifier?.tag !== TAG.objectIdentifier || !bare || more.length > 0) throw new DerError("an algorithm is not one");
  const hash = table.get(formatObjectIdentifier(identifier.content));
  if (hash === undefined) throw new DerError("an algorithm is not known");
  return hash;
}
