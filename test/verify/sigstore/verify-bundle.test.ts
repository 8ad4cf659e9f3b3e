import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { Digests } from "../../../src/core/digest.ts";
import { DEFAULT_LIMITS } from "../../../src/core/limits.ts";
import { parseTrustRoot } from "../../../src/verify/sigstore/trust-root.ts";
import { verifyBundle } from "../../../src/verify/sigstore/verify-bundle.ts";
import { boolean, element, octets, oid, sequence, set } from "../../support/der-writer.ts";
import {
  ecKeys,
  ed25519Keys,
  emailName,
  extension,
  ISSUER,
  type LeafOptions,
  type Loose,
  REPOSITORY,
  rsaKeys,
  type SignOptions,
  SigstoreInstance,
  type StampOptions,
  uriName,
  WORKFLOW,
} from "../../support/sigstore-instance.ts";

const instance = new SigstoreInstance();
const root = instance.trustRoot();
const artifact = Buffer.from("the archive");
const digests = digestsOf(artifact);
const statement = {
  _type: "https://in-toto.io/Statement/v1",
  subject: [{ name: "tool-1.0.0.tgz", digest: { sha256: digests.sha256 } }],
  predicateType: "https://slsa.dev/provenance/v1",
  predicate: { builder: "x" },
};

function digestsOf(bytes: Buffer): Digests {
  const hex = (algorithm: string): string => createHash(algorithm).update(bytes).digest("hex");
  return { sha256: hex("sha256"), sha384: hex("sha384"), sha512: hex("sha512") };
}

function verdictOf(bundle: Loose | Buffer, options: { digests?: Digests; root?: typeof root } = {}): ReturnType<typeof verifyBundle> {
  const bytes = Buffer.isBuffer(bundle) ? bundle : Buffer.from(JSON.stringify(bundle));
  return verifyBundle({ bundle: bytes, root: options.root ?? root, artifact: { digests: options.digests ?? digests } });
}

/** The finding's code, or what the bundle passed as. */
function codeOf(...input: Parameters<typeof verdictOf>): string {
  const verdict = verdictOf(...input);
  return verdict.ok ? `accepted as ${verdict.value.content.kind}` : verdict.finding.code;
}

function changed(bundle: Loose, change: (bundle: Loose) => void): Loose {
  const copy = structuredClone(bundle);
  change(copy);
  return copy;
}

const entryOf = (bundle: Loose): Loose => bundle.verificationMaterial.tlogEntries[0];

const bodyOf = (bundle: Loose): Loose => JSON.parse(Buffer.from(entryOf(bundle).canonicalizedBody, "base64").toString());
const ECDSA_SHA256 = oid("1.2.840.10045.4.3.2");
const CONTENT_TYPE_ATTRIBUTE = sequence(oid("1.2.840.113549.1.9.3"), set(oid("1.2.840.113549.1.9.16.1.4")));

/** Another byte where base64 stands. */
function flipped(text: string): string {
  const bytes = Buffer.from(text, "base64");
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  return bytes.toString("base64");
}

const good = {
  message: instance.signMessage(artifact),
  messageInRekor2: instance.signMessage(artifact, { log: "rekor2" }),
  statement: instance.signStatement(statement),
  statementInRekor2: instance.signStatement(statement, { log: "rekor2" }),
};

test("a verified bundle says who signed, what, when and in which log", () => {
  expect(verdictOf(good.statement)).toEqual({
    ok: true,
    value: {
      signer: {
        kind: "sigstore",
        trust: "private",
        issuer: ISSUER,
        identity: { type: "uri", value: WORKFLOW },
        source: {
          repository: REPOSITORY,
          repositoryId: "1234567",
          ownerId: "7654321",
          commit: "a".repeat(40),
          ref: "refs/tags/v1.0.0",
          buildConfig: WORKFLOW,
          buildSigner: WORKFLOW,
          runner: "github-hosted",
          trigger: "release",
          environment: "pypi",
          invocation: `${REPOSITORY}/actions/runs/1/attempts/1`,
        },
      },
      content: {
        kind: "statement",
        statement: {
          type: statement._type,
          subjects: statement.subject,
          predicateType: statement.predicateType,
          predicate: statement.predicate,
        },
        payloadType: "application/vnd.in-toto+json",
      },
      signedAt: instance.now,
      log: { kind: "rekor1", logIndex: 1_000_000, logId: instance.rekor1.id.toString("hex") },
      trustRootSha256: root.sha256,
    },
  });
});

const withChain = (mediaType: string): Loose =>
  changed(good.message, (bundle) => {
    bundle.mediaType = mediaType;
    const { rawBytes } = bundle.verificationMaterial.certificate;
    delete bundle.verificationMaterial.certificate;
    bundle.verificationMaterial.x509CertificateChain = {
      certificates: [{ rawBytes }, { rawBytes: instance.authority.der.toString("base64") }],
    };
  });

const sha384Leaf: SignOptions = { leaf: { keys: ecKeys("P-384") }, hash: "sha384" };

