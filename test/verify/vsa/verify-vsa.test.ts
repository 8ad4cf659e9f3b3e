import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { JsonObject, JsonValue } from "../../../src/core/json.ts";
import { keyIdOf } from "../../../src/core/key-id.ts";
import { type AdmittedArchive, makeVsa } from "../../../src/verify/vsa/make-vsa.ts";
import { type VsaRequest, verifyVsa } from "../../../src/verify/vsa/verify-vsa.ts";
import { parseVsaKeys, vsaKeyIn } from "../../../src/verify/vsa/vsa-key.ts";

const NOW = Date.UTC(2026, 5, 1);
const HOUR_MS = 3_600_000;
const PURL = "pkg:npm/%40acme/tool@1.3.0";
const FILE = "tool-1.3.0.tgz";
const SHA256 = "ab".repeat(32);
const SUBJECT = { name: FILE, digest: { sha256: SHA256 } };
const PAYLOAD_TYPE = "application/vnd.in-toto+json";

const ed25519 = generateKeyPairSync("ed25519");
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const pem = (key: KeyObject) => key.export({ type: "spki", format: "pem" }).toString();
const hq = { keyId: "hq", key: ed25519.publicKey };
const branch = { keyId: "branch", key: p256.publicKey };

const PREDICATE: JsonObject = {
  verifier: { id: "https://assay.example/hq", version: { assay: "0.1.0" } },
  timeVerified: "2026-05-31T23:00:00Z",
  resourceUri: PURL,
  policy: { uri: "https://assay.example/policy.yaml", digest: { sha256: "00" } },
  inputAttestations: [],
  verificationResult: "PASSED",
  verifiedLevels: ["SLSA_BUILD_LEVEL_2"],
  slsaVersion: "1.0",
};

interface Made {
  readonly predicate?: JsonObject;
  readonly statement?: JsonObject;
  readonly payload?: Buffer;
  readonly payloadType?: string;
  readonly signedAs?: string;
  readonly key?: KeyObject;
  readonly keyid?: JsonValue;
  readonly envelope?: JsonObject;
}

function make(options: Made = {}): Buffer {
  const { payloadType = PAYLOAD_TYPE, signedAs = payloadType, key = ed25519.privateKey, keyid = "hq" } = options;
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [SUBJECT],
    predicateType: "https://slsa.dev/verification_summary/v1",
    predicate: { ...PREDICATE, ...options.predicate },
    ...options.statement,
  };
  const payload = options.payload ?? Buffer.from(JSON.stringify(statement));
  const encoded = Buffer.concat([Buffer.from(`DSSEv1 ${signedAs.length} ${signedAs} ${payload.length} `), payload]);
  const sig = sign(key.asymmetricKeyType === "ed25519" ? null : "sha256", encoded, key).toString("base64");
  return Buffer.from(
    JSON.stringify({ payload: payload.toString("base64"), payloadType, signatures: [{ keyid, sig }], ...options.envelope }),
  );
}

function check(envelope: Buffer, changes: Partial<VsaRequest> = {}) {
  return verifyVsa({ envelope, keys: [branch, hq], purl: PURL, file: FILE, digests: { sha256: SHA256 }, now: NOW, ...changes });
}

const invalid = (code: string) => ({ ok: false, finding: { code } });
const parsed = (envelope: Buffer) => JSON.parse(envelope.toString()) as { payload: string; signatures: [{ sig: string }] };

