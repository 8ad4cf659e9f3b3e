import { X509Certificate } from "@sigstore/core";
import { expect, test } from "vitest";
import { rememberEncoding } from "../../../src/verify/sigstore/remember-encoding.ts";
import { SigstoreInstance } from "../../support/sigstore-instance.ts";

const instance = new SigstoreInstance();
const { der } = instance.issue();

test("a certificate encodes itself as before, whoever has done what to an earlier encoding", () => {
  const certificate = rememberEncoding(X509Certificate.parse(Buffer.from(der)));
  const plain = X509Certificate.parse(Buffer.from(der));
  for (let time = 0; time < 2; time++) {
    expect(certificate.root.toDER()).toEqual(der);
    expect(certificate.tbsCertificate.toDER()).toEqual(plain.tbsCertificate.toDER());
    expect(certificate.publicKey).toEqual(plain.publicKey);
    certificate.root.toDER().fill(0);
    certificate.tbsCertificate.toDER().fill(0);
  }
});

test("a copy is a certificate of its own: the library changes one to check its timestamps", () => {
  const copy = rememberEncoding(X509Certificate.parse(Buffer.from(der))).clone();
  copy.tbsCertificate.subs.pop();
  expect(copy.root.toDER()).not.toEqual(der);
});
