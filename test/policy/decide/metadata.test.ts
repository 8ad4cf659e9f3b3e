import { describe, expect, test } from "vitest";
import {
  DAY_MS,
  DIGEST,
  NOW,
  precedent,
  question,
  REF,
  signedBy,
  soundWith,
  summary,
  verdictOf,
  workflow,
} from "../../support/question.ts";

const AGE = "defaults: {min_age: 7d}";

describe("age", () => {
  test.each([
    { name: "published yesterday", over: { publishedAt: NOW - DAY_MS }, outcome: "refuse TOO_YOUNG" },
    { name: "no publish time", over: { publishedAt: undefined }, outcome: "refuse TOO_YOUNG" },
    {
      name: "an old time, but first seen yesterday in a package known for long",
      over: { publishedAt: NOW - 400 * DAY_MS, firstSeenAt: NOW - DAY_MS, packageFirstSeenAt: NOW - 90 * DAY_MS },
      outcome: "refuse TOO_YOUNG",
    },
    { name: "published in the future", over: { publishedAt: NOW + DAY_MS }, outcome: "refuse TOO_YOUNG" },
    {
      name: "an old time in a package first seen yesterday",
      over: { publishedAt: NOW - 400 * DAY_MS, firstSeenAt: NOW - DAY_MS, packageFirstSeenAt: NOW - DAY_MS },
      outcome: "admit",
    },
    { name: "exactly old enough", over: { publishedAt: NOW - 7 * DAY_MS, firstSeenAt: undefined }, outcome: "admit" },
  ])("$name: $outcome", ({ over, outcome }) => {
    expect(summary(verdictOf(AGE, question(over)))).toBe(outcome);
  });

  test("the reason says how long to wait", () => {
    const verdict = verdictOf(AGE, question({ publishedAt: NOW - 5 * DAY_MS }));
    expect(JSON.stringify(verdict)).toContain("expected an age of at least 7 days, it was published 5 days ago: wait 2 days");
  });
});

describe("deny, upstreams, governance", () => {
  test.each([
    {
      name: "a denied version",
      policy: 'deny: [{purl: "pkg:npm/tool", versions: "vers:npm/1.2.0", reason: stolen}]',
      outcome: "refuse DENIED",
    },
    {
      name: "another version than the denied",
      policy: 'deny: [{purl: "pkg:npm/tool", versions: "vers:npm/1.3.0", reason: stolen}]',
      outcome: "admit",
    },
    {
      name: "a rule that would allow it",
      policy: 'deny: [{purl: "pkg:npm/tool", reason: stolen}]\nrules: [{match: ["pkg:npm/tool"], min_age: 0}]',
      outcome: "refuse DENIED",
    },
    {
      name: "a name bound to another upstream",
      policy: 'rules: [{match: ["pkg:npm/tool"], upstream: internal}]',
      outcome: "refuse UPSTREAM_NOT_ALLOWED",
    },
    { name: "a name bound to this upstream", policy: 'rules: [{match: ["pkg:npm/tool"], upstream: public}]', outcome: "admit" },
  ])("$name: $outcome", ({ policy, outcome }) => {
    expect(summary(verdictOf(policy))).toBe(outcome);
  });

  const aam = { ...REF, repository: "aam", ecosystem: "aam" as const, name: "@sketchy/tool", file: "sketchy--tool-1.2.0.aam" };
  test.each([
    { gate: 'blocked_packages: ["@sketchy/*"]', outcome: "refuse GOVERNANCE" },
    { gate: 'allowed_scopes: ["@myorg"]', outcome: "refuse GOVERNANCE" },
    { gate: 'allowed_scopes: ["@sketchy"]', outcome: "admit" },
    { gate: "require_signature: true", outcome: "refuse SIGNATURE_MISSING" },
    { gate: "require_tag: stable", outcome: "refuse GOVERNANCE" },
  ])("the gate {$gate}: $outcome", ({ gate, outcome }) => {
    const policy = `governance: {install_policy: {${gate}}}`;
    expect(summary(verdictOf(policy, question({ ref: aam })))).toBe(outcome);
    expect(summary(verdictOf(policy, question({ ref: aam, tags: ["stable"] }))) === "admit").toBe(
      outcome === "admit" || gate.startsWith("require_tag"),
    );
    expect(summary(verdictOf(policy)), "npm packages are not its business").toBe("admit");
  });
});