describe("an envelope that proves nothing", () => {
  const good = parsed(make());
  const [{ sig }] = good.signatures;
  const withSignatures = (...signatures: JsonValue[]) => make({ envelope: { signatures } });
  const other = generateKeyPairSync("ed25519").privateKey;

  test.each<[string, Buffer, string]>([
    ["signed by another key", make({ key: other, keyid: null }), "KEY_UNKNOWN"],
    ["signed by another key with an id that is not known", make({ key: other, keyid: "x" }), "KEY_UNKNOWN"],
    ["signed by another key in the name of a known one", make({ key: other }), "SIGNATURE_INVALID"],
    ["signed by one known key in the name of another", make({ key: p256.privateKey }), "SIGNATURE_INVALID"],
    [
      "with a changed payload",
      Buffer.from(
        make()
          .toString()
          .replace(good.payload, parsed(make({ predicate: { x: 1 } })).payload),
      ),
      "SIGNATURE_INVALID",
    ],
    ["signed as another payload type", make({ signedAs: "application/json" }), "SIGNATURE_INVALID"],
    ["of another payload type", make({ payloadType: "application/json" }), "BUNDLE_UNSUPPORTED"],
    ["of a payload type that is no text", make({ envelope: { payloadType: 7 } }), "BUNDLE_UNSUPPORTED"],
    ["with no signature", withSignatures(), "BUNDLE_MALFORMED"],
    ["with two signatures", withSignatures({ sig, keyid: "hq" }, { sig, keyid: "hq" }), "BUNDLE_MALFORMED"],
    ["with a signature that is no object", withSignatures(sig), "BUNDLE_MALFORMED"],
    ["with an empty signature", withSignatures({ sig: "", keyid: "hq" }), "BUNDLE_MALFORMED"],
    ["with slack in its base64", withSignatures({ sig: `${sig}\n`, keyid: "hq" }), "BUNDLE_MALFORMED"],
    ["with a key id that is no text", withSignatures({ sig, keyid: 7 }), "BUNDLE_MALFORMED"],
    ["with a payload that is no base64", make({ envelope: { payload: "{}" } }), "BUNDLE_MALFORMED"],
    ["with its payload twice", Buffer.from(make().toString().replace("{", '{"payload":"",')), "BUNDLE_MALFORMED"],
    ["that is no object", Buffer.from("[]"), "BUNDLE_MALFORMED"],
    ["that is no JSON", Buffer.from("{"), "BUNDLE_MALFORMED"],
    [
      "one byte past 256 KiB",
      Buffer.from(
        make()
          .toString()
          .padEnd(256 * 1024 + 1),
      ),
      "BUNDLE_LIMIT",
    ],
    ["nine levels deep", make({ envelope: { x: [[[[[[[[1]]]]]]]] } }), "BUNDLE_LIMIT"],
  ])("%s", (_what, envelope, code) => {
    expect(check(envelope)).toMatchObject(invalid(code));
  });
});

