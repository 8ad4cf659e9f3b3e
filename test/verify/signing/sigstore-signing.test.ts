import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IdentityToken } from "../../../src/verify/signing/identity-token.ts";
import { SigstoreSigning } from "../../../src/verify/signing/sigstore-signing.ts";
import { verifyBundle } from "../../../src/verify/sigstore/verify-bundle.ts";
import { githubToken, identityToken, type SigstoreServices, startSigstore } from "../../support/sigstore-services.ts";

let sigstore: SigstoreServices;
beforeAll(async () => {
  sigstore = await startSigstore();
});
afterAll(() => sigstore.close());

const BYTES = Buffer.from("an archive");
const sha256 = createHash("sha256").update(BYTES).digest("hex");
const CERTIFY = "/api/v2/signingCert";
const RECORD = "/api/v1/log/entries";

function signing(token = githubToken(), timestamps = false): SigstoreSigning {
  const at = new URL(sigstore.url);
  return new SigstoreSigning(
    { fulcio: at, rekor: at, ...(timestamps ? { timestamps: at } : {}) },
    IdentityToken.parse(token, "a test", Date.now()),
  );
}

function verified(bundle: Buffer, digest = sha256) {
  return verifyBundle({ bundle, root: sigstore.instance.trustRoot(), artifact: { digests: { sha256: digest } } });
}

const statement = (digest = sha256): Buffer =>
  Buffer.from(
    JSON.stringify({
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name: "tool-1.0.0.aam", digest: { sha256: digest } }],
      predicateType: "https://uaaps.github.io/provenance/v1",
      predicate: {},
    }),
  );

test("what is signed for other bytes does not verify for these", async () => {
  const other = createHash("sha256").update("other bytes").digest("hex");
  expect(verified(await signing().signBytes(BYTES), other)).toMatchObject({ ok: false });
  expect(verified(await signing().signStatement(statement(other)))).toMatchObject({ ok: false, finding: { code: "SUBJECT_MISMATCH" } });
});

test.each([
  { name: "a certificate authority that refuses the token", path: CERTIFY, status: 401, code: "UPSTREAM_AUTH" },
  { name: "a log that takes no entry", path: RECORD, status: 400, code: "UPSTREAM_STATUS" },
])("$name fails with its own words, and without the token", async ({ path, status, code }) => {
  sigstore.wrong.set(path, { status, body: JSON.stringify({ code: 3, message: "not\u001b[2Jtoday" }) });
  const token = githubToken();
  const error = await signing(token)
    .signBytes(BYTES)
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code, upstreamStatus: status, message: expect.stringContaining("u001b[2Jtoday") });
  expect(String(error)).not.toContain("\u001b");
  expect(String(error)).not.toContain(token.split(".")[1]);
});

test.each([
  { name: "no certificate", path: CERTIFY, body: "{}" },
  { name: "no JSON", path: CERTIFY, body: "<html>" },
  { name: "a log entry without content", path: RECORD, body: JSON.stringify({ a: {} }) },
])("an instance that answers $name is one that answers wrongly", async ({ path, body }) => {
  sigstore.wrong.set(path, { status: 200, body });
  await expect(signing().signBytes(BYTES)).rejects.toMatchObject({ code: expect.stringMatching(/^UPSTREAM_(?:MALFORMED|UNREACHABLE)$/) });
});

test("an answer that got lost is asked for again", async () => {
  sigstore.wrong.set(RECORD, { status: 503, body: "" });
  expect(verified(await signing().signBytes(BYTES))).toMatchObject({ ok: true });
});

test.each([{ timestamps: false }, { timestamps: true }])(
  "bytes and statements verify, with time stamps: $timestamps",
  async ({ timestamps }) => {
    const person = identityToken({ iss: "https://accounts.example", sub: "1", email: "ann@acme.example", email_verified: true });
    const before = sigstore.asked.filter((request) => request.endsWith("/timestamp")).length;
    expect(verified(await signing(person, timestamps).signBytes(BYTES))).toMatchObject({
      ok: true,
      value: {
        signer: { issuer: "https://accounts.example", identity: { type: "email", value: "ann@acme.example" } },
        content: { kind: "message" },
      },
    });
    expect(verified(await signing(githubToken(), timestamps).signStatement(statement()))).toMatchObject({
      ok: true,
      value: { signer: { source: { repository: "https://github.com/acme/tool", commit: "a".repeat(40) } }, content: { kind: "statement" } },
    });
    expect(sigstore.asked.filter((request) => request.endsWith("/timestamp")).length - before).toBe(timestamps ? 2 : 0);
  },
);
