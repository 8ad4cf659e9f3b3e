import { describe, expect, test } from "vitest";
import type { Evidence } from "../../../src/core/evidence.ts";
import {
  answer,
  person,
  pgp,
  precedent,
  question,
  REF,
  STRONG,
  signedBy,
  soundWith,
  summary,
  verdictOf,
  workflow,
} from "../../support/question.ts";

const FINGERPRINT = "0123456789abcdef0123456789abcdef01234567";

/** What can be published for an archive, as verifiers report it. */
const EVIDENCE: Readonly<Record<string, readonly Evidence[]>> = {
  "by a trusted identity": [signedBy(person("ann@myorg.com"))],
  "by a trusted key": [signedBy(pgp(FINGERPRINT))],
  "by somebody else": [signedBy(person("eve@elsewhere.com"))],
  "by a trusted name from a foreign issuer": [signedBy(person("ann@myorg.com", "https://idp.elsewhere.com"))],
  "by an unknown key": [answer("openpgp", { kind: "invalid", code: "KEY_UNKNOWN", detail: "an unknown key" })],
  "by a forged signature": [answer("sigstore", { kind: "invalid", code: "SIGNATURE_INVALID", detail: "it does not verify" })],
  "by a good and a forged signature": [
    signedBy(person("ann@myorg.com")),
    answer("sigstore", { kind: "invalid", code: "SIGNATURE_INVALID", detail: "it does not verify" }),
  ],
  "by nobody": [answer("sigstore", { kind: "absent" })],
  "by evidence that could not be had": [answer("sigstore", { kind: "unavailable", detail: "503" })],
};

const TRUSTED = `trusted_identities: ["*@myorg.com"], trusted_keys: ["${FINGERPRINT}"]`;

describe("the security block of the AAM specification", () => {
  const blocks: readonly { block: string; outcomes: Readonly<Record<string, string>> }[] = [
    {
      block: `require_signature: true, on_signature_failure: error, ${TRUSTED}`,
      outcomes: {
        "by a trusted identity": "admit",
        "by a trusted key": "admit",
        "by somebody else": "refuse SIGNER_UNTRUSTED",
        "by a trusted name from a foreign issuer": "refuse SIGNER_UNTRUSTED",
        "by an unknown key": "refuse SIGNER_UNTRUSTED",
        "by a forged signature": "refuse SIGNATURE_INVALID SIGNATURE_MISSING",
        "by a good and a forged signature": "refuse SIGNATURE_INVALID",
        "by nobody": "refuse SIGNATURE_MISSING",
        "by evidence that could not be had": "undecided",
      },
    },
    {
      block: `require_signature: true, on_signature_failure: warn, ${TRUSTED}`,
      outcomes: {
        "by a trusted identity": "admit",
        "by a trusted key": "admit",
        "by somebody else": "admit SIGNER_UNTRUSTED",
        "by a trusted name from a foreign issuer": "admit SIGNER_UNTRUSTED",
        "by an unknown key": "admit SIGNER_UNTRUSTED",
        "by a forged signature": "refuse SIGNATURE_INVALID",
        "by a good and a forged signature": "refuse SIGNATURE_INVALID",
        "by nobody": "admit SIGNATURE_MISSING",
        "by evidence that could not be had": "undecided",
      },
    },
    {
      block: `require_signature: true, on_signature_failure: ignore, ${TRUSTED}`,
      outcomes: {
        "by a trusted identity": "admit",
        "by a trusted key": "admit",
        "by somebody else": "admit",
        "by a trusted name from a foreign issuer": "admit",
        "by an unknown key": "admit",
        "by a forged signature": "refuse SIGNATURE_INVALID",
        "by a good and a forged signature": "refuse SIGNATURE_INVALID",
        "by nobody": "admit",
        "by evidence that could not be had": "undecided",
      },
    },
    {
      block: `require_signature: false, on_signature_failure: error, ${TRUSTED}`,
      outcomes: {
        "by a trusted identity": "admit",
        "by a trusted key": "admit",
        "by somebody else": "admit SIGNER_UNTRUSTED",
        "by a trusted name from a foreign issuer": "admit SIGNER_UNTRUSTED",
        "by an unknown key": "admit SIGNER_UNTRUSTED",
        "by a forged signature": "refuse SIGNATURE_INVALID",
        "by a good and a forged signature": "refuse SIGNATURE_INVALID",
        "by nobody": "admit",
        "by evidence that could not be had": "undecided",
      },
    },
    {
      block: "require_signature: true, on_signature_failure: error",
      outcomes: {
        "by a trusted identity": "admit",
        "by a trusted key": "admit",
        "by somebody else": "admit",
        "by a trusted name from a foreign issuer": "admit",
        "by an unknown key": "refuse SIGNATURE_MISSING",
        "by a forged signature": "refuse SIGNATURE_INVALID SIGNATURE_MISSING",
        "by a good and a forged signature": "refuse SIGNATURE_INVALID",
        "by nobody": "refuse SIGNATURE_MISSING",
        "by evidence that could not be had": "undecided",
      },
    },
    {
      block: "require_provenance: L1, on_provenance_failure: error",
      outcomes: {
        "by a trusted identity": "admit",
        "by a trusted key": "admit",
        "by somebody else": "admit",
        "by an unknown key": "refuse PROVENANCE_TOO_LOW",
        "by a forged signature": "refuse SIGNATURE_INVALID PROVENANCE_TOO_LOW",
        "by nobody": "refuse PROVENANCE_TOO_LOW",
        "by evidence that could not be had": "undecided",
      },
    },
    {
      block: `require_provenance: L1, on_provenance_failure: warn, ${TRUSTED}`,
      outcomes: {
        "by a trusted identity": "admit",
        // An untrusted signer makes no level.
        "by somebody else": "admit SIGNER_UNTRUSTED PROVENANCE_TOO_LOW",
        "by nobody": "admit PROVENANCE_TOO_LOW",
      },
    },
    { block: "require_provenance: L1, on_provenance_failure: ignore", outcomes: { "by nobody": "admit" } },
    { block: "require_provenance: L2, on_provenance_failure: error", outcomes: { "by a trusted identity": "refuse PROVENANCE_TOO_LOW" } },
    { block: "require_provenance: L3, on_provenance_failure: error", outcomes: { "by a trusted identity": "refuse PROVENANCE_TOO_LOW" } },
    { block: "require_provenance: L0", outcomes: { "by nobody": "admit", "by a forged signature": "refuse SIGNATURE_INVALID" } },
  ];

  test.each(blocks.flatMap(({ block, outcomes }) => Object.entries(outcomes).map(([signed, outcome]) => ({ block, signed, outcome }))))(
    "{$block}, signed $signed: $outcome",
    ({ block, signed, outcome }) => {
      const evidence = soundWith(...(EVIDENCE[signed] ?? []));
      expect(summary(verdictOf(`security: {${block}}`, question({ evidence })))).toBe(outcome);
    },
  );
});

