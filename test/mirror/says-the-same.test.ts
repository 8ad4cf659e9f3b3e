import { describe, expect, test } from "vitest";
import type { Evidence } from "../../src/core/evidence.ts";
import type { Admission } from "../../src/core/verdict.ts";
import { isSameRefusal, saysTheSame } from "../../src/mirror/says-the-same.ts";
import { answer, DIGEST, REF, STRONG, signedBy, workflow } from "../support/question.ts";
import { IN_FORCE } from "../support/record.ts";

const WRONG = answer("sigstore", { kind: "invalid", code: "SIGNATURE_INVALID", detail: "it does not verify", label: "attestation 1" });
const GOOD = signedBy(workflow("acme/tool"));

/** As a database gives it back: the same members in another order. */
function reordered<T>(value: T): T {
  if (Array.isArray(value)) return value.map(reordered) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reordered(inner)]),
  ) as T;
}

describe("two checks found the same", () => {
  test.each<{ name: string; other: readonly Evidence[]; same: boolean }>([
    { name: "at another time", other: [{ ...WRONG, checkedAt: 1 }, GOOD], same: true },
    { name: "in another order", other: [GOOD, WRONG], same: true },
    { name: "with members in another order", other: reordered([WRONG, GOOD]), same: true },
    { name: "not with another finding", other: [answer("sigstore", { kind: "absent" }), GOOD], same: false },
    { name: "not by another signer", other: [WRONG, signedBy(workflow("eve/tool"))], same: false },
    { name: "not under other roots", other: [WRONG, { ...GOOD, restsOn: "root 2" }], same: false },
    { name: "not with one finding less", other: [WRONG], same: false },
    { name: "not about other bytes", other: [WRONG, { ...GOOD, subject: "1".repeat(64) as Evidence["subject"] }], same: false },
  ])("$name: $same", ({ other, same }) => {
    expect(saysTheSame([WRONG, GOOD], other)).toBe(same);
  });
});

const REFUSAL: Admission = {
  ref: REF,
  decidedAt: 1,
  digest: DIGEST,
  sizeBytes: 10,
  url: "https://registry.example/tool-1.2.0.tgz",
  upstream: "npm#internal",
  claims: [],
  evidence: [answer("checksum", STRONG), WRONG],
  verdict: { kind: "refuse", reasons: [{ code: "TOO_YOUNG", rule: "defaults", verifier: "policy", text: "wait 2 days", help: "wait" }] },
  policy: IN_FORCE,
};

describe("a refusal says nothing new", () => {
  const tooYoung = REFUSAL.verdict.kind === "refuse" ? REFUSAL.verdict.reasons[0] : undefined;
  test.each<{ name: string; change: Partial<Admission>; same: boolean }>([
    { name: "a day later", change: { decidedAt: 2 }, same: true },
    {
      name: "in words that count days",
      change: { verdict: { kind: "refuse", reasons: [{ ...(tooYoung as NonNullable<typeof tooYoung>), text: "wait 1 day" }] } },
      same: true,
    },
    { name: "not of other bytes", change: { digest: "1".repeat(64) as Admission["digest"] }, same: false },
    { name: "not from elsewhere", change: { upstream: "npm#other" }, same: false },
    { name: "not by another policy", change: { policy: { ...IN_FORCE, revision: "cd" } }, same: false },
    {
      name: "not for another reason",
      change: { verdict: { kind: "refuse", reasons: [{ ...(tooYoung as NonNullable<typeof tooYoung>), code: "DENIED" }] } },
      same: false,
    },
    { name: "not on other findings", change: { evidence: [answer("checksum", STRONG)] }, same: false },
    { name: "not after an admission", change: { verdict: { kind: "admit", warnings: [] } }, same: false },
  ])("$name: $same", ({ change, same }) => {
    expect(isSameRefusal(REFUSAL, { ...REFUSAL, ...change })).toBe(same);
  });
});
