import { RFC3161Timestamp, type X509Certificate } from "@sigstore/core";
import type { TrustMaterial } from "@sigstore/verify";
import { BundleFinding, STALE_ROOT_HINT } from "./bundle-finding.ts";
import { readTimestampResponse } from "./timestamp-response.ts";

type CertificateAuthority = TrustMaterial["certificateAuthorities"][number];

/**
 * Whether the root knows who issued a certificate at all. The library has one error for that and for a certificate that is wrong; only the first
 * can be cured by a newer root. Throws a BundleFinding CERTIFICATE_UNTRUSTED.
 */
export function requireKnownIssuer(leaf: X509Certificate, material: TrustMaterial): void {
  if (!material.certificateAuthorities.some((authority) => hasIssued(authority, leaf)))
    throw untrusted("the authority that issued the signer's certificate");
  const logs = leaf.extSCT?.signedCertificateTimestamps ?? [];
  if (logs.some((timestamp) => !material.ctlogs.some(({ logID }) => logID.equals(timestamp.logID))))
    throw untrusted("a certificate transparency log that recorded the signer's certificate");
}

/** Whether a certificate names one of the authority's as its issuer. */
export function hasIssued({ certChain }: Pick<CertificateAuthority, "certChain">, leaf: X509Certificate): boolean {
  const wanted = leaf.extAuthorityKeyID?.keyIdentifier;
  return certChain.some((certificate) => {
    // Production and staging share their names, so the key's identifier decides where there is one, as in the library.
    const has = certificate.extSubjectKeyID?.keyIdentifier;
    return wanted === undefined || has === undefined ? certificate.subject.equals(leaf.issuer) : has.equals(wanted);
  });
}

/** Parses an RFC 3161 response of an authority in the root. Throws a BundleFinding: TIMESTAMP_INVALID, CERTIFICATE_UNTRUSTED. */
export function readTimestamp(der: Buffer, material: TrustMaterial): RFC3161Timestamp {
  let known: boolean;
  let timestamp: RFC3161Timestamp;
  let brought: readonly Buffer[];
  try {
    brought = readTimestampResponse(der);
    timestamp = RFC3161Timestamp.parse(Buffer.from(der));
    const { signerIssuer, signerSerialNumber, signingTime } = timestamp;
    if (Number.isNaN(signingTime.getTime())) throw new Error("no time");
    known = material.timestampAuthorities.some(
      ({ certChain: [signer] }) => signer?.serialNumber.equals(signerSerialNumber) && signer.issuer.equals(signerIssuer),
    );
  } catch {
    throw new BundleFinding("TIMESTAMP_INVALID", "a timestamp is not an RFC 3161 response");
  }
  if (!known) throw untrusted("the authority that made a timestamp");
  const certificates = material.timestampAuthorities.flatMap(({ certChain }) => certChain);
  // They are not used: the authority's certificate is the root's. Others would be trusted by a verifier that takes what comes along.
  if (!brought.every((certificate) => certificates.some((own) => own.root.toDER().equals(certificate))))
    throw new BundleFinding("TIMESTAMP_INVALID", "a timestamp brings a certificate along that is not its authority's in the trust root");
  return timestamp;
}

function untrusted(who: string): BundleFinding {
  return new BundleFinding("CERTIFICATE_UNTRUSTED", `${who} is not in the trust root: ${STALE_ROOT_HINT}`);
}
