import { expect, test } from "vitest";
import { parseDigest } from "../../src/core/digest.ts";
import { deniedBy } from "../../src/policy/denied-by.ts";
import { bindingOf, selectRule } from "../../src/policy/select-rule.ts";
import { waiverFor } from "../../src/policy/waiver-for.ts";
import { NOW, policyOf } from "./policy-text.ts";

const NO_FEEDS = new Map();

const POLICY = policyOf(`version: 1
defaults: {min_age: 72h, first_use: "off"}
signers: {ci: {key: ci}}
deny:
  - {purl: "pkg:npm/event-stream", versions: "vers:npm/3.3.6", reason: "compromised 2018"}
  - {purl: "pkg:pypi/bad-*", reason: "typosquatting"}
  - {purl: "pkg:pypi/ranged", versions: "vers:pypi/>=1.0|<2.0", reason: "stolen key"}
rules:
  - {name: internal-only, match: ["pkg:npm/@acme/*"], repositories: [internal], min_age: 0, upstream: internal}
  - {match: ["pkg:npm/@acme/tool"], signed_by: {all: [ci]}}
  - {match: ["pkg:npm/@acme/*", "pkg:pypi/acme-*"], min_age: 7d, no_downgrade: "off"}
waivers:
  - {purl: "pkg:npm/event-stream@3.3.6", waive: [deny, min_age], owner: o, reason: r, expires: 2026-12-31}
  - {purl: "pkg:npm/pinned@1.0.0", waive: [invalid], owner: o, reason: r, expires: 2026-12-31, digest: "sha256:${"a".repeat(64)}"}
`);

test.each([
  { name: "@acme/tool", repository: "npm", label: "rules[1]", minAgeMs: 259_200_000 },
  { name: "@acme/other", repository: "npm", label: "rules[2]", minAgeMs: 604_800_000 },
  { name: "@acme/tool", repository: "internal", label: "internal-only", minAgeMs: 0 },
  { name: "acme", repository: "npm", label: "defaults", minAgeMs: 259_200_000 },
])("$name in $repository falls under $label", ({ name, repository, label, minAgeMs }) => {
  expect(selectRule(POLICY, { ecosystem: "npm", name, version: "1.0.0", repository })).toMatchObject({ label, settings: { minAgeMs } });
});

test("each setting knows whom it is from", () => {
  const { origins, settings, binding, pattern } = selectRule(POLICY, {
    ecosystem: "pypi",
    name: "acme-x",
    version: "1",
    repository: "pypi",
  });
  expect(origins).toMatchObject({
    min_age: "rules[2]",
    no_downgrade: "rules[2]",
    first_use: "defaults",
    "signature.require": "built in",
    signed_by: "built in",
  });
  expect(settings).toMatchObject({ firstUse: "off", noDowngrade: "off" });
  expect(binding).toBeUndefined();
  expect(pattern?.text).toBe("pkg:pypi/acme-*");
});

test.each([
  { ecosystem: "npm", name: "event-stream", version: "3.3.6", denied: "deny[0]" },
  { ecosystem: "npm", name: "event-stream", version: "v3.3.6", denied: "deny[0]" },
  { ecosystem: "npm", name: "event-stream", version: "nonsense", denied: "deny[0]" },
  { ecosystem: "npm", name: "event-stream", version: "3.3.7", denied: undefined },
  { ecosystem: "npm", name: "event-stream-2", version: "3.3.6", denied: undefined },
  { ecosystem: "pypi", name: "bad-requests", version: "1", denied: "deny[1]" },
  { ecosystem: "pypi", name: "ranged", version: "1.5", denied: "deny[2]" },
  { ecosystem: "pypi", name: "ranged", version: "2.0", denied: undefined },
  { ecosystem: "pypi", name: "ranged", version: "2004d", denied: "deny[2]" },
] as const)("$ecosystem $name $version is denied by $denied", ({ denied, ...coordinates }) => {
  expect(deniedBy(POLICY, coordinates, NO_FEEDS)?.label).toBe(denied);
});