test.each<{ name: string; bundle: Loose; kind: "message" | "statement" }>([
  { name: "a message in a log of the first generation", bundle: good.message, kind: "message" },
  { name: "a message in a log of the second generation", bundle: good.messageInRekor2, kind: "message" },
  { name: "a statement logged as dsse", bundle: good.statement, kind: "statement" },
  { name: "a statement logged as intoto", bundle: instance.signStatement(statement, { statementEntry: "intoto" }), kind: "statement" },
  { name: "a statement logged as hashedrekord 0.0.2", bundle: good.statementInRekor2, kind: "statement" },
  { name: "a promised time and a timestamp", bundle: instance.signMessage(artifact, { timestamps: 1 }), kind: "message" },
  {
    name: "format 0.1, with a promise and no proof",
    bundle: changed(withChain("application/vnd.dev.sigstore.bundle+json;version=0.1"), (bundle) => {
      entryOf(bundle).inclusionProof = null;
    }),
    kind: "message",
  },
  { name: "format 0.2", bundle: withChain("application/vnd.dev.sigstore.bundle+json;version=0.2"), kind: "message" },
  {
    name: "format 0.3 by its old name",
    bundle: { ...good.message, mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.3" },
    kind: "message",
  },
  { name: "P-384 with SHA-384, message", bundle: instance.signMessage(artifact, sha384Leaf), kind: "message" },
  {
    name: "P-384 with SHA-384, message, second generation",
    bundle: instance.signMessage(artifact, { ...sha384Leaf, log: "rekor2" }),
    kind: "message",
  },
  { name: "P-384 with SHA-384, statement", bundle: instance.signStatement(statement, sha384Leaf), kind: "statement" },
  {
    name: "P-384 with SHA-256, statement",
    bundle: instance.signStatement(statement, { leaf: { keys: ecKeys("P-384") } }),
    kind: "statement",
  },
  {
    name: "P-521 with SHA-512, message",
    bundle: instance.signMessage(artifact, { leaf: { keys: ecKeys("P-521") }, hash: "sha512" }),
    kind: "message",
  },
  { name: "RSA, message", bundle: instance.signMessage(artifact, { leaf: { keys: rsaKeys(2048) } }), kind: "message" },
  { name: "RSA, statement", bundle: instance.signStatement(statement, { leaf: { keys: rsaKeys(2048) } }), kind: "statement" },
  { name: "Ed25519, statement", bundle: instance.signStatement(statement, { leaf: { keys: ed25519Keys() } }), kind: "statement" },
  {
    name: "Statement/v0.1",
    bundle: instance.signStatement({ ...statement, _type: "https://in-toto.io/Statement/v0.1" }),
    kind: "statement",
  },
])("accepted: $name", ({ bundle, kind }) => {
  const verdict = verdictOf(bundle);
  expect(verdict.ok ? verdict.value.content.kind : verdict.finding).toBe(kind);
});

test("a bundle's only input is the digest of the artifact", () => {
  expect(codeOf(good.message, { digests: { sha256: digests.sha256 } })).toBe("accepted as message");
  const overSha384 = instance.signMessage(artifact, sha384Leaf);
  expect(verdictOf(overSha384, { digests: { sha256: digests.sha256 } })).toMatchObject({
    ok: false,
    finding: { code: "BUNDLE_UNSUPPORTED", detail: expect.stringContaining("sha384") },
  });
});

const other = Buffer.from("another archive");
const stranger = new SigstoreInstance();

describeAttacks("the bundle as a document", [
  { name: "one byte more than the limit", bundle: padded(DEFAULT_LIMITS.bundleBytes + 1), code: "BUNDLE_LIMIT" },
  { name: "nested too deeply", bundle: Buffer.from(`{"mediaType":${"[".repeat(70)}${"]".repeat(70)}}`), code: "BUNDLE_LIMIT" },
  { name: "not JSON", bundle: Buffer.from("{"), code: "BUNDLE_MALFORMED" },
  { name: "not an object", bundle: Buffer.from("[]"), code: "BUNDLE_MALFORMED" },
  { name: "not UTF-8", bundle: Buffer.concat([Buffer.from('{"\xff":1}', "latin1")]), code: "BUNDLE_MALFORMED" },
  {
    name: "a member twice, of which readers take different ones",
    bundle: Buffer.from(
      JSON.stringify(good.message).replace("{", `{"messageSignature":${JSON.stringify(stranger.signMessage(other).messageSignature)},`),
    ),
    code: "BUNDLE_MALFORMED",
  },
  {
    name: "a media type of a version there is not",
    bundle: { ...good.message, mediaType: "application/vnd.dev.sigstore.bundle.v0.9+json" },
    code: "BUNDLE_UNSUPPORTED",
  },
  {
    name: "a media type with a suffix",
    bundle: { ...good.message, mediaType: `${good.message.mediaType}; x=y` },
    code: "BUNDLE_UNSUPPORTED",
  },
  { name: "no media type", bundle: changed(good.message, (b) => delete b.mediaType), code: "BUNDLE_MALFORMED" },
  { name: "an unknown field", bundle: { ...good.message, extra: 1 }, code: "BUNDLE_MALFORMED" },
  {
    name: "an unknown field inside",
    bundle: changed(good.message, (b) => {
      entryOf(b).extra = 1;
    }),
    code: "BUNDLE_MALFORMED",
  },
  { name: "both contents", bundle: { ...good.message, dsseEnvelope: good.statement.dsseEnvelope }, code: "BUNDLE_MALFORMED" },
  { name: "no content", bundle: changed(good.message, (b) => delete b.messageSignature), code: "BUNDLE_MALFORMED" },
  {
    name: "certificate and key",
    bundle: changed(good.message, (b) => {
      b.verificationMaterial.publicKey = { hint: "k" };
    }),
    code: "BUNDLE_MALFORMED",
  },
  {
    name: "neither certificate nor key",
    bundle: changed(good.message, (b) => delete b.verificationMaterial.certificate),
    code: "BUNDLE_MALFORMED",
  },
  { name: "a chain in format 0.3", bundle: { ...withChain(""), mediaType: good.message.mediaType }, code: "BUNDLE_MALFORMED" },
  {
    name: "a certificate outside a chain in format 0.2",
    bundle: changed(good.message, (b) => (b.mediaType = "application/vnd.dev.sigstore.bundle+json;version=0.2")),
    code: "BUNDLE_MALFORMED",
  },
  {
    name: "an empty chain",
    bundle: changed(withChain("application/vnd.dev.sigstore.bundle+json;version=0.2"), (b) => {
      b.verificationMaterial.x509CertificateChain.certificates = [];
    }),
    code: "BUNDLE_MALFORMED",
  },
  {
    name: "a chain that brings its root",
    bundle: changed(withChain("application/vnd.dev.sigstore.bundle+json;version=0.2"), (b) => {
      b.verificationMaterial.x509CertificateChain.certificates.push({ rawBytes: instance.rootAuthority.der.toString("base64") });
    }),
    code: "CERTIFICATE_INVALID",
  },
  {
    name: "base64 with a line break",
    bundle: changed(good.message, (b) => {
      b.messageSignature.signature = `${b.messageSignature.signature}\n`;
    }),
    code: "BUNDLE_MALFORMED",
  },
  {
    name: "base64 without its padding",
    bundle: changed(good.message, (b) => {
      b.messageSignature.messageDigest.digest = b.messageSignature.messageDigest.digest.replace("=", "");
    }),
    code: "BUNDLE_MALFORMED",
  },
  {
    name: "a number where text belongs",
    bundle: changed(good.message, (b) => {
      b.messageSignature.signature = 1;
    }),
    code: "BUNDLE_MALFORMED",
  },
  {
    name: "two signatures in the envelope",
    bundle: changed(good.statement, (b) => b.dsseEnvelope.signatures.push(b.dsseEnvelope.signatures[0])),
    code: "BUNDLE_MALFORMED",
  },
  {
    name: "no signature in the envelope",
    bundle: changed(good.statement, (b) => {
      b.dsseEnvelope.signatures = [];
    }),
    code: "BUNDLE_MALFORMED",
  },
  {
    name: "an envelope that names a key, beside a certificate",
    bundle: changed(good.statement, (b) => (b.dsseEnvelope.signatures[0].keyid = "SHA256:x")),
    code: "CLAIM_CONFLICT",
  },
  {
    name: "an unknown field in a log entry",
    bundle: changed(good.statement, (b) => (entryOf(b).inclusionProof.CHECKPOINT = null)),
    code: "BUNDLE_MALFORMED",
  },
  {
    name: "an unknown digest algorithm",
    bundle: changed(good.message, (b) => {
      b.messageSignature.messageDigest.algorithm = "SHA3_256";
    }),
    code: "BUNDLE_UNSUPPORTED",
  },
  {
    name: "a certificate past the limit",
    bundle: changed(good.message, (b) => {
      b.verificationMaterial.certificate.rawBytes = Buffer.alloc(16 * 1024 + 1).toString("base64");
    }),
    code: "BUNDLE_LIMIT",
  },
  {
    name: "a signature past the limit",
    bundle: changed(good.message, (b) => {
      b.messageSignature.signature = Buffer.alloc(8 * 1024 + 1).toString("base64");
    }),
    code: "BUNDLE_LIMIT",
  },
  {
    name: "nine log entries",
    bundle: changed(good.message, (b) => {
      b.verificationMaterial.tlogEntries = Array(9).fill(entryOf(b));
    }),
    code: "BUNDLE_MALFORMED",
  },
  { name: "nine timestamps", bundle: instance.signMessage(artifact, { timestamps: 9 }), code: "BUNDLE_MALFORMED" },
]);

describeAttacks("the artifact", [
  { name: "a message about other bytes", bundle: instance.signMessage(other), code: "SUBJECT_MISMATCH" },
  {
    name: "a message whose digest was edited to these bytes",
    bundle: changed(instance.signMessage(other), (b) => {
      b.messageSignature.messageDigest = good.message.messageSignature.messageDigest;
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "a statement about other bytes",
    bundle: instance.signStatement(about({ sha256: digestsOf(other).sha256 })),
    code: "SUBJECT_MISMATCH",
  },
  {
    name: "a subject that matches by SHA-1 only",
    bundle: instance.signStatement(about({ sha1: createHash("sha1").update(artifact).digest("hex") })),
    code: "SUBJECT_MISMATCH",
  },
  {
    name: "a subject whose second digest is another's",
    bundle: instance.signStatement(about({ sha256: digests.sha256, sha512: "0".repeat(128) })),
    code: "SUBJECT_MISMATCH",
  },
  { name: "no subject", bundle: instance.signStatement({ ...statement, subject: [] }), code: "STATEMENT_MALFORMED" },
  {
    name: "a statement type there is not",
    bundle: instance.signStatement({ ...statement, _type: "https://in-toto.io/Statement/v9" }),
    code: "STATEMENT_MALFORMED",
  },
  { name: "a payload that is not JSON", bundle: instance.signStatement(Buffer.from("x")), code: "STATEMENT_MALFORMED" },
  {
    name: "a payload with a member twice",
    bundle: instance.signStatement(Buffer.from(JSON.stringify(statement).replace("{", '{"subject":[],'))),
    code: "STATEMENT_MALFORMED",
  },
  {
    name: "a payload of another type",
    bundle: instance.signStatement(statement, { payloadType: "text/plain" }),
    code: "BUNDLE_UNSUPPORTED",
  },
  {
    name: "an envelope that was signed as another type",
    bundle: changed(instance.signStatement(statement, { payloadType: "text/plain" }), (b) => {
      b.dsseEnvelope.payloadType = "application/vnd.in-toto+json";
    }),
    code: "SIGNATURE_INVALID",
  },
  {
    name: "an edited payload",
    bundle: changed(good.statement, (b) => {
      b.dsseEnvelope.payload = Buffer.from(JSON.stringify({ ...statement, predicate: {} })).toString("base64");
    }),
    code: "LOG_ENTRY_INVALID",
  },
]);

describeAttacks("the certificate", [
  { name: "of another instance", bundle: withMaterialOf(stranger.signMessage(artifact)), code: "CERTIFICATE_UNTRUSTED" },
  {
    name: "with an edited signature",
    bundle: withCertificate((der) => Buffer.from(flipped(der.toString("base64")), "base64")),
    code: "CERTIFICATE_INVALID",
  },
  {
    name: "with bytes after its end",
    bundle: withCertificate((der) => Buffer.concat([der, Buffer.from([0])])),
    code: "CERTIFICATE_INVALID",
  },
  {
    name: "whose signature is called another kind than was signed",
    bundle: withCertificate((der) => {
      const at = der.lastIndexOf(ECDSA_SHA256);
      der.set(oid("1.2.840.10045.4.3.3"), at);
      return der;
    }),
    code: "CERTIFICATE_INVALID",
  },
  {
    name: "whose signature has bits that do not count",
    bundle: withCertificate((der) => {
      const at = der.lastIndexOf(ECDSA_SHA256) + ECDSA_SHA256.length;
      // The tag and the length of the bit string, and then how many bits do not count.
      der[at + 2] = 1;
      return der;
    }, endingInZeroBit()),
    code: "CERTIFICATE_INVALID",
  },
  { name: "that is none", bundle: withCertificate(() => Buffer.from("certificate")), code: "LOG_ENTRY_INVALID" },
  { name: "that is 4,000 sequences deep", bundle: withCertificate(() => nested(4000)), code: "LOG_ENTRY_INVALID" },
  {
    name: "that is none, and that no log has seen",
    bundle: changed(good.message, (b) => (b.verificationMaterial.certificate.rawBytes = "AAAA")),
    code: "CERTIFICATE_INVALID",
  },
  signedBy("not for signing code", { extendedKeyUsage: "1.3.6.1.5.5.7.3.1" }, "CERTIFICATE_INVALID"),
  signedBy("without extended key usage", { extendedKeyUsage: "" }, "CERTIFICATE_INVALID"),
  signedBy("without digitalSignature", { keyUsage: 0x40 }, "CERTIFICATE_INVALID"),
  signedBy("of an authority", { authority: true }, "CERTIFICATE_INVALID"),
  signedBy("with two names", { names: [uriName(WORKFLOW), emailName("mallory@example.org")] }, "CERTIFICATE_INVALID"),
  signedBy("without a name", { names: [] }, "CERTIFICATE_INVALID"),
  signedBy("with a name of a type that is not compared", { names: [element(0x82, Buffer.from("example.org"))] }, "CERTIFICATE_INVALID"),
  signedBy("with a line break in its name", { names: [emailName("alice@example.org\n")] }, "CERTIFICATE_INVALID"),
  signedBy("with a zero byte in its name", { names: [emailName("alice@example.org\0.evil.example")] }, "CERTIFICATE_INVALID"),
  signedBy(
    "with one extension twice",
    { more: [extension("1.3.6.1.4.1.57264.1.12", element(0x0c, Buffer.from("https://github.com/evil/tool")))] },
    "CERTIFICATE_INVALID",
  ),
  signedBy("with an unknown critical extension", { more: [extension("1.2.3.4", octets(Buffer.from("x")), true)] }, "CERTIFICATE_INVALID"),
  signedBy("without an issuer", { claims: { 12: REPOSITORY } }, "CERTIFICATE_INVALID"),
  signedBy(
    "whose claim is raw where a string type belongs",
    { claims: { 1: ISSUER }, more: [extension("1.3.6.1.4.1.57264.1.12", Buffer.from("raw"))] },
    "CERTIFICATE_INVALID",
  ),
  signedBy("whose claim holds a control character", { claims: { 8: `${ISSUER}\u0000` } }, "CERTIFICATE_INVALID"),
  signedBy("whose old and new issuer differ", { claims: { 1: "https://evil.example", 8: ISSUER } }, "CLAIM_CONFLICT"),
  signedBy("whose old and new repository differ", { claims: { 8: ISSUER, 5: "evil/tool", 12: REPOSITORY } }, "CLAIM_CONFLICT"),
  signedBy("whose old repository is only the end of the new one", { claims: { 8: ISSUER, 5: "tool", 12: REPOSITORY } }, "CLAIM_CONFLICT"),
  signedBy("whose old and new commit differ", { claims: { 8: ISSUER, 3: "a".repeat(40), 13: "b".repeat(40) } }, "CLAIM_CONFLICT"),
  signedBy("whose old and new ref differ", { claims: { 8: ISSUER, 6: "refs/heads/a", 14: "refs/heads/b" } }, "CLAIM_CONFLICT"),
  signedBy("whose old and new trigger differ", { claims: { 8: ISSUER, 2: "push", 20: "release" } }, "CLAIM_CONFLICT"),
  signedBy("with an RSA key of 1024 bits", { keys: rsaKeys(1024) }, "ALGORITHM_WEAK"),
  signedBy("with a key on another curve", { keys: ecKeys("secp256k1") }, "ALGORITHM_WEAK"),
  signedBy("that no transparency log has recorded", { recorded: false }, "CERTIFICATE_INVALID"),
  signedBy("that had not begun when it signed", { at: instance.now + 3_600_000 }, "CERTIFICATE_INVALID"),
  signedBy("that had ended when it signed", { at: instance.now - 3_600_000 }, "CERTIFICATE_INVALID"),
]);

const [promisedEntry, provenEntry] = [entryOf(good.message), entryOf(good.messageInRekor2)];
const strangersCertificate = instance.issue({ names: [emailName("mallory@example.org")] }).der;

test("every byte matters that stands beside what the authority signed, whatever the log was told", () => {
  const der = Buffer.from(good.messageInRekor2.verificationMaterial.certificate.rawBytes, "base64");
  for (let position = der.lastIndexOf(ECDSA_SHA256) - 2; position < der.length; position++) {
    const bundle = withCertificate((certificate) => {
      certificate[position] = (certificate[position] ?? 0) ^ (1 << (position % 8));
      return certificate;
    });
    expect(verdictOf(bundle).ok, `byte ${position}`).toBe(false);
  }
});

describeAttacks("the log entry", [
  {
    name: "none",
    bundle: changed(good.message, (b) => {
      b.verificationMaterial.tlogEntries = [];
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "one twice",
    bundle: changed(good.message, (b) => {
      b.verificationMaterial.tlogEntries.push(entryOf(b));
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "one twice, with another index",
    bundle: changed(good.message, (b) => {
      b.verificationMaterial.tlogEntries.push({ ...entryOf(b), logIndex: "7" });
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "of another instance",
    bundle: changed(good.message, (b) => {
      b.verificationMaterial.tlogEntries = stranger.signMessage(artifact).verificationMaterial.tlogEntries;
    }),
    code: "LOG_ENTRY_UNTRUSTED",
  },
  {
    name: "of another signature over the same bytes",
    bundle: changed(good.message, (b) => {
      b.verificationMaterial.tlogEntries = instance.signMessage(artifact).verificationMaterial.tlogEntries;
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "that records another certificate",
    bundle: instance.signMessage(artifact, { recordedAs: strangersCertificate }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "that records another certificate, as a statement",
    bundle: instance.signStatement(statement, { recordedAs: strangersCertificate }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "that records another certificate, as intoto",
    bundle: instance.signStatement(statement, { recordedAs: strangersCertificate, statementEntry: "intoto" }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "that records another certificate, second generation",
    bundle: instance.signMessage(artifact, { recordedAs: strangersCertificate, log: "rekor2" }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "that records a key in place of the certificate",
    bundle: instance.signMessage(artifact, { recordedAs: ecKeys().spki }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "of a type that there is not",
    bundle: changed(good.message, (b) => {
      entryOf(b).kindVersion = { kind: "rpm", version: "0.0.1" };
    }),
    code: "BUNDLE_UNSUPPORTED",
  },
  {
    name: "whose body is of another type than it says",
    bundle: changed(good.message, (b) => {
      entryOf(b).kindVersion.version = "0.0.2";
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "of a statement's type for a message",
    bundle: changed(good.message, (b) => {
      b.verificationMaterial.tlogEntries = good.statement.verificationMaterial.tlogEntries;
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "with an edited promise",
    bundle: changed(good.message, (b) => {
      entryOf(b).inclusionPromise.signedEntryTimestamp = flipped(promisedEntry.inclusionPromise.signedEntryTimestamp);
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "with an edited time",
    bundle: changed(good.message, (b) => {
      entryOf(b).integratedTime = String(Number(promisedEntry.integratedTime) + 1);
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "with an edited index",
    bundle: changed(good.message, (b) => {
      entryOf(b).logIndex = "7";
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "with a negative index",
    bundle: changed(good.message, (b) => {
      entryOf(b).logIndex = "-1";
    }),
    code: "BUNDLE_MALFORMED",
  },
  {
    name: "with an edited index, second generation",
    bundle: changed(good.messageInRekor2, (b) => {
      entryOf(b).logIndex = "7";
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "without a proof in format 0.3",
    bundle: changed(good.message, (b) => delete entryOf(b).inclusionProof),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "without a promise in format 0.1",
    bundle: changed(withChain("application/vnd.dev.sigstore.bundle+json;version=0.1"), (b) => delete entryOf(b).inclusionPromise),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "whose proof has no checkpoint",
    bundle: changed(good.message, (b) => delete entryOf(b).inclusionProof.checkpoint),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "whose proof has another root than its checkpoint",
    bundle: changed(good.message, (b) => {
      entryOf(b).inclusionProof.rootHash = flipped(promisedEntry.inclusionProof.rootHash);
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "whose proof has another size than its checkpoint",
    bundle: changed(good.message, (b) => {
      entryOf(b).inclusionProof.treeSize = "8";
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "whose proof is of another leaf",
    bundle: changed(good.message, (b) => {
      entryOf(b).inclusionProof.logIndex = "5";
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "whose proof has an edited hash",
    bundle: changed(good.message, (b) => {
      entryOf(b).inclusionProof.hashes[0] = flipped(promisedEntry.inclusionProof.hashes[0]);
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "whose proof has a hash of 64 bytes",
    bundle: changed(good.message, (b) => {
      entryOf(b).inclusionProof.hashes[0] = Buffer.alloc(64).toString("base64");
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "whose checkpoint another log of the root signed",
    bundle: changed(good.messageInRekor2, (b) => {
      entryOf(b).logId.keyId = instance.rekor1.id.toString("base64");
    }),
    code: "LOG_ENTRY_INVALID",
  },
  relogged("with an unknown field", good.messageInRekor2, (body) => (body.spec.hashedRekordV002.extra = 1)),
  relogged("with an unknown field, first generation", good.message, (body) => (body.spec.data.extra = 1)),
  relogged("that says nothing of the key's kind", good.messageInRekor2, (body) => delete verifierIn(body).keyDetails),
  relogged("that calls the key what it is not", good.messageInRekor2, (body) => (verifierIn(body).keyDetails = "PKIX_ED25519")),
  relogged(
    "of a key that signs other digests",
    instance.signStatement(statement, { log: "rekor2", leaf: { keys: ecKeys("P-384") } }),
    (body) => (verifierIn(body).keyDetails = "PKIX_ECDSA_P384_SHA_384"),
  ),
  relogged(
    "that names the key twice",
    good.messageInRekor2,
    (body) => (verifierIn(body).publicKey = { rawBytes: strangersCertificate.toString("base64") }),
  ),
  {
    name: "of a statement without the hash of its envelope",
    bundle: changed(good.statement, (b) => {
      const { envelopeHash, ...spec } = bodyOf(b).spec;
      b.verificationMaterial.tlogEntries = [instance.logInRekor1({ ...bodyOf(b), spec }, instance.now)];
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "whose checkpoint names another log",
    bundle: changed(good.messageInRekor2, (b) => {
      entryOf(b).inclusionProof.checkpoint.envelope = provenEntry.inclusionProof.checkpoint.envelope.replace(/^[^\n]*/, "other.example");
    }),
    code: "LOG_ENTRY_INVALID",
  },
]);

/** The bundle with a second entry, of the other log: what it records may be changed. */
function withSecondEntry(change: (record: Loose) => void = () => {}): Loose {
  return changed(good.message, (bundle) => {
    const { data, signature } = bodyOf(bundle).spec;
    const record = {
      data: { algorithm: "SHA2_256", digest: Buffer.from(data.hash.value, "hex").toString("base64") },
      signature: {
        content: signature.content,
        verifier: { keyDetails: "PKIX_ECDSA_P256_SHA_256", x509Certificate: bundle.verificationMaterial.certificate },
      },
    };
    change(record);
    const body = { apiVersion: "0.0.2", kind: "hashedrekord", spec: { hashedRekordV002: record } };
    bundle.verificationMaterial.tlogEntries.push(instance.logInRekor2(body));
  });
}

test("two logs may vouch for one signature, and both must", () => {
  expect(codeOf(withSecondEntry())).toBe("accepted as message");
  const wrong = [
    (record: Loose) => {
      record.signature.verifier.x509Certificate = { rawBytes: strangersCertificate.toString("base64") };
    },
    (record: Loose) => {
      record.signature.content = flipped(record.signature.content);
    },
    (record: Loose) => {
      record.data.digest = flipped(record.data.digest);
    },
  ];
  for (const change of wrong) expect(codeOf(withSecondEntry(change))).toBe("LOG_ENTRY_INVALID");
});

test("a checkpoint may have witnesses' lines, but not two of its log, of which a reader would take either", () => {
  const { checkpoint } = provenEntry.inclusionProof;
  const [, own = ""] = checkpoint.envelope.split("\n\n");
  const strange = instance.signMessage(artifact, { log: "rekor2" });
  const [, other = ""] = entryOf(strange).inclusionProof.checkpoint.envelope.split("\n\n");
  const [, witness = ""] = entryOf(good.message).inclusionProof.checkpoint.envelope.split("\n\n");
  const signedBy = (lines: string): string =>
    codeOf(
      changed(good.messageInRekor2, (b) => {
        entryOf(b).inclusionProof.checkpoint.envelope = checkpoint.envelope.replace(own, lines);
      }),
    );
  expect(signedBy(own + witness)).toBe("accepted as message");
  expect(signedBy(witness + own)).toBe("accepted as message");
  for (const lines of [own + other, other + own, own + own, other, witness]) expect(signedBy(lines)).toBe("LOG_ENTRY_INVALID");
});

test("a checkpoint that the log's key signed for another log's name is refused", () => {
  const under = (origin: string): string =>
    codeOf(
      changed(good.messageInRekor2, (bundle) => {
        bundle.verificationMaterial.tlogEntries = [instance.logInRekor2(bodyOf(bundle), origin)];
      }),
    );
  expect(under(instance.rekor2.host)).toBe("accepted as message");
  expect(under("other.example")).toBe("LOG_ENTRY_INVALID");
  expect(under(`${instance.rekor2.host}.evil.example`)).toBe("LOG_ENTRY_INVALID");
});

describeAttacks("the time", [
  { name: "vouched for by nobody", bundle: instance.signMessage(artifact, { log: "rekor2", timestamps: 0 }), code: "TIMESTAMP_MISSING" },
  {
    name: "claimed without a promise",
    bundle: changed(good.messageInRekor2, (b) => {
      b.verificationMaterial.timestampVerificationData = null;
      entryOf(b).integratedTime = String(instance.now / 1000);
    }),
    code: "TIMESTAMP_MISSING",
  },
  { name: "stamped on another signature", bundle: withTimestamp(instance.timestamp(Buffer.from("other"))), code: "TIMESTAMP_INVALID" },
  {
    name: "stamped by an unknown authority",
    bundle: withTimestamp(stranger.timestamp(signatureOf(good.messageInRekor2))),
    code: "CERTIFICATE_UNTRUSTED",
  },
  {
    name: "with an edited stamp",
    bundle: withTimestamp(Buffer.from(flipped(instance.timestamp(signatureOf(good.messageInRekor2)).toString("base64")), "base64")),
    code: "TIMESTAMP_INVALID",
  },
  { name: "that is no timestamp", bundle: withTimestamp(sequence(sequence(boolean(true)), oid("1.2.3"))), code: "TIMESTAMP_INVALID" },
  { name: "that is 20,000 sequences deep", bundle: withTimestamp(nested(20_000)), code: "TIMESTAMP_INVALID" },
  { name: "of a request that the authority did not grant", bundle: withStamp({ status: 2 }), code: "TIMESTAMP_INVALID" },
  { name: "whose signature is over something else", bundle: withStamp({ contentType: "1.2.840.113549.1.7.1" }), code: "TIMESTAMP_INVALID" },
  { name: "signed in an unknown way", bundle: withStamp({ signatureAlgorithm: sequence(oid("1.2.3")) }), code: "TIMESTAMP_INVALID" },
  { name: "with an attribute twice", bundle: withStamp({ more: [CONTENT_TYPE_ATTRIBUTE] }), code: "TIMESTAMP_INVALID" },
  {
    name: "that brings a stranger's certificate",
    bundle: withStamp({ certificates: [stranger.authority.der] }),
    code: "TIMESTAMP_INVALID",
  },
  { name: "that brings no certificate at all", bundle: withStamp({ certificates: [octets(Buffer.from("x"))] }), code: "TIMESTAMP_INVALID" },
  {
    name: "with a byte after its end",
    bundle: withTimestamp(Buffer.concat([instance.timestamp(signatureOf(good.messageInRekor2)), Buffer.from([0])])),
    code: "TIMESTAMP_INVALID",
  },
  {
    name: "claimed without a promise, outside the certificate's validity",
    bundle: changed(good.messageInRekor2, (b) => {
      entryOf(b).integratedTime = String(instance.now / 1000 + 3600);
    }),
    code: "LOG_ENTRY_INVALID",
  },
  {
    name: "after the certificate's end",
    bundle: withTimestamp(instance.timestamp(signatureOf(good.messageInRekor2), instance.now + 3_600_000)),
    code: "CERTIFICATE_INVALID",
  },
  {
    name: "stamped twice with one stamp",
    bundle: changed(good.messageInRekor2, (b) => {
      const { rfc3161Timestamps } = b.verificationMaterial.timestampVerificationData;
      rfc3161Timestamps.push(rfc3161Timestamps[0]);
    }),
    code: "TIMESTAMP_INVALID",
  },
]);

test("a timestamp may bring its authority's own certificates", () => {
  const certificates = [instance.timestampAuthority.der, instance.timestampRoot.der];
  expect(codeOf(withStamp({ certificates }))).toBe("accepted as message");
});

test("every byte of a timestamp matters", () => {
  const der = instance.timestamp(signatureOf(good.messageInRekor2));
  for (const [position, byte] of der.entries()) {
    const broken = Buffer.from(der);
    broken[position] = byte ^ (1 << (position % 8));
    expect(verdictOf(withTimestamp(broken)).ok, `byte ${position}`).toBe(false);
  }
});

test("a log's key that was not in use at the stamped time vouches for nothing", () => {
  const json = instance.trustedRoot();
  json.tlogs[1].publicKey.validFor.end = new Date(instance.now - 1000).toISOString();
  const retired = parseTrustRoot(Buffer.from(JSON.stringify(json)), "retired");
  expect(codeOf(good.messageInRekor2, { root: retired })).toBe("LOG_ENTRY_INVALID");
  json.tlogs[1].publicKey.validFor.end = new Date(instance.now).toISOString();
  expect(codeOf(good.messageInRekor2, { root: parseTrustRoot(Buffer.from(JSON.stringify(json)), "in use") })).toBe("accepted as message");
});

test("a certificate transparency log that the root does not know is called that, not invalid", () => {
  const json = instance.trustedRoot();
  json.ctlogs = stranger.trustedRoot().ctlogs;
  expect(verdictOf(good.message, { root: parseTrustRoot(Buffer.from(JSON.stringify(json)), "other") })).toMatchObject({
    finding: { code: "CERTIFICATE_UNTRUSTED", detail: expect.stringContaining("the trust root may be stale") },
  });
});

test("an instance that runs no certificate transparency log is taken as it is", () => {
  const json = instance.trustedRoot();
  json.ctlogs = [];
  const withoutLogs = parseTrustRoot(Buffer.from(JSON.stringify(json)), "private");
  expect(codeOf(instance.signMessage(artifact, { leaf: { recorded: false } }), { root: withoutLogs })).toBe("accepted as message");
});

test("roots never mix: what one instance signed is nothing under another's root", () => {
  expect(codeOf(good.message, { root: stranger.trustRoot() })).toBe("LOG_ENTRY_UNTRUSTED");
  expect(codeOf(stranger.signMessage(artifact))).toBe("LOG_ENTRY_UNTRUSTED");
});

test("an e-mail identity is one, whatever it looks like", () => {
  const verdict = verdictOf(
    instance.signMessage(artifact, { leaf: { names: [emailName("alice@example.org")], claims: { 1: "https://accounts.example" } } }),
  );
  expect(verdict).toMatchObject({
    ok: true,
    value: { signer: { issuer: "https://accounts.example", identity: { type: "email", value: "alice@example.org" }, source: {} } },
  });
});

test("a certificate from before 2023 names its source by the old extensions", () => {
  const claims = { 1: ISSUER, 2: "push", 3: "b".repeat(40), 5: "acme/tool", 6: "refs/heads/main" };
  const verdict = verdictOf(instance.signMessage(artifact, { leaf: { claims } }));
  expect(verdict).toMatchObject({
    ok: true,
    value: {
      signer: { issuer: ISSUER, source: { repository: REPOSITORY, commit: "b".repeat(40), ref: "refs/heads/main", trigger: "push" } },
    },
  });
});

test("every byte of a bundle matters: changing any one of its values ends in a finding, and never in an exception", () => {
  for (const bundle of Object.values(good)) {
    for (const path of leavesOf(bundle)) {
      const broken = changed(bundle, (copy) => {
        const parent = path.slice(0, -1).reduce((value, key) => value[key], copy);
        const last = path.at(-1) ?? "";
        parent[last] = `${parent[last]}`.startsWith("A") ? `B${`${parent[last]}`.slice(1)}` : `A${`${parent[last]}`.slice(1)}`;
      });
      expect(verdictOf(broken).ok, path.join(".")).toBe(false);
    }
  }
});

interface Attack {
  readonly name: string;
  readonly bundle: Loose | Buffer;
  readonly code: string;
}

function describeAttacks(subject: string, attacks: readonly Attack[]): void {
  test.each(attacks)(`refused: ${subject}, $name`, ({ bundle, code }) => {
    expect(codeOf(bundle)).toBe(code);
  });
}

function signedBy(name: string, leaf: LeafOptions, code: string): Attack {
  return { name, bundle: instance.signMessage(artifact, { leaf }), code };
}

function about(digest: Readonly<Record<string, string>>): Loose {
  return { ...statement, subject: [{ name: "tool-1.0.0.tgz", digest }] };
}

/** A bundle that the log has recorded with this certificate, whatever it is. */
function withCertificate(change: (der: Buffer) => Buffer, original = good.messageInRekor2): Loose {
  const bundle = changed(original, () => {});
  const der = change(Buffer.from(bundle.verificationMaterial.certificate.rawBytes, "base64"));
  const body = JSON.parse(Buffer.from(entryOf(bundle).canonicalizedBody, "base64").toString());
  body.spec.hashedRekordV002.signature.verifier.x509Certificate.rawBytes = der.toString("base64");
  bundle.verificationMaterial.certificate.rawBytes = der.toString("base64");
  bundle.verificationMaterial.tlogEntries = [instance.logInRekor2(body)];
  return bundle;
}

/** The log has signed what is changed in its record. */
function relogged(name: string, bundle: Loose, change: (body: Loose) => void): Attack {
  const body = bodyOf(bundle);
  change(body);
  const entry = body.apiVersion === "0.0.2" ? instance.logInRekor2(body) : instance.logInRekor1(body, instance.now);
  return { name, bundle: changed(bundle, (b) => (b.verificationMaterial.tlogEntries = [entry])), code: "LOG_ENTRY_INVALID" };
}

function verifierIn(body: Loose): Loose {
  return body.spec.hashedRekordV002.signature.verifier;
}

/** A bundle whose certificate's signature ends in a zero, which may be declared not to count. Every other one does. */
function endingInZeroBit(): Loose {
  for (;;) {
    const bundle = instance.signMessage(artifact, { log: "rekor2" });
    const der = Buffer.from(bundle.verificationMaterial.certificate.rawBytes, "base64");
    if (((der.at(-1) ?? 0) & 1) === 0) return bundle;
  }
}

/** Signed under a stranger's authority, but recorded in our log. */
function withMaterialOf(foreign: Loose): Loose {
  const body = JSON.parse(Buffer.from(entryOf(foreign).canonicalizedBody, "base64").toString());
  return changed(foreign, (bundle) => {
    bundle.verificationMaterial.tlogEntries = [instance.logInRekor1(body, instance.now)];
  });
}

function withStamp(options: StampOptions): Loose {
  return withTimestamp(instance.timestamp(signatureOf(good.messageInRekor2), instance.now, options));
}

function withTimestamp(der: Buffer): Loose {
  return changed(good.messageInRekor2, (bundle) => {
    bundle.verificationMaterial.timestampVerificationData = { rfc3161Timestamps: [{ signedTimestamp: der.toString("base64") }] };
  });
}

function signatureOf(bundle: Loose): Buffer {
  return Buffer.from(bundle.messageSignature.signature, "base64");
}

/** So many sequences in one another. */
function nested(depth: number): Buffer {
  let length = 0;
  const headers: Buffer[] = [];
  for (let level = 0; level < depth; level++) {
    const size =
      length < 0x80
        ? [length]
        : length < 0x100
          ? [0x81, length]
          : length < 0x10000
            ? [0x82, length >> 8, length & 0xff]
            : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
    headers.unshift(Buffer.from([0x30, ...size]));
    length += 1 + size.length;
  }
  return Buffer.concat(headers);
}

function padded(bytes: number): Buffer {
  const text = JSON.stringify(good.message);
  return Buffer.concat([Buffer.from(text), Buffer.alloc(bytes - text.length, " ")]);
}

/** Paths to all strings of a bundle, without those that nothing depends on. */
function leavesOf(value: Loose, path: readonly string[] = []): string[][] {
  if (typeof value === "string") return [[...path]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => leavesOf(member, [...path, key]));
}
