import { X509Certificate } from "node:crypto";
import { quote } from "../../core/quote.ts";
import type { SigstoreSigner, SourceClaims } from "../../core/signer.ts";
import { BundleFinding, certificateInvalid } from "./bundle-finding.ts";
import { readClaims } from "./certificate-claims.ts";
import { type DerElement, DerError, formatObjectIdentifier, readElement, readElements, TAG } from "./der.ts";
import { checkKeyStrength } from "./key-strength.ts";

const OID = {
  keyUsage: "2.5.29.15",
  subjectAlternativeName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  extendedKeyUsage: "2.5.29.37",
  codeSigning: "1.3.6.1.5.5.7.3.3",
} as const;

/** What a verifier must understand to go on, RFC 5280 section 4.2. The library ignores the mark. */
const UNDERSTOOD: ReadonlySet<string> = new Set([OID.keyUsage, OID.subjectAlternativeName, OID.basicConstraints, OID.extendedKeyUsage]);

const MAX_NAME_CHARACTERS = 2048;

/** A signer's certificate that has the right form. That a trusted authority issued it is not yet known. */
export interface SigningCertificate {
  readonly certificate: X509Certificate;
  readonly identity: SigstoreSigner["identity"];
  readonly issuer: string;
  readonly source: SourceClaims;
}

/**
 * Reads a Fulcio certificate, so strictly that no other reader can see something else in it: no byte after it, no extension twice, one name of a
 * type that we compare. Throws a BundleFinding: CERTIFICATE_INVALID, CLAIM_CONFLICT, ALGORITHM_WEAK.
 * https://github.com/sigstore/fulcio/blob/main/docs/certificate-specification.md
 */
export function readSigningCertificate(der: Buffer): SigningCertificate {
  const certificate = parseX509(der);
  const extensions = asCertificate(() => readExtensions(der));
  checkKeyStrength(certificate.publicKey, "the certificate's key");
  return asCertificate(() => {
    refuseAuthority(extensions);
    checkUsage(extensions);
    return { certificate, identity: readIdentity(extensions), ...readClaims(extensions) };
  });
}

/** The chain that old bundles bring along is not used. A root in it would ask to be trusted, which the format forbids. */
export function refuseRoots(chain: readonly Buffer[]): void {
  for (const der of chain) {
    const certificate = parseX509(der);
    if (certificate.subject === certificate.issuer) throw certificateInvalid("the bundle's certificate chain holds a root certificate");
  }
}

/** OpenSSL's reading of the very same bytes: it would take what it can and leave the rest. */
function parseX509(der: Buffer): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch {
    throw certificateInvalid("a certificate is not X.509");
  }
  if (!certificate.raw.equals(der)) throw certificateInvalid("a certificate has bytes after its end");
  return certificate;
}

function asCertificate<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) throw certificateInvalid(`the certificate is not strict DER: ${error.message}`);
    throw error;
  }
}

/** Contents of the extensions by object identifier. RFC 5280 section 4.1. */
function readExtensions(der: Buffer): ReadonlyMap<string, Buffer> {
  const list = readSignedPart(der).find(({ tag }) => tag === TAG.extensions);
  if (list === undefined) throw certificateInvalid("the certificate has no extensions, so it names no signer");
  const extensions = new Map<string, Buffer>();
  for (const extension of readElements(readElement(list.content, TAG.sequence).content)) {
    if (extension.tag !== TAG.sequence) throw new DerError("an extension is not a sequence");
    const [identifier, ...rest] = readElements(extension.content);
    const value = rest.pop();
    const critical = rest.pop();
    if (identifier?.tag !== TAG.objectIdentifier || value?.tag !== TAG.octetString || rest.length > 0)
      throw new DerError("an extension has the wrong parts");
    if (critical !== undefined && critical.tag !== TAG.boolean) throw new DerError("an extension has the wrong parts");
    const id = formatObjectIdentifier(identifier.content);
    if (extensions.has(id)) throw certificateInvalid(`the certificate has the extension ${id} twice`);
    if (critical !== undefined && !UNDERSTOOD.has(id)) throw certificateInvalid(`the certificate has an unknown critical extension ${id}`);
    extensions.set(id, value.content);
  }
  return extensions;
}

/**
 * The elements that the authority signed. How it signed them stands there and again beside its signature, where anybody could change it: the library takes
 * the second, and some hash of its own if it does not know it. RFC 5280 section 4.1.1.2.
 */
function readSignedPart(der: Buffer): readonly DerElement[] {
  const [toBeSigned, algorithm, signature, ...more] = readElements(readElement(der, TAG.sequence).content);
  if (toBeSigned?.tag !== TAG.sequence || signature?.tag !== TAG.bitString || more.length > 0)
    throw new DerError("there is no certificate in it");
  if (signature.content[0] !== 0) throw new DerError("its signature is not of whole bytes");
  const elements = readElements(toBeSigned.content);
  const [version, , signedAlgorithm] = elements;
  if (version?.tag !== TAG.version || !signedAlgorithm || !algorithm?.raw.equals(signedAlgorithm.raw))
    throw new DerError("it names two signature algorithms");
  return elements;
}

/** DER leaves out what is false, so a flag that is there says that this is an authority. */
function refuseAuthority(extensions: ReadonlyMap<string, Buffer>): void {
  const constraints = extensions.get(OID.basicConstraints);
  if (constraints !== undefined && readElement(constraints, TAG.sequence).content.length > 0)
    throw certificateInvalid("the signer's certificate is an authority's");
}

/** Fulcio issues certificates for other uses too, and other authorities may share its root: this one must be for signing code. */
function checkUsage(extensions: ReadonlyMap<string, Buffer>): void {
  const extended = extensions.get(OID.extendedKeyUsage);
  const purposes = extended === undefined ? [] : readElements(readElement(extended, TAG.sequence).content);
  if (!purposes.some(({ tag, content }) => tag === TAG.objectIdentifier && formatObjectIdentifier(content) === OID.codeSigning))
    throw certificateInvalid("the certificate is not for signing code: it lacks the extended key usage codeSigning");
  const usage = extensions.get(OID.keyUsage);
  const bits = usage === undefined ? undefined : readElement(usage, TAG.bitString).content;
  // The first byte counts the unused bits, the highest bit of the second is digitalSignature. RFC 5280 section 4.2.1.3.
  if (bits === undefined || ((bits[1] ?? 0) & 0x80) === 0)
    throw certificateInvalid("the certificate's key usage does not include digitalSignature");
}

/** Exactly one name: of several, one verifier would compare the first and another any. */
function readIdentity(extensions: ReadonlyMap<string, Buffer>): SigstoreSigner["identity"] {
  const encoded = extensions.get(OID.subjectAlternativeName);
  if (encoded === undefined) throw certificateInvalid("the certificate names no signer: it has no subject alternative name");
  const [name, ...others] = readElements(readElement(encoded, TAG.sequence).content);
  if (name === undefined || others.length > 0)
    throw certificateInvalid(`the certificate names ${name === undefined ? "no" : others.length + 1} signers, not one`);
  const type = name.tag === TAG.rfc822Name ? "email" : name.tag === TAG.uniformResourceIdentifier ? "uri" : undefined;
  if (type === undefined) throw certificateInvalid("the certificate's subject alternative name is neither an e-mail address nor a URI");
  const value = name.content.toString("latin1");
  if (!/^[\x21-\x7e]+$/.test(value) || value.length > MAX_NAME_CHARACTERS)
    throw new BundleFinding("CERTIFICATE_INVALID", `the certificate's subject alternative name ${quote(value)} is not printable ASCII`);
  return { type, value };
}
