import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { AssayError } from "../../../src/core/errors.ts";
import { parseTrustRoot, publicTrustRoot } from "../../../src/verify/sigstore/trust-root.ts";
import { type Loose, SigstoreInstance } from "../../support/sigstore-instance.ts";

const instance = new SigstoreInstance();

function refusalOf(text: Buffer): unknown {
  try {
    return parseTrustRoot(text, "internal");
  } catch (error) {
    return error instanceof AssayError ? `${error.code} ${error.message}` : error;
  }
}

const leaf = instance.issue().der.toString("base64");

test.each<{ name: string; change: (root: Loose) => unknown; says: string }>([
  {
    name: "another kind of file",
    change: (r) => {
      r.mediaType = "application/json";
    },
    says: "mediaType",
  },
  {
    name: "no transparency log",
    change: (r) => {
      r.tlogs = [];
    },
    says: "no transparency log",
  },
  {
    name: "a log whose key has no start",
    change: (r) => delete r.tlogs[1].publicKey.validFor.start,
    says: "tlogs[1].publicKey.validFor.start is missing",
  },
  {
    name: "a log whose key has no period",
    change: (r) => delete r.tlogs[0].publicKey.validFor,
    says: "tlogs[0].publicKey.validFor is missing",
  },
  {
    name: "a log whose period runs backwards",
    change: (r) => {
      r.ctlogs[0].publicKey.validFor.end = "2001-01-01T00:00:00Z";
    },
    says: "ctlogs[0].publicKey.validFor ends before it starts",
  },
  {
    name: "a start that is no time",
    change: (r) => {
      r.tlogs[0].publicKey.validFor.start = "yesterday";
    },
    says: "validFor.start is not a time",
  },
  {
    name: "a start that is a number",
    change: (r) => {
      r.tlogs[0].publicKey.validFor.start = 1;
    },
    says: "validFor.start is not a time",
  },
  { name: "a log without an id", change: (r) => delete r.tlogs[0].logId, says: "tlogs[0].logId is missing" },
  {
    name: "a log with an empty id",
    change: (r) => {
      r.tlogs[0].logId.keyId = "";
    },
    says: "tlogs[0].logId.keyId is not canonical base64",
  },
  {
    name: "a log with an empty checkpoint key id",
    change: (r) => {
      r.tlogs[0].checkpointKeyId = { keyId: "" };
    },
    says: "tlogs[0].checkpointKeyId.keyId is not canonical base64",
  },
  {
    name: "two logs with one id",
    change: (r) => {
      r.tlogs[1].logId = r.tlogs[0].logId;
    },
    says: "of another log in tlogs",
  },
  {
    name: "two logs with one id, by the checkpoint key of one",
    change: (r) => {
      r.tlogs[1].checkpointKeyId = r.tlogs[0].logId;
    },
    says: "of another log in tlogs",
  },
  {
    name: "a log without an address",
    change: (r) => {
      r.tlogs[0].baseUrl = "";
    },
    says: "tlogs[0].baseUrl is missing",
  },
  {
    name: "a log whose key is none",
    change: (r) => {
      r.tlogs[0].publicKey.rawBytes = "AAAA";
    },
    says: "cannot be read",
  },
  {
    name: "an authority without a start",
    change: (r) => delete r.certificateAuthorities[0].validFor.start,
    says: "certificateAuthorities[0].validFor.start is missing",
  },
  {
    name: "a time-stamping authority without a period",
    change: (r) => delete r.timestampAuthorities[0].validFor,
    says: "timestampAuthorities[0].validFor is missing",
  },
  {
    name: "an authority without a certificate",
    change: (r) => {
      r.certificateAuthorities[0].certChain.certificates = [];
    },
    says: "certificateAuthorities[0] has no certificate",
  },
  {
    name: "an authority whose certificate is none",
    change: (r) => {
      r.certificateAuthorities[0].certChain.certificates[0].rawBytes = "AAAA";
    },
    says: "cannot be read",
  },
  {
    name: "an authority with a signer's certificate",
    change: (r) => {
      r.certificateAuthorities[0].certChain.certificates[0].rawBytes = leaf;
    },
    says: "is not an authority's",
  },
])("refused: $name", ({ change, says }) => {
  const root = instance.trustedRoot();
  change(root);
  const refusal = refusalOf(Buffer.from(JSON.stringify(root)));
  expect(refusal).toMatch(/^CONFIG_INVALID the Sigstore trust root "internal"/);
  expect(refusal).toContain(says);
});

test.each([
  { name: "a member twice", text: '{"tlogs":[],"tlogs":[]}', says: 'it has the member "tlogs" twice' },
  { name: "not JSON", text: "x", says: "it is not JSON" },
  { name: "a list", text: "[]", says: "not an object" },
  { name: "larger than the limit", text: " ".repeat(1024 * 1024 + 1), says: "larger than" },
])("refused: $name", ({ text, says }) => {
  expect(refusalOf(Buffer.from(text))).toContain(says);
});

test("a root carries its name, its source and the hash of its text", () => {
  const text = Buffer.from(JSON.stringify(instance.trustedRoot()));
  const { name, source, sha256 } = parseTrustRoot(text, "internal", "./trusted_root.json");
  expect({ name, source, sha256 }).toEqual({
    name: "internal",
    source: "./trusted_root.json",
    sha256: createHash("sha256").update(text).digest("hex"),
  });
});

test("the public root is built in, with both generations of log and its time-stamping authority", () => {
  const root = publicTrustRoot();
  expect(root.name).toBe("public");
  expect(root.material.tlogs.map(({ publicKey }) => publicKey.asymmetricKeyType)).toEqual(["ec", "ed25519"]);
  expect(root.material.timestampAuthorities).toHaveLength(1);
  expect(root.material.certificateAuthorities.length).toBeGreaterThan(0);
});