describe("a signature by an unknown key, which anybody can make, beside an archive that must be signed", () => {
  const unknown = soundWith(...(EVIDENCE["by an unknown key"] ?? []));
  const signer = `signers: {ann: {registry_key: "SHA256:abc"}}`;
  const must = (more: string): string => `${signer}\ndefaults: {signature: {require: true, ${more}}, signed_by: {any: [ann]}}`;

  test.each([
    { policy: must("on_missing: error, on_untrusted: warn"), outcome: "refuse SIGNER_UNTRUSTED" },
    { policy: must("on_missing: error, on_untrusted: ignore"), outcome: "refuse SIGNER_UNTRUSTED" },
    { policy: must("on_missing: warn, on_untrusted: ignore"), outcome: "admit SIGNER_UNTRUSTED" },
    { policy: must("on_missing: ignore, on_untrusted: error"), outcome: "refuse SIGNER_UNTRUSTED" },
    { policy: must("on_missing: ignore, on_untrusted: ignore"), outcome: "admit" },
  ])("$policy: $outcome", ({ policy, outcome }) => {
    expect(summary(verdictOf(policy, question({ evidence: unknown })))).toBe(outcome);
  });

  test("the gate of the AAM specification does not open for it, whatever on_signature_failure says", () => {
    const ref = { ...REF, repository: "aam", ecosystem: "aam" as const, name: "@acme/tool", file: "acme--tool-1.2.0.aam" };
    const policy = `security: {on_signature_failure: warn, ${TRUSTED}}\ngovernance: {install_policy: {require_signature: true}}`;
    expect(summary(verdictOf(policy, question({ ref, evidence: unknown })))).toBe("refuse SIGNER_UNTRUSTED");
  });
});