describe("a statement that is not a summary of this archive", () => {
  const deep = Buffer.from(`{"_type":"https://in-toto.io/Statement/v1","predicate":${"[".repeat(100)}${"]".repeat(100)}}`);
  test.each<[string, Made, string]>([
    ["payload that is no JSON", { payload: Buffer.from("x") }, "STATEMENT_MALFORMED"],
    ["a key twice in it", { payload: Buffer.from('{"_type":1,"_type":2}') }, "STATEMENT_MALFORMED"],
    ["nesting", { payload: deep }, "STATEMENT_MALFORMED"],
    ["an old statement", { statement: { _type: "https://in-toto.io/Statement/v0.1" } }, "STATEMENT_MALFORMED"],
    ["another predicate type", { statement: { predicateType: "https://slsa.dev/provenance/v1" } }, "PREDICATE_UNSUPPORTED"],
    ["an older summary", { statement: { predicateType: "https://slsa.dev/verification_summary/v0.2" } }, "PREDICATE_UNSUPPORTED"],
    ["other bytes", { statement: { subject: [{ name: FILE, digest: { sha256: "00".repeat(32) } }] } }, "SUBJECT_MISMATCH"],
    [
      "these bytes under another name",
      { statement: { subject: [{ name: "tool-1.2.0.tgz", digest: { sha256: SHA256 } }] } },
      "SUBJECT_MISMATCH",
    ],
    ["no strong digest", { statement: { subject: [{ name: FILE, digest: { sha1: "00".repeat(20) } }] } }, "SUBJECT_MISMATCH"],
    ["a second archive", { statement: { subject: [SUBJECT, { ...SUBJECT, name: "other.tgz" }] } }, "SUBJECT_MISMATCH"],
    ["another package", { predicate: { resourceUri: "pkg:npm/tool@1.3.0" } }, "PREDICATE_MISMATCH"],
    ["another version", { predicate: { resourceUri: "pkg:npm/%40acme/tool@1.3.1" } }, "PREDICATE_MISMATCH"],
    ["a package of another registry", { predicate: { resourceUri: `${PURL}?repository_url=evil.example` } }, "PREDICATE_MISMATCH"],
    ["a refusal", { predicate: { verificationResult: "FAILED" } }, "PREDICATE_MISMATCH"],
    ["a result in another spelling", { predicate: { verificationResult: "passed" } }, "PREDICATE_MISMATCH"],
    ["a version of another ecosystem", { predicate: { resourceUri: PURL.replace("npm", "aam") } }, "PREDICATE_MISMATCH"],
    ["a time further ahead than clocks differ", { predicate: { timeVerified: "2026-06-01T00:05:01Z" } }, "TIMESTAMP_INVALID"],
    ["a time that is none", { predicate: { timeVerified: "yesterday" } }, "PREDICATE_MALFORMED"],
    ["a time without zone", { predicate: { timeVerified: "2026-05-31T23:00:00" } }, "PREDICATE_MALFORMED"],
    ["a time that no calendar has", { predicate: { timeVerified: "2026-13-31T23:00:00Z" } }, "PREDICATE_MALFORMED"],
    ["no predicate", { statement: { predicate: null } }, "PREDICATE_MALFORMED"],
    ["no verifier", { predicate: { verifier: null } }, "PREDICATE_MALFORMED"],
    ["a verifier with an endless id", { predicate: { verifier: { id: "x".repeat(2049) } } }, "PREDICATE_MALFORMED"],
    ["a verifier without id", { predicate: { verifier: {} } }, "PREDICATE_MALFORMED"],
    ["no time", { predicate: { timeVerified: null } }, "PREDICATE_MALFORMED"],
    ["no resource", { predicate: { resourceUri: null } }, "PREDICATE_MALFORMED"],
    ["no policy", { predicate: { policy: null } }, "PREDICATE_MALFORMED"],
    ["a policy without URI", { predicate: { policy: { digest: {} } } }, "PREDICATE_MALFORMED"],
    ["no result", { predicate: { verificationResult: null } }, "PREDICATE_MALFORMED"],
    ["no levels", { predicate: { verifiedLevels: null } }, "PREDICATE_MALFORMED"],
    ["levels that are no texts", { predicate: { verifiedLevels: [2] } }, "PREDICATE_MALFORMED"],
  ])("%s", (_what, options, code) => {
    expect(check(make(options))).toMatchObject(invalid(code));
  });

  test("no key that counts", () => {
    expect(check(make(), { keys: [] })).toMatchObject(invalid("KEY_UNKNOWN"));
  });
});

describe("a summary", () => {
  test("says who verified it, when, and to what level", () => {
    expect(check(make())).toEqual({
      ok: true,
      value: {
        signer: { kind: "vsa", keyId: "hq" },
        verifierId: "https://assay.example/hq",
        verifiedAt: NOW - HOUR_MS,
        level: "L2",
        statement: expect.objectContaining({ subjects: [SUBJECT] }),
      },
    });
  });

  test.each([
    [[], "L1"],
    [["SLSA_BUILD_LEVEL_0"], "L1"],
    [["SLSA_BUILD_LEVEL_1"], "L1"],
    [["SLSA_BUILD_LEVEL_2"], "L2"],
    [["SLSA_BUILD_LEVEL_3"], "L2"],
    [["AAM_L0"], "L1"],
    [["AAM_L2"], "L2"],
    [["SLSA_BUILD_LEVEL_2", "AAM_L3"], "L3"],
    [["slsa_build_level_2", "L3", "AAM_L3 ", "AAM_L4", "FAILED"], "L1"],
  ])("levels of %j make %s", (verifiedLevels, level) => {
    expect(check(make({ predicate: { verifiedLevels } }))).toMatchObject({ ok: true, value: { level } });
  });

  test("made by a clock that is a little ahead is taken", () => {
    expect(check(make({ predicate: { timeVerified: "2026-06-01T00:05:00Z" } }))).toMatchObject({ ok: true });
  });

  test.each(["branch", "another name for it", null, ""])("by P-256, with the key id %j", (keyid) => {
    expect(check(make({ key: p256.privateKey, keyid }))).toMatchObject({ ok: true, value: { signer: { keyId: "branch" } } });
  });

  test("unknown fields are ignored", () => {
    expect(check(make({ predicate: { x: 1 }, statement: { y: 2 }, envelope: { z: 3 } }))).toMatchObject({ ok: true });
  });
});