describe("continuity", () => {
  const ours = signedBy(workflow("acme/tool", { repositoryId: "7" }));
  const moved = signedBy(workflow("newowner/tool", { repositoryId: "7" }));
  const reborn = signedBy(workflow("acme/tool", { repositoryId: "99" }));
  const mallory = signedBy(workflow("mallory/tool", { repositoryId: "66" }));
  /** What npm attests of every version that has provenance. */
  const registry = signedBy({ kind: "key", keyId: "SHA256:abc" });

  test.each([
    {
      name: "another signer than the first",
      evidence: [mallory],
      before: [precedent("1.1.0", 200, ours)],
      outcome: "refuse SIGNER_CHANGED",
    },
    {
      name: "a name that somebody registered again",
      evidence: [reborn],
      before: [precedent("1.1.0", 200, ours)],
      outcome: "refuse SIGNER_CHANGED",
    },
    { name: "a repository that was transferred", evidence: [moved], before: [precedent("1.1.0", 200, ours)], outcome: "admit" },
    { name: "the same signer", evidence: [ours], before: [precedent("1.1.0", 200, ours)], outcome: "admit" },
    { name: "evidence that is gone", evidence: [], before: [precedent("1.1.0", 200, ours)], outcome: "refuse EVIDENCE_LOST" },
    { name: "evidence that another major had", evidence: [], before: [precedent("2.0.0", 200, ours)], outcome: "admit" },
    { name: "evidence that only a later upload has", evidence: [], before: [precedent("1.3.0", 10, ours)], outcome: "admit" },
    {
      name: "a backport: older by version, newer by upload",
      evidence: [],
      before: [precedent("1.9.0", 200, ours)],
      outcome: "refuse EVIDENCE_LOST",
    },
    { name: "precedents without evidence", evidence: [mallory], before: [precedent("1.1.0", 200)], outcome: "admit" },
    {
      name: "a registry's signature is nobody's",
      evidence: [],
      before: [precedent("1.1.0", 200, signedBy({ kind: "registry", keyId: "SHA256:abc" }))],
      outcome: "admit",
    },
    {
      name: "another project whose publishing the same registry attests",
      evidence: [mallory, registry],
      before: [precedent("1.1.0", 200, ours, registry)],
      outcome: "refuse SIGNER_CHANGED",
    },
    {
      name: "only the registry's word that it was published, where a project signed before",
      evidence: [registry],
      before: [precedent("1.1.0", 200, ours, registry)],
      outcome: "refuse EVIDENCE_LOST",
    },
    {
      name: "a registry that attests publishing with another key",
      evidence: [signedBy({ kind: "key", keyId: "SHA256:new" })],
      before: [precedent("1.1.0", 200, registry)],
      outcome: "admit",
    },
  ])("$name: $outcome", ({ evidence, before, outcome }) => {
    const asked = question({ evidence: soundWith(...evidence), precedents: before });
    expect(summary(verdictOf("", asked))).toBe(outcome);
    expect(summary(verdictOf("defaults: {first_use: off, no_downgrade: off}", asked))).toBe("admit");
  });

  const forged = { publishedAt: NOW - 900 * DAY_MS, firstSeenAt: NOW - DAY_MS, packageFirstSeenAt: NOW - 200 * DAY_MS };
  test.each([
    { name: "an old time for another project's", evidence: [mallory], over: forged, outcome: "refuse SIGNER_CHANGED" },
    { name: "an old time for what has no evidence", evidence: [], over: forged, outcome: "refuse EVIDENCE_LOST" },
    {
      name: "an old time in a package first seen with it",
      evidence: [],
      over: { ...forged, packageFirstSeenAt: forged.firstSeenAt },
      outcome: "admit",
    },
    { name: "no time", evidence: [], over: { publishedAt: undefined }, outcome: "refuse EVIDENCE_LOST" },
    {
      name: "no time, and seen before what binds it",
      evidence: [],
      over: { ...forged, publishedAt: undefined, firstSeenAt: NOW - 110 * DAY_MS },
      outcome: "admit",
    },
    {
      name: "no time, and held before what binds it",
      evidence: [],
      over: { publishedAt: undefined, heldSince: NOW - 110 * DAY_MS },
      outcome: "admit",
    },
    {
      name: "a time to come, and held before what binds it",
      evidence: [],
      over: { publishedAt: NOW + DAY_MS, heldSince: NOW - 110 * DAY_MS },
      outcome: "admit",
    },
  ])("an index that gives $name: $outcome", ({ evidence, over, outcome }) => {
    const asked = question({ evidence: soundWith(...evidence), precedents: [precedent("1.1.0", 105, ours)], ...over });
    expect(summary(verdictOf("", asked))).toBe(outcome);
  });

  test.each([
    { name: "that says it is later", saidDaysAgo: 104, outcome: "refuse EVIDENCE_LOST" },
    { name: "that says it is earlier", saidDaysAgo: 106, outcome: "admit" },
  ])("of two that we saw at once, one $name: $outcome", ({ saidDaysAgo, outcome }) => {
    const seen = { firstSeenAt: NOW - 50 * DAY_MS, packageFirstSeenAt: NOW - 200 * DAY_MS };
    const signed = { ...precedent("1.1.0", 105, ours), firstSeenAt: seen.firstSeenAt, admittedAt: NOW - 40 * DAY_MS };
    const asked = question({ ...seen, publishedAt: NOW - saidDaysAgo * DAY_MS, precedents: [signed] });
    expect(summary(verdictOf("", asked))).toBe(outcome);
  });

  test("a precedent that says it is of a time to come binds what came after it was admitted", () => {
    const signed = { ...precedent("1.1.0", 105, ours), publishedAt: NOW + DAY_MS };
    expect(summary(verdictOf("", question({ evidence: soundWith(mallory), precedents: [signed] })))).toBe("refuse SIGNER_CHANGED");
  });

  test("wheels are held to wheels, source archives to source archives", () => {
    const ref = { ...REF, repository: "pypi", ecosystem: "pypi" as const, file: "tool-1.2.0-py3-none-any.whl" };
    const sdist = { ...precedent("1.1.0", 200, ours), file: "tool-1.1.0.tar.gz" };
    const wheel = { ...precedent("1.1.0", 200, ours), file: "tool-1.1.0-py3-none-any.whl" };
    expect(summary(verdictOf("", question({ ref, precedents: [sdist] })))).toBe("admit");
    expect(summary(verdictOf("", question({ ref, precedents: [sdist, wheel] })))).toBe("refuse EVIDENCE_LOST");
  });
});

