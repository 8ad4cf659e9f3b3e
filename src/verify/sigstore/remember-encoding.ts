import type { X509Certificate } from "@sigstore/core";

type Asn1Object = X509Certificate["root"];

/**
 * Lets a certificate encode itself once. The library compares and verifies certificates by encoding them anew each time, which takes half of a whole
 * verification; nothing changes a certificate after it was read. Each call answers bytes of its own.
 */
export function rememberEncoding(certificate: X509Certificate): X509Certificate {
  remember(certificate.root);
  return certificate;
}

function remember(object: Asn1Object): void {
  let encoded: Buffer | undefined;
  object.toDER = () => {
    encoded ??= Object.getPrototypeOf(object).toDER.call(object) as Buffer;
    return Buffer.from(encoded);
  };
  object.subs.forEach(remember);
}
