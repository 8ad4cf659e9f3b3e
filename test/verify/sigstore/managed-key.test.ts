import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { ManagedKey } from "../../../src/verify/sigstore/managed-key.ts";
import { verifyBundle } from "../../../src/verify/sigstore/verify-bundle.ts";
import { ecKeys, ed25519Keys, type Loose, rsaKeys, SigstoreInstance } from "../../support/sigstore-instance.ts";

const instance = new SigstoreInstance();
const root = instance.trustRoot();
const artifact = Buffer.from("the archive");
const keys = ecKeys();
const pem = keys.publicKey.export({ type: "spki", format: "pem" }).toString();
const strangersPem = ecKeys().publicKey.export({ type: "spki", format: "pem" }).toString();
const bundle = instance.signMessage(artifact, { managedKey: keys, hint: "release-2026" });

function outcomeOf(signed: Loose, known: readonly ManagedKey[]): string {
  const digests = {
    sha256: createHash("sha256").update(artifact).digest("hex"),
    sha512: createHash("sha512").update(artifact).digest("hex"),
  };
  const verdict = verifyBundle({ bundle: Buffer.from(JSON.stringify(signed)), root, artifact: { digests }, keys: known });
  if (!verdict.ok) return verdict.finding.code;
  return verdict.value.signer.kind === "key" ? `signed by ${verdict.value.signer.keyId}` : verdict.value.signer.kind;
}

test.each<{ name: string; known: readonly ManagedKey[]; outcome: string }>([
  { name: "no key is known", known: [], outcome: "KEY_UNKNOWN" },
  { name: "only another key is known", known: [{ name: "acme", pem: strangersPem }], outcome: "KEY_UNKNOWN" },
  { name: "another key answers to the hint", known: [{ name: "acme", hint: "release-2026", pem: strangersPem }], outcome: "KEY_UNKNOWN" },
  { name: "the key answers to another hint", known: [{ name: "acme", hint: "release-2025", pem }], outcome: "KEY_UNKNOWN" },
  {
    name: "the known key is none",
    known: [{ name: "acme", pem: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n" }],
    outcome: "KEY_UNKNOWN",
  },
  { name: "the key ended one millisecond before", known: [{ name: "acme", pem, validUntil: instance.now - 1 }], outcome: "KEY_EXPIRED" },
  { name: "the key began one millisecond after", known: [{ name: "acme", pem, validFrom: instance.now + 1 }], outcome: "KEY_EXPIRED" },
  { name: "the key ended that moment", known: [{ name: "acme", pem, validUntil: instance.now }], outcome: "signed by acme" },
  { name: "the key began that moment", known: [{ name: "acme", pem, validFrom: instance.now }], outcome: "signed by acme" },
  { name: "the key answers to the hint", known: [{ name: "acme", hint: "release-2026", pem }], outcome: "signed by acme" },
  {
    name: "two keys answer, one of them right",
    known: [
      { name: "old", pem: strangersPem },
      { name: "acme", pem },
    ],
    outcome: "signed by acme",
  },
])("$name: $outcome", ({ known, outcome }) => {
  expect(outcomeOf(bundle, known)).toBe(outcome);
});

test.each([
  { keyid: "release-2026", outcome: "signed by acme" },
  { keyid: "", outcome: "signed by acme" },
  { keyid: "release-2025", outcome: "CLAIM_CONFLICT" },
])("an envelope that names the key '$keyid', for a bundle that names release-2026: $outcome", ({ keyid, outcome }) => {
  const sha256 = createHash("sha256").update(artifact).digest("hex");
  const statement = { _type: "https://in-toto.io/Statement/v1", subject: [{ name: "a", digest: { sha256 } }], predicateType: "p" };
  const signed = instance.signStatement(statement, { managedKey: keys, hint: "release-2026" });
  signed.dsseEnvelope.signatures[0].keyid = keyid;
  expect(outcomeOf(signed, [{ name: "acme", pem }])).toBe(outcome);
});

test("an edited signature, and a log entry that records another key, are refused", () => {
  const known = [{ name: "acme", pem }];
  const forged = structuredClone(bundle);
  forged.messageSignature.signature = instance.signMessage(artifact, { managedKey: keys }).messageSignature.signature;
  expect(outcomeOf(forged, known)).toBe("LOG_ENTRY_INVALID");
  expect(outcomeOf(instance.signMessage(artifact, { managedKey: ecKeys(), recordedAs: keys.spki }), known)).toBe("SIGNATURE_INVALID");
  expect(outcomeOf(instance.signMessage(artifact, { managedKey: keys, recordedAs: instance.issue({ keys }).der }), known)).toBe(
    "KEY_UNKNOWN",
  );
});

test("a second log entry that records another key is refused", () => {
  const record = (publicKey: Buffer): Loose => {
    const { messageDigest, signature } = bundle.messageSignature;
    const verifier = { keyDetails: "PKIX_ECDSA_P256_SHA_256", publicKey: { rawBytes: publicKey.toString("base64") } };
    const body = {
      apiVersion: "0.0.2",
      kind: "hashedrekord",
      spec: { hashedRekordV002: { data: messageDigest, signature: { content: signature, verifier } } },
    };
    const twice = structuredClone(bundle);
    twice.verificationMaterial.tlogEntries.push(instance.logInRekor2(body));
    return twice;
  };
  expect(outcomeOf(record(keys.spki), [{ name: "acme", pem }])).toBe("signed by acme");
  expect(outcomeOf(record(ecKeys().spki), [{ name: "acme", pem }])).toBe("LOG_ENTRY_INVALID");
});

test("a key of a known name does not make a bundle with a certificate its own", () => {
  expect(outcomeOf(instance.signMessage(artifact, { leaf: { keys } }), [{ name: "acme", pem }])).toBe("sigstore");
});

test("weak keys are refused whoever vouches for them", () => {
  for (const weak of [rsaKeys(1024), ecKeys("secp256k1")]) {
    const known = [{ name: "acme", pem: weak.publicKey.export({ type: "spki", format: "pem" }).toString() }];
    expect(outcomeOf(instance.signMessage(artifact, { managedKey: weak }), known)).toBe("ALGORITHM_WEAK");
  }
});

test("statements verify with an Ed25519 key", () => {
  const ed25519 = ed25519Keys();
  const sha256 = createHash("sha256").update(artifact).digest("hex");
  const statement = { _type: "https://in-toto.io/Statement/v1", subject: [{ name: "x", digest: { sha256 } }], predicateType: "p" };
  const known = [{ name: "acme", pem: ed25519.publicKey.export({ type: "spki", format: "pem" }).toString() }];
  expect(outcomeOf(instance.signStatement(statement, { managedKey: ed25519 }), known)).toBe("signed by acme");
});