describe("a file of keys that cannot be used", () => {
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey;
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
  const secret = ed25519.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  test.each([
    ["P-384", pem(p384)],
    ["RSA", pem(rsa)],
    ["a private key", secret],
    ["a private key behind a public one", pem(ed25519.publicKey) + secret],
    ["a good key and a bad one", pem(ed25519.publicKey) + pem(rsa)],
    ["text", "x"],
    ["an armor around nothing", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----"],
    ["nothing", ""],
    ["65 keys", pem(ed25519.publicKey).repeat(65)],
  ])("%s", (_what, text) => {
    expect(() => parseVsaKeys("hq.pem", text)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  test("a file with other keys than the one that is named", () => {
    expect(() => vsaKeyIn("hq.pem", pem(p256.publicKey), keyIdOf(ed25519.publicKey))).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining(keyIdOf(p256.publicKey)) }),
    );
  });
});

test("keys are known by the hash of what they are, wherever they stand in a file", () => {
  const text = `our mirror\n${pem(p256.publicKey)}\nthe one before\n${pem(ed25519.publicKey)}`;
  expect(vsaKeyIn("hq.pem", text, keyIdOf(ed25519.publicKey)).key.equals(ed25519.publicKey)).toBe(true);
  expect(parseVsaKeys("hq.pem", text).map(({ keyId }) => keyId)).toEqual([keyIdOf(p256.publicKey), keyIdOf(ed25519.publicKey)]);
});

describe("what this Assay makes", () => {
  const archive: AdmittedArchive = {
    purl: PURL,
    file: FILE,
    digests: { sha256: SHA256, sha512: "cd".repeat(64) },
    verifiedAt: NOW - HOUR_MS,
    level: "L2",
    verifierId: "https://assay.example/hq/",
    policySha256: "ef".repeat(32),
  };
  const key = { keyId: "hq", sign: (bytes: Uint8Array) => sign(null, bytes, ed25519.privateKey) };

  test("another reads, and takes for what was meant", () => {
    const read = check(makeVsa(archive, key), { digests: archive.digests });
    expect(read).toMatchObject({
      ok: true,
      value: { signer: { keyId: "hq" }, verifierId: archive.verifierId, verifiedAt: archive.verifiedAt, level: "L2" },
    });
  });

  test.each(["L0", "L1", "L2", "L3"] as const)("states %s so that it is read again", (level) => {
    const expected = level === "L0" ? "L1" : level;
    expect(check(makeVsa({ ...archive, level }, key))).toMatchObject({ value: { level: expected } });
  });

  test("names the policy by its digest, and claims no list of attestations that is not complete", () => {
    const { payload } = parsed(makeVsa(archive, key));
    const { predicate } = JSON.parse(Buffer.from(payload, "base64").toString()) as { predicate: JsonObject };
    expect(predicate).toEqual({
      verifier: { id: "https://assay.example/hq/" },
      timeVerified: "2026-05-31T23:00:00.000Z",
      resourceUri: PURL,
      policy: { uri: "https://assay.example/hq/#policy", digest: { sha256: "ef".repeat(32) } },
      verificationResult: "PASSED",
      verifiedLevels: ["SLSA_BUILD_LEVEL_2", "AAM_L2"],
      slsaVersion: "1.1",
    });
  });

  test("is the same for the same verdict", () => {
    expect(makeVsa(archive, key)).toEqual(makeVsa({ ...archive }, key));
  });
});