describe("waivers and audit", () => {
  const waiver = (more: string): string =>
    `deny: [{purl: "pkg:npm/tool", reason: stolen}]\nwaivers: [{purl: "pkg:npm/tool@1.2.0", owner: sec@acme.com, reason: looked, expires: 2026-12-31, ${more}}]`;

  test.each([
    { name: "of the check that refuses", policy: waiver("waive: [deny]"), outcome: "admit DENIED" },
    { name: "of another check", policy: waiver("waive: [min_age]"), outcome: "refuse DENIED" },
    { name: "of these bytes", policy: waiver(`waive: [deny], digest: "sha256:${DIGEST}"`), outcome: "admit DENIED" },
    { name: "of other bytes", policy: waiver(`waive: [deny], digest: "sha256:${"1".repeat(64)}"`), outcome: "refuse DENIED" },
  ])("a waiver $name: $outcome", ({ policy, outcome }) => {
    expect(summary(verdictOf(policy))).toBe(outcome);
  });

  test("audit serves what policy would refuse, and says so; never what is not what it should be", () => {
    const denied = 'mode: audit\ndeny: [{purl: "pkg:npm/tool", reason: stolen}]';
    const verdict = verdictOf(denied);
    expect(summary(verdict)).toBe("admit DENIED");
    expect(JSON.stringify(verdict)).toContain("audit: this would have been refused");
    expect(summary(verdictOf(denied, question({ evidence: [] })))).toMatch(/^refuse CHECKSUM_UNCLAIMED ARCHIVE_LIMIT/);
  });
});
