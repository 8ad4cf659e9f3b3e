import { describe, expect, test } from "vitest";
import type { PolicyQuestion } from "../../../src/core/ports/policy.ts";
import { DAY_MS, DIGEST, forecastOf, NOW, question, REF, summary, verdictOf } from "../../support/question.ts";

const DENY = 'deny: [{purl: "pkg:npm/tool", versions: "vers:npm/>=1.2.0|<2.0.0", reason: stolen}]';
const waiver = (more: string): string =>
  `waivers: [{purl: "pkg:npm/tool@1.2.0", ${more}, owner: sec@acme.com, reason: looked at it, expires: 2026-12-31}]`;
const WAIVER_ENDS = Date.UTC(2027, 0, 1);
const young = { publishedAt: NOW - 5 * DAY_MS };
const aam = { ref: { ...REF, repository: "aam", ecosystem: "aam" as const, name: "@sketchy/tool", file: "sketchy--tool-1.2.0.aam" } };

describe("foreseen", () => {
  test.each<{ name: string; policy: string; over?: Partial<PolicyQuestion>; outcome: string; until?: number }>([
    { name: "a denied version", policy: DENY, outcome: "refuse DENIED" },
    { name: "another version", policy: DENY, over: { ref: { ...REF, version: "2.0.0" } }, outcome: "admit" },
    {
      name: "a version that is too young",
      policy: "defaults: {min_age: 7d}",
      over: young,
      outcome: "refuse TOO_YOUNG",
      until: NOW + 2 * DAY_MS,
    },
    { name: "one that is old enough", policy: "defaults: {min_age: 5d}", over: young, outcome: "admit" },
    {
      name: "one of an unknown age, which time does not mend",
      policy: "defaults: {min_age: 7d}",
      over: { publishedAt: undefined, firstSeenAt: undefined },
      outcome: "refuse TOO_YOUNG",
    },
    {
      name: "another upstream than the rule's",
      policy: 'rules: [{match: ["pkg:npm/tool"], upstream: internal}]',
      outcome: "refuse UPSTREAM_NOT_ALLOWED",
    },
    {
      name: "a blocked package",
      policy: 'governance: {install_policy: {blocked_packages: ["@sketchy/*"]}}',
      over: aam,
      outcome: "refuse GOVERNANCE",
    },
    {
      name: "a version without the tag",
      policy: "governance: {install_policy: {require_tag: stable}}",
      over: { ...aam, tags: ["latest"] },
      outcome: "refuse GOVERNANCE",
    },
    { name: "what is only rehearsed", policy: `mode: audit\n${DENY}`, outcome: "admit DENIED" },
    { name: "a waiver", policy: `${DENY}\n${waiver("waive: [deny]")}`, outcome: "admit DENIED", until: WAIVER_ENDS },
    {
      name: "a waiver of something else",
      policy: `${DENY}\n${waiver("waive: [min_age]")}`,
      outcome: "refuse DENIED",
      until: WAIVER_ENDS,
    },
    {
      name: "a waiver that is over",
      policy: `${DENY}\n${waiver("waive: [deny]")}`,
      over: { now: WAIVER_ENDS },
      outcome: "refuse DENIED",
    },
    {
      name: "the first of an age reached and a waiver's end",
      policy: `defaults: {min_age: 100d}\n${waiver("waive: [min_age]")}`,
      over: young,
      outcome: "admit TOO_YOUNG",
      until: WAIVER_ENDS,
    },
  ])("$name: $outcome", ({ policy, over = {}, outcome, until = Number.POSITIVE_INFINITY }) => {
    const asked = question(over);
    const forecast = forecastOf(policy, asked);
    expect(summary(forecast.verdict)).toBe(outcome);
    expect(forecast.until).toBe(until);
    expect(summary(verdictOf(policy, asked)), "and the verdict over the bytes is the same").toBe(outcome);
  });

  test("a requirement that only evidence can meet refuses nothing yet", () => {
    const strict = "defaults: {signature: {require: true, on_missing: error}, provenance: {level: L2, on_missing: error}}";
    expect(summary(forecastOf(strict).verdict)).toBe("admit");
    expect(summary(verdictOf(strict))).toMatch(/^refuse/);
  });
});

describe("a waiver that pins a digest", () => {
  const policy = `${DENY}\n${waiver(`waive: [deny], digest: "sha256:${DIGEST}"`)}`;

  test.each([
    { name: "holds where that digest is claimed", digest: DIGEST, outcome: "admit DENIED" },
    { name: "not for another one", digest: DIGEST.replace("0", "1") as typeof DIGEST, outcome: "refuse DENIED" },
    { name: "not where none is known", digest: undefined, outcome: "refuse DENIED" },
  ])("$name", ({ digest, outcome }) => {
    expect(summary(forecastOf(policy, { ...question(), digest }).verdict)).toBe(outcome);
  });
});
