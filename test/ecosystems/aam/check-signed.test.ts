import { describe, expect, test } from "vitest";
import type { ArtifactRef } from "../../../src/core/artifact.ts";
import type { JsonObject } from "../../../src/core/json.ts";
import type { SignedItem } from "../../../src/core/ports/ecosystem.ts";
import type { Signer } from "../../../src/core/signer.ts";
import type { Statement, StatementSubject } from "../../../src/core/statement.ts";
import { checkSigned } from "../../../src/ecosystems/aam/check-signed.ts";

const REF: ArtifactRef = {
  repository: "aam",
  ecosystem: "aam",
  name: "@myorg/code-review",
  version: "1.3.0",
  file: "myorg--code-review-1.3.0.aam",
};
const SHA256 = "ab".repeat(32);
const SHA512 = "cd".repeat(64);
const DIGESTS = { sha256: SHA256, sha512: SHA512 };
const UAAPS = "https://uaaps.github.io/provenance/v1";
const SIGNER: Signer = { kind: "openpgp", fingerprint: "ab".repeat(20) };
const SUBJECT = { name: "@myorg/code-review-1.3.0.aam", digest: { sha256: SHA256 } };

interface Case {
  readonly subjects?: readonly StatementSubject[];
  readonly predicateType?: string;
  readonly context?: JsonObject;
  readonly ref?: ArtifactRef;
}

function check({ subjects = [SUBJECT], predicateType = UAAPS, context, ref = REF }: Case) {
  const item: SignedItem = { kind: "sigstore", label: "x", bundle: Buffer.alloc(0), ...(context ? { context } : {}) };
  const statement: Statement = { type: "https://in-toto.io/Statement/v1", subjects, predicateType, predicate: {} };
  return checkSigned(ref, item, { signer: SIGNER, statement }, DIGESTS);
}

const named = (name: string): Case => ({ subjects: [{ ...SUBJECT, name }] });

describe("a statement whose cryptography holds is refused", () => {
  test.each<[string, Case, string]>([
    ["about another digest", { subjects: [{ ...SUBJECT, digest: { sha256: "00".repeat(32) } }] }, "SUBJECT_MISMATCH"],
    ["without a SHA-256", { subjects: [{ ...SUBJECT, digest: { sha512: SHA512 } }] }, "SUBJECT_MISMATCH"],
    ["about another version", named("@myorg/code-review-1.4.0.aam"), "SUBJECT_MISMATCH"],
    ["about the package without its scope", named("code-review-1.3.0.aam"), "SUBJECT_MISMATCH"],
    ["about another scope's", named("@evil/code-review-1.3.0.aam"), "SUBJECT_MISMATCH"],
    ["about a name that begins alike", named("@myorg/code-review-1.3.0.aam.exe"), "SUBJECT_MISMATCH"],
    [
      "about a scoped package, asked for the unscoped one",
      { ref: { ...REF, name: "code-review", file: "code-review-1.3.0.aam" } },
      "SUBJECT_MISMATCH",
    ],
    ["about it twice", { subjects: [SUBJECT, { ...SUBJECT, name: REF.file }] }, "SUBJECT_MISMATCH"],
    ["of another kind", { predicateType: "https://docs.pypi.org/attestations/publish/v1" }, "PREDICATE_UNSUPPORTED"],
    ["called something else by the registry", { context: { predicateType: "https://slsa.dev/provenance/v1" } }, "PREDICATE_MISMATCH"],
  ])("%s", (_what, row, code) => {
    expect(check(row)).toMatchObject({ code });
  });

  test("as a registry's signature, of which AAM has none that can be checked", () => {
    const item: SignedItem = { kind: "registry-signature", label: "x", keyId: "k", signature: "", message: "m" };
    expect(checkSigned(REF, item, { signer: SIGNER }, DIGESTS)).toMatchObject({ code: "STATEMENT_MALFORMED" });
  });
});

test.each<[string, Case]>([
  ["as the specification names it", {}],
  ["as its file is called", named("myorg--code-review-1.3.0.aam")],
  ["as the aam client calls it", named("myorg-code-review-1.3.0.aam")],
  ["beside other archives of the build", { subjects: [{ name: "other-1.0.0.aam", digest: { sha256: "00".repeat(32) } }, SUBJECT] }],
  ["with SLSA v1", { predicateType: "https://slsa.dev/provenance/v1" }],
  ["with SLSA v0.2", { predicateType: "https://slsa.dev/provenance/v0.2" }],
  ["called what it is by the registry", { context: { predicateType: UAAPS } }],
])("a statement about this archive is taken: %s", (_what, row) => {
  expect(check(row)).toBeUndefined();
});

test.each<SignedItem>([
  { kind: "openpgp", label: "x", signature: Buffer.alloc(0) },
  { kind: "sigstore", label: "x", bundle: Buffer.alloc(0) },
])("a $kind signature over the bytes needs no statement", (item) => {
  expect(checkSigned(REF, item, { signer: SIGNER }, DIGESTS)).toBeUndefined();
});
