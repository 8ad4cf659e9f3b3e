import { expect, test } from "vitest";
import { type Evidence, FINDING_CODES, type Outcome } from "../../../src/core/evidence.ts";
import type { RepositoryPolicy } from "../../../src/core/policy.ts";
import type { Undecided, Verdict } from "../../../src/core/verdict.ts";
import { answer, question, SOUND, STRONG, verdictOf } from "../../support/question.ts";

const STANDARD: RepositoryPolicy = { unclaimed: "refuse", weakChecksum: "warn" };
const LENIENT: RepositoryPolicy = { unclaimed: "allow", weakChecksum: "warn" };
const STRICT: RepositoryPolicy = { unclaimed: "refuse", weakChecksum: "error" };
const POLICIES = [STANDARD, LENIENT, STRICT, { unclaimed: "allow", weakChecksum: "error" }] as const;

const WEAK: Outcome = { kind: "pass", claims: { strength: "weak" } };
const ABSENT: Outcome = { kind: "absent" };
const UNAVAILABLE: Outcome = { kind: "unavailable", detail: "the check did not end within 300 s" };
const WRONG: Outcome = { kind: "invalid", code: "CHECKSUM_MISMATCH", detail: "expected sha256 3a7b, got 91cc" };
const UNSAFE: Outcome = { kind: "invalid", code: "ARCHIVE_UNSAFE", detail: "climbs out" };

const VERIFIERS = ["checksum", "archive"] as const;

/** Under a policy that allows everything it can: integrity is not its to allow. */
const PERMISSIVE = "mode: audit\ndefaults: {signature: {on_untrusted: warn, on_invalid: warn}, first_use: off, no_downgrade: off}";

function decide(evidence: readonly Evidence[], repository: RepositoryPolicy): Verdict | Undecided {
  return verdictOf(PERMISSIVE, question({ evidence }), repository);
}

function evidence(checksum: Outcome | undefined, archive: Outcome | undefined): Evidence[] {
  return [...(checksum ? [answer("checksum", checksum)] : []), ...(archive ? [answer("archive", archive)] : [])];
}

test.each([
  { name: "a wrong checksum", checksum: WRONG, archive: SOUND, policy: LENIENT, reasons: ["always CHECKSUM_MISMATCH"] },
  { name: "an unsafe archive", checksum: STRONG, archive: UNSAFE, policy: LENIENT, reasons: ["always ARCHIVE_UNSAFE"] },
  { name: "both", checksum: WRONG, archive: UNSAFE, policy: LENIENT, reasons: ["always CHECKSUM_MISMATCH", "always ARCHIVE_UNSAFE"] },
  { name: "no claim", checksum: ABSENT, archive: SOUND, policy: STANDARD, reasons: ["unclaimed CHECKSUM_UNCLAIMED"] },
  { name: "a weak claim under error", checksum: WEAK, archive: SOUND, policy: STRICT, reasons: ["weak_checksum CHECKSUM_WEAK"] },
  { name: "a claim of unknown strength", checksum: SOUND, archive: SOUND, policy: STRICT, reasons: ["weak_checksum CHECKSUM_WEAK"] },
  {
    name: "an archive that nothing can check",
    checksum: STRONG,
    archive: ABSENT,
    policy: LENIENT,
    reasons: ["always ARCHIVE_UNSUPPORTED"],
  },
  { name: "a check that did not end", checksum: STRONG, archive: UNAVAILABLE, policy: LENIENT, reasons: ["always ARCHIVE_LIMIT"] },
  {
    name: "a checksum that could not be had",
    checksum: UNAVAILABLE,
    archive: SOUND,
    policy: LENIENT,
    reasons: ["always CHECKSUM_UNCLAIMED"],
  },
  { name: "no checksum evidence", checksum: undefined, archive: SOUND, policy: LENIENT, reasons: ["always CHECKSUM_UNCLAIMED"] },
  { name: "no archive evidence", checksum: STRONG, archive: undefined, policy: LENIENT, reasons: ["always ARCHIVE_LIMIT"] },
  {
    name: "no evidence",
    checksum: undefined,
    archive: undefined,
    policy: LENIENT,
    reasons: ["always CHECKSUM_UNCLAIMED", "always ARCHIVE_LIMIT"],
  },
])("$name is refused", ({ checksum, archive, policy, reasons }) => {
  const verdict = decide(evidence(checksum, archive), policy);
  expect(verdict.kind === "refuse" && verdict.reasons.map(({ rule, code }) => `${rule} ${code}`)).toEqual(reasons);
});

test.each([
  { name: "a strong claim and a sound archive", checksum: STRONG, policy: STRICT, warnings: [] },
  { name: "a weak claim under warn", checksum: WEAK, policy: STANDARD, warnings: ["weak_checksum CHECKSUM_WEAK"] },
  { name: "no claim under allow", checksum: ABSENT, policy: LENIENT, warnings: ["unclaimed CHECKSUM_UNCLAIMED"] },
])("$name is admitted", ({ checksum, policy, warnings }) => {
  const verdict = decide(evidence(checksum, SOUND), policy);
  expect(verdict.kind === "admit" && verdict.warnings.map(({ rule, code }) => `${rule} ${code}`)).toEqual(warnings);
});

test("a second answer of one verifier counts as well", () => {
  expect(decide([...evidence(STRONG, SOUND), answer("checksum", WRONG)], LENIENT).kind).toBe("refuse");
});

test("a refusal says what was found and what to do", () => {
  const verdict = decide(evidence(WRONG, SOUND), STANDARD);
  expect(verdict).toMatchObject({
    reasons: [{ verifier: "checksum", text: "expected sha256 3a7b, got 91cc", help: expect.stringMatching(/\w+ \w+/) }],
  });
});

/** A small generator with a fixed seed, so that a failure comes back. https://en.wikipedia.org/wiki/Linear_congruential_generator */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("whatever the evidence and the policy, only a good answer of every verifier admits", () => {
  const random = randomFrom(1);
  const outcomes: readonly Outcome[] = [
    STRONG,
    WEAK,
    SOUND,
    ABSENT,
    UNAVAILABLE,
    ...FINDING_CODES.map((code): Outcome => ({ kind: "invalid", code, detail: "found" })),
  ];
  const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T;
  let admitted = 0;
  for (let round = 0; round < 20_000; round++) {
    const policy = pick(POLICIES);
    // Half the answers are good, or hardly any random list would be admitted.
    const given = Array.from({ length: random(5) }, () => answer(pick(VERIFIERS), random(2) === 0 ? STRONG : pick(outcomes)));
    const verdict = decide(given, policy);
    if (verdict.kind === "refuse") continue;
    admitted++;
    const context = JSON.stringify({ given, policy });
    expect(
      given.some(({ outcome }) => outcome.kind === "invalid" || outcome.kind === "unavailable"),
      context,
    ).toBe(false);
    for (const verifier of VERIFIERS)
      expect(
        given.some((one) => one.verifier === verifier),
        context,
      ).toBe(true);
    expect(
      given.some((one) => one.verifier === "archive" && one.outcome.kind === "absent"),
      context,
    ).toBe(false);
    const unclaimed = given.some((one) => one.verifier === "checksum" && one.outcome.kind === "absent");
    expect(unclaimed && policy.unclaimed === "refuse", context).toBe(false);
  }
  expect(admitted).toBeGreaterThan(500);
});
