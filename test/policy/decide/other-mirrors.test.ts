import { describe, expect, test } from "vitest";
import type { Evidence, Outcome } from "../../../src/core/evidence.ts";
import type { Level } from "../../../src/core/statement.ts";
import { answer, precedent, question, signedBy, soundWith, summary, verdictOf, workflow } from "../../support/question.ts";

const HQ = `sha256:${"a".repeat(64)}`;
const OTHER = `sha256:${"b".repeat(64)}`;

function verdictBy(keyId: string, level: Level = "L2"): Evidence {
  return answer("vsa", { kind: "pass", claims: { level }, signer: { kind: "vsa", keyId } });
}

const hq = (more = "") => `signers: {hq: {vsa_key: "${HQ}"${more}}}\n`;
const BY_HQ = 'rules: [{match: ["pkg:npm/**"], signed_by: {any: [hq]}}]\n';
const L1 = "defaults: {provenance: {level: L1, on_missing: error}}\n";
const L2 = "defaults: {provenance: {level: L2, on_missing: error}}\n";

function outcomeOf(policy: string, ...evidence: readonly Evidence[]): string {
  return summary(verdictOf(policy, question({ evidence: soundWith(...evidence) })));
}

describe("a verdict by a key that the policy of now does not name counts for nothing", () => {
  test.each<{ name: string; policy: string; evidence: readonly Evidence[]; outcome: string }>([
    { name: "a key that was taken out", policy: L1, evidence: [verdictBy(HQ)], outcome: "refuse PROVENANCE_TOO_LOW" },
    { name: "a key that was replaced", policy: hq() + L1, evidence: [verdictBy(OTHER)], outcome: "refuse PROVENANCE_TOO_LOW" },
    {
      name: "a key that was replaced, where the signer is demanded",
      policy: hq() + BY_HQ,
      evidence: [verdictBy(OTHER)],
      outcome: "refuse SIGNATURE_MISSING",
    },
    { name: "no verdict at all, where the signer is demanded", policy: hq() + BY_HQ, evidence: [], outcome: "refuse SIGNATURE_MISSING" },
    {
      name: "a named key that the rule does not name",
      policy: `signers: {hq: {vsa_key: "${HQ}"}, branch: {vsa_key: "${OTHER}", level: L2}}\n${BY_HQ}`,
      evidence: [verdictBy(OTHER)],
      outcome: "refuse SIGNER_UNTRUSTED",
    },
  ])("$name", ({ policy, evidence, outcome }) => {
    expect(outcomeOf(policy, ...evidence)).toBe(outcome);
  });

  test.each<{ name: string; outcome: Outcome; named: string; unnamed: string }>([
    {
      name: "wrong",
      outcome: { kind: "invalid", code: "PREDICATE_MISMATCH", detail: "it did not pass" },
      named: "refuse PREDICATE_MISMATCH",
      unnamed: "admit",
    },
    { name: "not to be had", outcome: { kind: "unavailable", detail: "503" }, named: "undecided", unnamed: "admit" },
    {
      name: "by a key nobody knows",
      outcome: { kind: "invalid", code: "KEY_UNKNOWN", detail: "by none" },
      named: "admit",
      unnamed: "admit",
    },
  ])("one that is $name speaks only under a policy that names such a key", ({ outcome, named, unnamed }) => {
    expect(outcomeOf(hq(), answer("vsa", outcome))).toBe(named);
    expect(outcomeOf("", answer("vsa", outcome))).toBe(unnamed);
  });

  test("it is no signature of any kind that the AAM specification's accepted_types name", () => {
    expect(
      outcomeOf(
        `${hq()}security: {require_signature: true, on_signature_failure: error, signature: {accepted_types: [registry]}}`,
        verdictBy(HQ),
      ),
    ).toBe("refuse SIGNATURE_MISSING");
  });

  test("it is not the maker's signature: it keeps no package's evidence", () => {
    const asked = question({ evidence: soundWith(verdictBy(HQ)), precedents: [precedent("1.1.0", 200, signedBy(workflow("acme/tool")))] });
    expect(summary(verdictOf(hq(), asked))).toBe("refuse EVIDENCE_LOST");
  });
});

describe("its word for the level is taken as far as the policy says", () => {
  test.each<{ says: Level; taken: string; wanted: string; outcome: string }>([
    { says: "L2", taken: "", wanted: L1, outcome: "admit" },
    { says: "L2", taken: "", wanted: L2, outcome: "refuse PROVENANCE_TOO_LOW" },
    { says: "L3", taken: "", wanted: L2, outcome: "refuse PROVENANCE_TOO_LOW" },
    { says: "L1", taken: ", level: L2", wanted: L2, outcome: "refuse PROVENANCE_TOO_LOW" },
    { says: "L2", taken: ", level: L2", wanted: L2, outcome: "admit" },
    { says: "L3", taken: ", level: L2", wanted: L2, outcome: "admit" },
    {
      says: "L3",
      taken: ", level: L2",
      wanted: "defaults: {provenance: {level: L3, on_missing: error}}",
      outcome: "refuse PROVENANCE_TOO_LOW",
    },
  ])("it says $says, with $taken, for $wanted: $outcome", ({ says, taken, wanted, outcome }) => {
    expect(outcomeOf(hq(taken) + wanted, verdictBy(HQ, says))).toBe(outcome);
    expect(outcomeOf(hq(taken) + BY_HQ + wanted, verdictBy(HQ, says))).toBe(outcome);
  });

  test("the reason names the setting that would change it", () => {
    expect(verdictOf(hq() + L2, question({ evidence: soundWith(verdictBy(HQ)) }))).toMatchObject({
      reasons: [{ text: "expected level L2, got L1: hq vouches for L2, and the policy takes its word for L1 (signers.hq.level)" }],
    });
  });

  test("of two entries for one key, the one that the rule names", () => {
    const policy = `signers: {hq: {vsa_key: "${HQ}"}, more: {vsa_key: "${HQ}", level: L2}}\n`;
    expect(outcomeOf(policy + BY_HQ + L2, verdictBy(HQ))).toBe("refuse PROVENANCE_TOO_LOW");
    expect(outcomeOf(policy + BY_HQ.replace("[hq]", "[more]") + L2, verdictBy(HQ))).toBe("admit");
  });

  test("a verdict without a level, or with one that is none, is a signature", () => {
    const odd = answer("vsa", { kind: "pass", claims: { level: "L9" }, signer: { kind: "vsa", keyId: HQ } });
    expect(outcomeOf(hq(", level: L3") + L1, odd)).toBe("admit");
    expect(outcomeOf(hq(", level: L3") + L2, odd)).toBe("refuse PROVENANCE_TOO_LOW");
  });
});

test("where a registry's attestation is demanded, another Assay's verdict is one", () => {
  const demanded = "security: {require_registry_attestation: true, require_signature: true, on_signature_failure: error}";
  expect(outcomeOf(demanded)).toBe("refuse SIGNATURE_MISSING SIGNATURE_MISSING");
  expect(outcomeOf(hq() + demanded, verdictBy(HQ))).toBe("admit");
});
