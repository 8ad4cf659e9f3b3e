import { generateKeyPairSync, randomBytes, sign, X509Certificate } from "node:crypto";
import { isIPv4 } from "node:net";
import { bits, boolean, element, integer, octets, oid, sequence, set, utcTime, utf8 } from "./der-writer.ts";

export interface TestCertificate {
  /** PEM texts. The certificate is its own authority. */
  readonly key: string;
  readonly cert: string;
}

/** A self-signed certificate for these host names and IPv4 addresses, valid now. Made on the spot: no key lies in the repository. */
export function makeCertificate(hosts: readonly string[]): TestCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = sequence(set(sequence(oid("2.5.4.3"), utf8("assay test"))));
  const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));
  const names = hosts.map((host) =>
    isIPv4(host) ? element(0x87, Buffer.from(host.split(".").map(Number))) : element(0x82, Buffer.from(host)),
  );
  const extensions = sequence(
    sequence(oid("2.5.29.19"), boolean(true), octets(sequence(boolean(true)))), // CA: true
    sequence(oid("2.5.29.17"), octets(sequence(...names))), // subjectAltName
  );
  const tbs = sequence(
    element(0xa0, integer(2)), // X.509 version 3
    element(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    name,
    sequence(utcTime(Date.now() - 3_600_000), utcTime(Date.now() + 86_400_000)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    element(0xa3, extensions),
  );
  const signature = sign("sha256", tbs, privateKey);
  const der = sequence(tbs, ecdsaWithSha256, bits(signature));
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: new X509Certificate(der).toString(),
  };
}
