import { describe, expect, test } from "vitest";
import type { ArtifactRef } from "../../../src/core/artifact.ts";
import type { JsonObject } from "../../../src/core/json.ts";
import type { SignedItem } from "../../../src/core/ports/ecosystem.ts";
import type { Signer, SigstoreSigner } from "../../../src/core/signer.ts";
import type { Statement } from "../../../src/core/statement.ts";
import { checkSigned } from "../../../src/ecosystems/pypi/check-signed.ts";
import { WHEEL } from "./pypi-fixture.ts";

const REF: ArtifactRef = { repository: "pypi", ecosystem: "pypi", name: "demo-pkg", version: "1.0", file: WHEEL };
const SHA256 = "ab".repeat(32);
const DIGESTS = { sha256: SHA256, sha512: "cd".repeat(64) };
const WORKFLOW = "https://github.com/acme/tool/.github/workflows/release.yml@refs/tags/v1";
const SUBJECT = { name: WHEEL, digest: { sha256: SHA256 } };
const STATEMENT: Statement = {
  type: "https://in-toto.io/Statement/v1",
  subjects: [SUBJECT],
  predicateType: "https://docs.pypi.org/attestations/publish/v1",
  predicate: null,
};
const SIGNER: SigstoreSigner = {
  kind: "sigstore",
  trust: "public",
  issuer: "https://token.actions.githubusercontent.com",
  identity: { type: "uri", value: WORKFLOW },
  source: { repository: "https://github.com/acme/tool", ref: "refs/tags/v1", buildConfig: WORKFLOW },
};
const PUBLISHER = { kind: "GitHub", repository: "acme/tool", workflow: "release.yml", environment: null };

interface Case {
  readonly statement?: Partial<Statement>;
  readonly signer?: Signer;
  readonly publisher?: JsonObject | null;
}

function check({ statement = {}, signer = SIGNER, publisher = PUBLISHER }: Case) {
  const item: SignedItem = { kind: "sigstore", label: "attestation", bundle: Buffer.alloc(0), context: { publisher } };
  return checkSigned(REF, item, { signer, statement: { ...STATEMENT, ...statement } }, DIGESTS);
}

describe("an attestation whose cryptography holds is refused", () => {
  test.each<[string, Case, string]>([
    ["of another digest", { statement: { subjects: [{ name: WHEEL, digest: { sha256: "00".repeat(32) } }] } }, "SUBJECT_MISMATCH"],
    [
      "of one right digest and a wrong one",
      { statement: { subjects: [{ name: WHEEL, digest: { sha256: SHA256, sha512: "00".repeat(64) } }] } },
      "SUBJECT_MISMATCH",
    ],
    ["of another version", { statement: { subjects: [{ ...SUBJECT, name: "demo_pkg-1.1-py3-none-any.whl" }] } }, "SUBJECT_MISMATCH"],
    ["of the sdist", { statement: { subjects: [{ ...SUBJECT, name: "demo_pkg-1.0.tar.gz" }] } }, "SUBJECT_MISMATCH"],
    ["of two files", { statement: { subjects: [SUBJECT, { name: "x", digest: { sha256: SHA256 } }] } }, "SUBJECT_MISMATCH"],
    ["of nothing", { statement: { subjects: [] } }, "SUBJECT_MISMATCH"],
    ["of another kind", { statement: { predicateType: "https://slsa.dev/provenance/v0.2" } }, "PREDICATE_UNSUPPORTED"],
    ["in an old statement", { statement: { type: "https://in-toto.io/Statement/v0.1" } }, "STATEMENT_MALFORMED"],
    ["by another repository than the index names", { publisher: { ...PUBLISHER, repository: "acme/other" } }, "PUBLISHER_MISMATCH"],
    ["by another workflow than the index names", { publisher: { ...PUBLISHER, workflow: "evil.yml" } }, "PUBLISHER_MISMATCH"],
    ["by a key, where the index names a publisher", { signer: { kind: "key", keyId: "k" } }, "PUBLISHER_MISMATCH"],
  ])("%s", (_what, row, code) => {
    expect(check(row)).toMatchObject({ code });
  });

  test("without a statement, or as a registry's signature", () => {
    const bundle: SignedItem = { kind: "sigstore", label: "attestation", bundle: Buffer.alloc(0) };
    const signature: SignedItem = { kind: "registry-signature", label: "x", keyId: "k", signature: "", message: "demo-pkg" };
    for (const item of [bundle, signature])
      expect(checkSigned(REF, item, { signer: SIGNER }, DIGESTS)).toMatchObject({ code: "STATEMENT_MALFORMED" });
  });
});

test.each<[string, Case]>([
  ["as published", {}],
  ["with tags and name spelt otherwise", { statement: { subjects: [{ ...SUBJECT, name: "Demo.Pkg-1.0.0-PY3-none-any.whl" }] } }],
  ["about the build", { statement: { predicateType: "https://slsa.dev/provenance/v1", predicate: {} } }],
  ["by nobody that the index names", { publisher: null }],
])("an attestation of this file is taken: %s", (_what, row) => {
  expect(check(row)).toBeUndefined();
});

test("an OpenPGP signature is over the bytes, and needs no words", () => {
  const item: SignedItem = { kind: "openpgp", label: "x", signature: Buffer.alloc(0) };
  expect(checkSigned(REF, item, { signer: { kind: "openpgp", fingerprint: "ab".repeat(20) } }, DIGESTS)).toBeUndefined();
});