describe("rules that name signers", () => {
  const signers = `
signers:
  ci: {sigstore: {issuer: "https://token.actions.githubusercontent.com", repository: acme/tool, repository_id: "7"}}
  npm: {registry_key: "SHA256:abc"}
`;
  const ci = signedBy(workflow("acme/tool", { repositoryId: "7" }));
  const registry = signedBy({ kind: "registry", keyId: "SHA256:abc" });
  const any = `${signers}rules:\n  - {name: tool, match: ["pkg:npm/tool"], signed_by: {any: [ci, npm]}}`;
  const all = `${signers}rules:\n  - {name: tool, match: ["pkg:npm/tool"], signed_by: {all: [ci, npm]}}`;

  test.each([
    { name: "any of two, neither", policy: any, evidence: [signedBy(workflow("mallory/tool"))], outcome: "refuse SIGNER_UNTRUSTED" },
    { name: "any of two, unsigned", policy: any, evidence: [], outcome: "refuse SIGNATURE_MISSING" },
    {
      name: "the name registered again under another id",
      policy: any,
      evidence: [signedBy(workflow("acme/tool", { repositoryId: "8" }))],
      outcome: "refuse SIGNER_UNTRUSTED",
    },
    { name: "any of two, one", policy: any, evidence: [ci], outcome: "admit" },
    { name: "all of two, one", policy: all, evidence: [ci], outcome: "refuse SIGNER_UNTRUSTED" },
    { name: "all of two, both", policy: all, evidence: [ci, registry], outcome: "admit" },
    { name: "by nobody, unsigned", policy: any.replace("{any: [ci, npm]}", "nobody"), evidence: [], outcome: "refuse SIGNATURE_MISSING" },
    {
      name: "by nobody, signed",
      policy: any.replace("{any: [ci, npm]}", "nobody"),
      evidence: [ci, registry],
      outcome: "refuse SIGNER_UNTRUSTED",
    },
    { name: "another package than the rule's", policy: any.replace("pkg:npm/tool", "pkg:npm/other"), evidence: [], outcome: "admit" },
  ])("$name: $outcome", ({ policy, evidence, outcome }) => {
    expect(summary(verdictOf(policy, question({ evidence: soundWith(...evidence) })))).toBe(outcome);
  });

  test("a refusal names the rule, whom it expected and whom it got", () => {
    const verdict = verdictOf(any, question({ evidence: soundWith(signedBy(workflow("mallory/tool"))) }));
    expect(verdict).toMatchObject({ kind: "refuse", reasons: [{ rule: "tool" }] });
    expect(JSON.stringify(verdict)).toContain("expected a signature by one of ci, npm, got one by https://github.com/mallory/tool");
  });
});

describe("what a registry signs makes a level only where the policy speaks of its key", () => {
  const wanted = "defaults: {provenance: {level: L1, on_missing: error}}";
  const registry = signedBy({ kind: "registry", keyId: "SHA256:abc" });
  const attested = signedBy({ kind: "key", keyId: "SHA256:abc" });
  const rows: readonly { name: string; policy: string; evidence: readonly Evidence[]; outcome: string }[] = [
    { name: "a key that nobody named", policy: wanted, evidence: [registry], outcome: "refuse PROVENANCE_TOO_LOW" },
    { name: "its managed key, that nobody named", policy: wanted, evidence: [attested], outcome: "refuse PROVENANCE_TOO_LOW" },
    {
      name: "another key than the named one",
      policy: `${wanted}\nsigners: {npm: {registry_key: "SHA256:def"}}`,
      evidence: [registry],
      outcome: "refuse PROVENANCE_TOO_LOW",
    },
    { name: "the named key", policy: `${wanted}\nsigners: {npm: {registry_key: "SHA256:abc"}}`, evidence: [registry], outcome: "admit" },
    {
      name: "any key, where such signatures are accepted",
      policy: `${wanted}\nsecurity: {signature: {accepted_types: [registry]}}`,
      evidence: [registry],
      outcome: "admit",
    },
    { name: "the author's signature beside it", policy: wanted, evidence: [registry, signedBy(person("ann@myorg.com"))], outcome: "admit" },
  ];
  test.each(rows)("$name: $outcome", ({ policy, evidence, outcome }) => {
    expect(summary(verdictOf(policy, question({ evidence: soundWith(...evidence) })))).toBe(outcome);
  });
});

describe("evidence that could not be had", () => {
  const unavailable = answer("sigstore", { kind: "unavailable", label: "the provenance", detail: "503" });
  const asked = question({ evidence: soundWith(unavailable) });

  test("decides nothing where the policy is enforced", () => {
    expect(verdictOf("mode: enforce", asked)).toEqual({ kind: "undecided", detail: "the provenance: 503" });
  });

  test("stops no install in audit mode, which records it as what it would have come to", () => {
    const verdict = verdictOf("mode: audit\ndefaults: {signature: {require: true, on_missing: error}}", asked);
    expect(summary(verdict)).toBe("admit EVIDENCE_UNAVAILABLE SIGNATURE_MISSING");
    expect(verdict).toMatchObject({
      warnings: [{ setAside: "audit", text: expect.stringContaining("answered 503") }, { setAside: "audit" }],
    });
  });

  test("is no cover for what is broken, in audit mode neither", () => {
    const broken = answer("archive", { kind: "invalid", code: "ARCHIVE_UNSAFE", detail: "it writes to /etc" });
    expect(summary(verdictOf("mode: audit", { ...asked, evidence: [answer("checksum", STRONG), broken, unavailable] }))).toBe(
      "refuse ARCHIVE_UNSAFE",
    );
  });
});

test("evidence that was announced and counts as absent is named where some is missed", () => {
  const discounted = answer("sigstore", { kind: "absent", label: "the attestations", detail: "upstream hands on none" });
  const asked = question({ evidence: soundWith(discounted), precedents: [precedent("1.1.0", 200, signedBy(workflow("acme/tool")))] });
  const verdict = verdictOf("defaults: {signature: {require: true, on_missing: error}}", asked);
  expect(summary(verdict)).toBe("refuse SIGNATURE_MISSING EVIDENCE_LOST");
  for (const reason of verdict.kind === "refuse" ? verdict.reasons : [])
    expect(reason.text).toContain("the attestations: upstream hands on none");
});
