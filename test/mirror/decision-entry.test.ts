import { expect, test } from "vitest";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import { MAX_DECISION_BYTES } from "../../src/core/decision.ts";
import type { Evidence } from "../../src/core/evidence.ts";
import type { Reason } from "../../src/core/verdict.ts";
import { decisionEntry } from "../../src/mirror/decision-entry.ts";
import { DIGEST, NOW } from "../support/question.ts";
import { ASKER, IN_FORCE } from "../support/record.ts";
import { npmRef } from "./parts.ts";

const LONG = "☃".repeat(100_000);

function evidenceOf(outcome: Evidence["outcome"]): Evidence {
  return { verifier: "sigstore", subject: DIGEST, checkedAt: NOW, outcome };
}

function entryAbout(evidence: readonly Evidence[], reasons: readonly Reason[], name = "demo") {
  const [first, ...others] = reasons;
  return decisionEntry({
    asker: ASKER,
    facts: { ref: npmRef(name), digest: DIGEST, sizeBytes: 1, evidence, upstream: "npm#0" },
    verdict: first ? { kind: "refuse", reasons: [first, ...others] } : { kind: "admit", warnings: [] },
    policy: IN_FORCE,
    basis: "held",
    now: NOW,
  });
}

test("an entry fits into a tile whatever a registry and its statements say", () => {
  const signer = { kind: "sigstore", trust: "public", issuer: LONG, identity: { type: "uri", value: LONG }, source: {} } as const;
  const evidence = Array.from({ length: 500 }, (_, i) =>
    evidenceOf({ kind: "pass", label: LONG, claims: { trust_root_sha256: i.toString(16).padStart(64, "0") }, signer }),
  );
  const reasons = Array.from({ length: 500 }, () => ({ code: "DENIED", rule: LONG, verifier: "policy", text: LONG, help: LONG }) as const);
  const entry = entryAbout(evidence, reasons, "☃".repeat(2000));
  const policy = { ...IN_FORCE, file: LONG.slice(0, 1000), ruleAt: "x".repeat(1000) };
  expect(Buffer.byteLength(canonicalJson({ ...entry, policy, position: Number.MAX_SAFE_INTEGER }))).toBeLessThan(MAX_DECISION_BYTES);
});

test("text from outside stays on its line and shows what it is", () => {
  const text = "fine\nrefused\u001b[2J \u202egnp.exe\u0000";
  const [reason] = entryAbout([], [{ code: "DENIED", rule: "deny[0]", verifier: "policy", text, help: "" }]).reasons;
  expect(reason?.text).toBe("fine refused [2J  gnp.exe ");
});

test("evidence about other bytes is left out, and what verified them with it", () => {
  const other = { ...evidenceOf({ kind: "pass", claims: { trust_root_sha256: "ab" } }), subject: "f".repeat(64) as typeof DIGEST };
  expect(entryAbout([other], [])).toMatchObject({ evidence: [], trustRoots: [] });
});

test("the trust roots that signatures were verified under are named, each once", () => {
  const under = (root: string) => evidenceOf({ kind: "pass", claims: { trust_root_sha256: root } });
  expect(entryAbout([under("aa"), under("bb"), under("aa"), evidenceOf({ kind: "absent" })], []).trustRoots).toEqual(["aa", "bb"]);
});
