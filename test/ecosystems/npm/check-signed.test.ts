import { describe, expect, test } from "vitest";
import type { ArtifactRef } from "../../../src/core/artifact.ts";
import { formatIntegrity } from "../../../src/core/digest.ts";
import type { JsonObject } from "../../../src/core/json.ts";
import type { Signer } from "../../../src/core/signer.ts";
import type { Statement } from "../../../src/core/statement.ts";
import { checkSigned } from "../../../src/ecosystems/npm/check-signed.ts";

const REF: ArtifactRef = { repository: "npm", ecosystem: "npm", name: "@demo/pkg", version: "1.0.0", file: "pkg-1.0.0.tgz" };
const SHA512 = "cd".repeat(64);
const DIGESTS = { sha256: "ab".repeat(32), sha512: SHA512, sha1: "ef".repeat(20) };
const PROVENANCE = "https://slsa.dev/provenance/v1";
const PUBLISH = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1";
const REGISTRIES = ["http://127.0.0.1:9000/npm/", "https://registry.example"];
const KEY: Signer = { kind: "key", keyId: "SHA256:k" };
const WORKFLOW: Signer = {
  kind: "sigstore",
  trust: "public",
  issuer: "https://token.actions.githubusercontent.com",
  identity: { type: "uri", value: "https://github.com/acme/tool/.github/workflows/release.yml@refs/heads/main" },
  source: {},
};
const SUBJECT = { name: "pkg:npm/%40demo/pkg@1.0.0", digest: { sha512: SHA512 } };
const PUBLISHED = { name: REF.name, version: REF.version, registry: "https://registry.example" };

interface Case {
  readonly statement?: Partial<Statement>;
  readonly signer?: Signer;
  readonly context?: JsonObject;
}

function check({ statement, signer = WORKFLOW, context = {} }: Case) {
  const signed: Statement = {
    type: "https://in-toto.io/Statement/v1",
    subjects: [SUBJECT],
    predicateType: PROVENANCE,
    predicate: {},
    ...statement,
  };
  const item = {
    kind: "sigstore",
    label: "x",
    bundle: Buffer.alloc(0),
    context: { predicateType: signed.predicateType, registries: REGISTRIES, ...context },
  } as const;
  return checkSigned(REF, item, { signer, statement: signed }, DIGESTS);
}

const publish = (predicate: JsonObject, more: Case = {}): Case => ({
  signer: KEY,
  ...more,
  statement: { predicateType: PUBLISH, predicate },
});

describe("an attestation whose cryptography holds is refused", () => {
  test.each<[string, Case, string]>([
    ["of another digest", { statement: { subjects: [{ ...SUBJECT, digest: { sha512: "00".repeat(64) } }] } }, "SUBJECT_MISMATCH"],
    ["of SHA-1 only", { statement: { subjects: [{ ...SUBJECT, digest: { sha1: DIGESTS.sha1 } }] } }, "SUBJECT_MISMATCH"],
    ["of another version", { statement: { subjects: [{ ...SUBJECT, name: "pkg:npm/%40demo/pkg@1.4.0" }] } }, "SUBJECT_MISMATCH"],
    ["of the package without its scope", { statement: { subjects: [{ ...SUBJECT, name: "pkg:npm/pkg@1.0.0" }] } }, "SUBJECT_MISMATCH"],
    ["of two packages", { statement: { subjects: [SUBJECT, { name: "pkg:npm/x@1.0.0", digest: SUBJECT.digest }] } }, "SUBJECT_MISMATCH"],
    ["called something else by the registry", { context: { predicateType: PUBLISH } }, "PREDICATE_MISMATCH"],
    ["without a name by the registry", { context: { predicateType: null } }, "PREDICATE_MISMATCH"],
    ["of a kind that npm has not", { statement: { predicateType: "https://uaaps.github.io/provenance/v1" } }, "PREDICATE_UNSUPPORTED"],
    ["of publishing another package", publish({ ...PUBLISHED, name: "pkg" }), "PREDICATE_MISMATCH"],
    ["of publishing another version", publish({ ...PUBLISHED, version: "1.0.1" }), "PREDICATE_MISMATCH"],
    ["of publishing on another registry", publish({ ...PUBLISHED, registry: "https://evil.example" }), "PREDICATE_MISMATCH"],
    ["of publishing on a registry nobody knows", publish(PUBLISHED, { context: { registries: [] } }), "PREDICATE_MISMATCH"],
    ["of publishing, without a registry", publish({ name: REF.name, version: REF.version }), "PREDICATE_MALFORMED"],
    ["of publishing, by somebody with a certificate", publish(PUBLISHED, { signer: WORKFLOW }), "PREDICATE_MISMATCH"],
  ])("%s", (_what, row, code) => {
    expect(check(row)).toMatchObject({ code });
  });

  test("without a statement", () => {
    const item = { kind: "sigstore", label: "x", bundle: Buffer.alloc(0) } as const;
    expect(checkSigned(REF, item, { signer: WORKFLOW }, DIGESTS)).toMatchObject({ code: "STATEMENT_MALFORMED" });
  });
});

test.each<[string, Case]>([
  ["its build", {}],
  [
    "its build, in the older format",
    { statement: { predicateType: "https://slsa.dev/provenance/v0.2", type: "https://in-toto.io/Statement/v0.1" } },
  ],
  ["its publication on the registry that upstream mirrors", publish(PUBLISHED)],
  ["its publication on the upstream itself", publish({ ...PUBLISHED, registry: "http://127.0.0.1:9000/npm" })],
])("an attestation of this version is taken: %s", (_what, row) => {
  expect(check(row)).toBeUndefined();
});

describe("a registry's signature", () => {
  const about = (message: string) =>
    checkSigned(
      REF,
      { kind: "registry-signature", label: "x", keyId: "k", signature: "", message },
      { signer: { kind: "registry", keyId: "k" } },
      DIGESTS,
    );
  const right = formatIntegrity("sha512", SHA512);
  const wrong = formatIntegrity("sha512", "00".repeat(64));

  test.each([
    ["over other bytes", `@demo/pkg@1.0.0:${wrong}`],
    ["over these bytes and others", `@demo/pkg@1.0.0:${right} ${formatIntegrity("sha256", "00".repeat(32))}`],
    ["over another version", `@demo/pkg@1.0.1:${right}`],
    ["over another package", `pkg@1.0.0:${right}`],
    ["over SHA-1 only", `@demo/pkg@1.0.0:${formatIntegrity("sha1", DIGESTS.sha1)}`],
    ["over a digest that was not computed", `@demo/pkg@1.0.0:${formatIntegrity("sha384", "00".repeat(48))}`],
    ["over an unknown algorithm", "@demo/pkg@1.0.0:blake3-AAAA"],
    ["over no digest", "@demo/pkg@1.0.0:undefined"],
    ["over a digest of the wrong length", "@demo/pkg@1.0.0:sha512-AAAA"],
  ])("%s is refused", (_what, message) => {
    expect(about(message)).toMatchObject({ code: "SUBJECT_MISMATCH" });
  });

  test.each([right, formatIntegrity("sha256", DIGESTS.sha256), `${right} ${formatIntegrity("sha1", DIGESTS.sha1)}`])(
    "over %s is taken",
    (integrity) => {
      expect(about(`@demo/pkg@1.0.0:${integrity}`)).toBeUndefined();
    },
  );
});