test("a denial says why, also where nobody can tell", () => {
  expect(deniedBy(POLICY, { ecosystem: "npm", name: "event-stream", version: "3.3.6" }, NO_FEEDS)).toEqual({
    label: "deny[0]",
    at: "policy.yaml:5:5",
    reason: "compromised 2018",
    ids: [],
  });
  expect(deniedBy(POLICY, { ecosystem: "npm", name: "event-stream", version: 'a"\n' }, NO_FEEDS)?.reason).toBe(
    'compromised 2018 (nobody can tell whether "a\\"\\n" is in vers:npm/3.3.6)',
  );
});

const A = parseDigest("a".repeat(64));
const B = parseDigest("b".repeat(64));
test.each([
  { why: "it is for another check", of: "event-stream@3.3.6", check: "no_downgrade", digest: A, now: NOW, waiver: undefined },
  { why: "it is for another version", of: "event-stream@3.3.7", check: "deny", digest: A, now: NOW, waiver: undefined },
  { why: "it is over", of: "event-stream@3.3.6", check: "deny", digest: A, now: Date.UTC(2027, 0, 1), waiver: undefined },
  { why: "it is for other bytes", of: "pinned@1.0.0", check: "invalid", digest: B, now: NOW, waiver: undefined },
  { why: "there are no bytes yet", of: "pinned@1.0.0", check: "invalid", digest: undefined, now: NOW, waiver: undefined },
  { why: "it is its last moment", of: "event-stream@3.3.6", check: "deny", digest: A, now: Date.UTC(2027, 0, 1) - 1, waiver: "waivers[0]" },
  { why: "the bytes are those", of: "pinned@1.0.0", check: "invalid", digest: A, now: NOW, waiver: "waivers[1]" },
  { why: "it pins no bytes", of: "event-stream@3.3.6", check: "min_age", digest: undefined, now: NOW, waiver: "waivers[0]" },
] as const)("$of, $check: $waiver, since $why", ({ of, check, digest, now, waiver }) => {
  const [name = "", version = ""] = of.split("@");
  expect(waiverFor(POLICY, { ecosystem: "npm", name, version }, check, digest, now)?.label).toBe(waiver);
});

const BINDING = policyOf(`version: 1
rules:
  - {match: ["pkg:npm/@acme/tool@1.0.0"], min_age: 0}
  - {name: free, match: ["pkg:npm/@acme/public-*"]}
  - {name: ours, match: ["pkg:npm/@acme/*", "pkg:pypi/Acme_*"], upstream: internal}
  - {match: ["pkg:npm/*"], repositories: [second], upstream: other}
`);

test.each([
  { name: "@acme/tool", ecosystem: "npm", repository: "npm", bound: { upstream: "internal", rule: "ours" } },
  { name: "@acme/public-thing", ecosystem: "npm", repository: "npm", bound: undefined },
  { name: "@acme2/tool", ecosystem: "npm", repository: "npm", bound: undefined },
  { name: "acme-tool", ecosystem: "pypi", repository: "pypi", bound: { upstream: "internal", rule: "ours" } },
  { name: "tool", ecosystem: "npm", repository: "second", bound: { upstream: "other", rule: "rules[3]" } },
  { name: "tool", ecosystem: "npm", repository: "npm", bound: undefined },
] as const)("$name in $repository is bound to $bound.upstream, whichever its version", ({ bound, ...packaged }) => {
  expect(bindingOf(BINDING, packaged)).toEqual(bound);
  for (const version of ["1.0.0", "9.9.9"]) expect(selectRule(BINDING, { ...packaged, version }).binding).toEqual(bound);
});

test("a rule for a single version changes settings and takes no name out of its binding", () => {
  const effective = selectRule(BINDING, { ecosystem: "npm", name: "@acme/tool", version: "1.0.0", repository: "npm" });
  expect(effective).toMatchObject({ label: "rules[0]", binding: { upstream: "internal", rule: "ours" } });
});
