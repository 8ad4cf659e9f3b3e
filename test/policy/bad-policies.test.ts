import { expect, test } from "vitest";
import { PolicyInvalid } from "../../src/policy/load-policy.ts";
import { load, problemsOf } from "./policy-text.ts";

const SIGNERS = `signers:
  acme-ci: {sigstore: {issuer: "https://token.actions.githubusercontent.com", repository: acme/tool}}
`;

function signer(keys: string): string {
  return `version: 1\nsigners:\n  a: {sigstore: {${keys}}}`;
}

function rule(keys: string): string {
  return `version: 1\n${SIGNERS}rules:\n  - {match: ["pkg:npm/a"], ${keys}}`;
}

function waiver(keys: string): string {
  return `version: 1\nwaivers:\n  - {${keys}}`;
}

const ISSUER = 'issuer: "https://token.actions.githubusercontent.com"';
const WAIVED = 'purl: "pkg:npm/a@1.0.0", waive: [min_age]';

test.each([
  { wrong: "an empty file", text: "", says: "policy.yaml:1:1: expected a policy, which is a map of keys, got nothing" },
  { wrong: "a list", text: "- version: 1", says: "policy.yaml:1:1: expected a policy, which is a map of keys, got a list of 1" },
  { wrong: "broken YAML", text: "version: 1\nrules: [", says: "policy.yaml:2:9: expected valid YAML" },
  { wrong: "an alias bomb", text: `version: 1\nrules: &a [*a]`, says: "policy.yaml:" },
  {
    wrong: "a duplicate key",
    text: "version: 1\nmode: audit\nmode: enforce",
    says: "policy.yaml:3:1: expected valid YAML, got Map keys must be unique",
  },
  {
    wrong: "no version",
    text: "mode: enforce",
    says: "policy.yaml:1:1 version: expected 1, the version of the policy language, got nothing",
  },
  { wrong: "version 2", text: "version: 2", says: "policy.yaml:1:10 version: expected 1, the version of the policy language, got 2" },
  {
    wrong: "rules in what could pass for an aam configuration",
    text: "security: {require_signature: true}\nrules: []",
    says: "policy.yaml:1:1 version: expected 1",
  },
  { wrong: "an unknown key", text: "version: 1\nrule: []", says: "policy.yaml:2:1 rule: expected one of the keys version, mode" },
  { wrong: "a slip, with what was meant", text: "version: 1\nrule: []", says: '(did you mean rules?), got "rule"' },
  {
    wrong: "an unknown mode",
    text: "version: 1\nmode: enforc",
    says: 'policy.yaml:2:7 mode: expected one of enforce, audit (did you mean enforce?), got "enforc"',
  },
  {
    wrong: "an unknown key deep down",
    text: "version: 1\ndefaults:\n  signature:\n    on_mising: warn",
    says: "policy.yaml:4:5 defaults.signature.on_mising: expected one of the keys require, on_missing, on_untrusted, on_invalid (did you mean on_missing?)",
  },
  {
    wrong: "ignoring signatures that do not verify",
    text: "version: 1\ndefaults: {signature: {on_invalid: ignore}}",
    says: 'policy.yaml:2:36 defaults.signature.on_invalid: expected one of error, warn, got "ignore"',
  },
  {
    wrong: "a level nobody knows",
    text: "version: 1\ndefaults: {provenance: {level: L4}}",
    says: "policy.yaml:2:32 defaults.provenance.level: expected one of L0, L1, L2, L3",
  },
  {
    wrong: "an age without a unit",
    text: "version: 1\ndefaults: {min_age: 72}",
    says: "policy.yaml:2:21 defaults.min_age: expected a duration with a unit",
  },
  { wrong: "an age below zero", text: "version: 1\ndefaults: {min_age: -1h}", says: 'got "-1h"' },
  {
    wrong: "first_use: true",
    text: "version: 1\ndefaults: {first_use: true}",
    says: "policy.yaml:2:23 defaults.first_use: expected one of pin, off, got true",
  },
  {
    wrong: "no_downgrade within minor",
    text: "version: 1\ndefaults: {no_downgrade: {within: minor}}",
    says: "policy.yaml:2:26 defaults.no_downgrade: expected off, or {within: major}",
  },

  {
    wrong: "a signer without an issuer",
    text: signer('identity: "*@acme.com"'),
    says: "policy.yaml:3:17 signers.a.sigstore.issuer: expected an OIDC issuer",
  },
  {
    wrong: "an issuer with a wildcard",
    text: signer('issuer: "https://*.acme.com", owner_id: "1"'),
    says: "policy.yaml:3:26 signers.a.sigstore.issuer",
  },
  {
    wrong: "an issuer over http",
    text: signer('issuer: "http://acme.com", owner_id: "1"'),
    says: "expected an OIDC issuer: one exact https URL",
  },
  {
    wrong: "a signer that is everybody",
    text: signer(`${ISSUER}, environment: pypi`),
    says: "policy.yaml:3:17 signers.a.sigstore: expected identity, repository, repository_id or owner_id",
  },
  {
    wrong: "an identity of stars",
    text: signer(`${ISSUER}, identity: "*"`),
    says: "signers.a.sigstore.identity: expected an e-mail pattern such as *@acme.com",
  },
  { wrong: "three stars", text: signer(`${ISSUER}, identity: "***@acme.com"`), says: "expected a pattern with * or **" },
  {
    wrong: "a URI with a wildcard for its host",
    text: signer(`${ISSUER}, identity: "https://*/acme/x"`),
    says: "a URI pattern whose scheme and host are written out",
  },
  {
    wrong: "a URI with a wildcard for its scheme",
    text: signer(`${ISSUER}, identity: "**://github.com/acme"`),
    says: "a URI pattern whose scheme and host are written out",
  },
  {
    wrong: "all repositories of an owner by a glob",
    text: signer(`${ISSUER}, repository: "acme/*"`),
    says: "signers.a.sigstore.repository: expected one repository without wildcards; for all of an owner's use owner_id",
  },
  {
    wrong: "a repository without an owner",
    text: signer(`${ISSUER}, repository: tool`),
    says: "signers.a.sigstore.repository: expected a repository as owner/name",
  },
  {
    wrong: "owner/name with an issuer that is no forge",
    text: signer('issuer: "https://id.acme.com", repository: acme/tool'),
    says: "signers.a.sigstore.repository: expected the repository's whole https URL",
  },
  {
    wrong: "a repository id that is a name",
    text: signer(`${ISSUER}, repository_id: acme`),
    says: "signers.a.sigstore.repository_id: expected the repository's numeric id in quotes",
  },
  {
    wrong: "an id that YAML rounded",
    text: signer(`${ISSUER}, owner_id: 12345678901234567890`),
    says: "signers.a.sigstore.owner_id: expected the owner's numeric id in quotes",
  },
  {
    wrong: "a workflow with a ref",
    text: signer(`${ISSUER}, owner_id: "1", workflow: "release.yml@main"`),
    says: "signers.a.sigstore.workflow: expected a workflow's file name or path",
  },
  {
    wrong: "a short ref",
    text: signer(`${ISSUER}, owner_id: "1", ref: main`),
    says: "signers.a.sigstore.ref: expected a full ref pattern",
  },
  {
    wrong: "an unknown runner",
    text: signer(`${ISSUER}, owner_id: "1", runner: github`),
    says: "signers.a.sigstore.runner: expected one of github-hosted, self-hosted",
  },
  {
    wrong: "a signer of two kinds",
    text: 'version: 1\nsigners: {a: {registry_key: "SHA256:a", key: b}}',
    says: "policy.yaml:2:14 signers.a: expected one of sigstore, gpg",
  },
  {
    wrong: "another Assay's key by a name that says nothing of the key",
    text: 'version: 1\nsigners: {hq: {vsa_key: "hq"}}',
    says: "signers.hq.vsa_key: expected a key's id as `assay keys show` prints it",
  },
  {
    wrong: "another Assay's key by half of its id",
    text: `version: 1\nsigners: {hq: {vsa_key: "sha256:${"a".repeat(32)}"}}`,
    says: "signers.hq.vsa_key: expected a key's id",
  },
  {
    wrong: "taking another Assay's word for L0",
    text: `version: 1\nsigners: {hq: {vsa_key: "sha256:${"a".repeat(64)}", level: L0}}`,
    says: "signers.hq.level: expected one of L1, L2, L3",
  },
  {
    wrong: "a level beside another kind of signer",
    text: 'version: 1\nsigners: {npm: {registry_key: "SHA256:a", level: L2}}',
    says: "signers.npm.level: expected a level only beside vsa_key",
  },
  { wrong: "a signer of no kind", text: "version: 1\nsigners: {a: {}}", says: "signers.a: expected one of sigstore, gpg" },
  {
    wrong: "a signer called A",
    text: "version: 1\nsigners: {A: {key: b}}",
    says: "policy.yaml:2:11 signers.A: expected a name of lowercase letters",
  },
  {
    wrong: "a short key id",
    text: 'version: 1\nsigners: {a: {gpg: ["89ABCDEF01234567"]}}',
    says: "policy.yaml:2:21 signers.a.gpg[0]: expected a full OpenPGP fingerprint of 40 or 64",
  },
  {
    wrong: "the specification's own example of a key",
    text: 'version: 1\nsigners: {a: {gpg: ["ABCD1234..."]}}',
    says: "shorter ids can be forged",
  },
  {
    wrong: "a fingerprint of 41 characters",
    text: `version: 1\nsigners: {a: {gpg: ["${"A".repeat(41)}"]}}`,
    says: "signers.a.gpg[0]: expected a full OpenPGP fingerprint",
  },
  {
    wrong: "no fingerprint at all",
    text: "version: 1\nsigners: {a: {gpg: []}}",
    says: "signers.a.gpg: expected a list of one or more fingerprints",
  },
  {
    wrong: "keys that cannot be read",
    text: "version: 1\nsigners: {a: {registry_key: k, keys: ./nowhere}}",
    says: "policy.yaml:2:38 signers.a.keys: expected the path of a file or folder that can be read",
  },

  {
    wrong: "a builder whose host is open",
    text: 'version: 1\nbuilders: {L2: ["https://github.com*"]}',
    says: "policy.yaml:2:17 builders.L2[0]: expected a builder's id, a URI whose host is written out",
  },
  {
    wrong: "builders of L1",
    text: "version: 1\nbuilders: {L1: []}",
    says: "policy.yaml:2:12 builders.L1: expected one of the keys L2, L3",
  },

  {
    wrong: "a denial without a reason",
    text: 'version: 1\ndeny:\n  - {purl: "pkg:npm/a"}',
    says: "policy.yaml:3:5 deny[0].reason: expected why it is denied, got nothing",
  },
  { wrong: "a denial of nothing", text: "version: 1\ndeny: [{reason: x}]", says: "policy.yaml:2:8 deny[0]: expected a purl, or feed: osv" },
  {
    wrong: "a range of another ecosystem",
    text: 'version: 1\ndeny: [{purl: "pkg:npm/a", versions: "vers:pypi/1.0", reason: x}]',
    says: "policy.yaml:2:38 deny[0].versions: expected a version range for npm: vers:npm/ or vers:semver/",
  },
  {
    wrong: "a range that is none",
    text: 'version: 1\ndeny: [{purl: "pkg:npm/a", versions: "<2", reason: x}]',
    says: "expected a version range such as vers:npm/>=1.0.0|<2.0.0",
  },
  {
    wrong: "bounds that do not take turns",
    text: 'version: 1\ndeny: [{purl: "pkg:npm/a", versions: "vers:npm/<1|<2", reason: x}]',
    says: "expected lower and upper bounds in turn, not <1.0.0 and then <2.0.0",
  },
  {
    wrong: "a version that is none",
    text: 'version: 1\ndeny: [{purl: "pkg:npm/a", versions: "vers:npm/1.x", reason: x}]',
    says: "expected a SemVer version",
  },
  {
    wrong: "a version and versions",
    text: 'version: 1\ndeny: [{purl: "pkg:npm/a@1", versions: "vers:npm/2", reason: x}]',
    says: "deny[0].versions: expected either versions or a version in the purl",
  },
  {
    wrong: "a feed without a path",
    text: "version: 1\ndeny: [{feed: osv}]",
    says: "policy.yaml:2:8 deny[0].path: expected the feed's folder or zip file",
  },
  {
    wrong: "a feed of another kind",
    text: "version: 1\ndeny: [{feed: ovs, path: .}]",
    says: "deny[0].feed: expected one of osv (did you mean osv?)",
  },
  {
    wrong: "a feed with a reason",
    text: "version: 1\ndeny: [{feed: osv, path: ., reason: x}]",
    says: "deny[0]: expected no purl, versions or reason beside a feed",
  },
  {
    wrong: "a feed's key beside a purl",
    text: 'version: 1\ndeny: [{purl: "pkg:npm/a", reason: x, on_stale: warn}]',
    says: "policy.yaml:2:49 deny[0].on_stale: expected it only beside feed: osv",
  },

  {
    wrong: "a rule that matches nothing",
    text: "version: 1\nrules: [{match: []}]",
    says: "policy.yaml:2:17 rules[0].match: expected a list of one or more package patterns",
  },
  {
    wrong: "a rule without match",
    text: "version: 1\nrules: [{min_age: 0}]",
    says: "policy.yaml:2:9 rules[0].match: expected a list, got nothing",
  },
  {
    wrong: "a name for a pattern",
    text: "version: 1\nrules: [{match: [left-pad]}]",
    says: 'policy.yaml:2:18 rules[0].match[0]: expected a package pattern such as pkg:npm/%40acme/*, got "left-pad"',
  },
  {
    wrong: "a type nobody knows",
    text: 'version: 1\nrules: [{match: ["pkg:npn/a"]}]',
    says: "expected a package type of pypi, npm, aam or * (did you mean npm?)",
  },
  {
    wrong: "a scope without a package",
    text: 'version: 1\nrules: [{match: ["pkg:npm/%40acme"]}]',
    says: "expected a package after the scope, such as pkg:npm/@acme/*",
  },
  { wrong: "a scope without @", text: 'version: 1\nrules: [{match: ["pkg:aam/acme/*"]}]', says: "a scope starts with @ or %40" },
  {
    wrong: "a name in capitals that AAM cannot have",
    text: 'version: 1\nrules: [{match: ["pkg:aam/Tool"]}]',
    says: "expected an AAM name",
  },
  { wrong: "an encoded slash", text: 'version: 1\nrules: [{match: ["pkg:npm/%40acme%2ftool"]}]', says: "with / and * not encoded" },
  { wrong: "dot segments", text: 'version: 1\nrules: [{match: ["pkg:npm/@acme/.."]}]', says: "expected an npm name" },
  { wrong: "a subpath", text: 'version: 1\nrules: [{match: ["pkg:npm/a#src"]}]', says: "with no subpath" },
  {
    wrong: "a pattern of 513 characters",
    text: `version: 1\nrules: [{match: ["pkg:npm/${"a".repeat(505)}"]}]`,
    says: "a package pattern of at most 512 characters",
  },
  {
    wrong: "an unknown signer, with what was meant",
    text: rule("signed_by: {any: [acme-cl]}"),
    says: 'policy.yaml:5:46 rules[0].signed_by.any[0]: expected the name of a signer: acme-ci (did you mean acme-ci?), got "acme-cl"',
  },
  {
    wrong: "signed by an empty list",
    text: rule("signed_by: {any: []}"),
    says: "policy.yaml:5:39 rules[0].signed_by: expected any or all, with the names of one or more signers",
  },
  {
    wrong: "signed by another word than nobody",
    text: rule("signed_by: anybody"),
    says: "rules[0].signed_by: expected a map with the keys any, all",
  },
  {
    wrong: "any and all",
    text: rule("signed_by: {any: [acme-ci], all: [acme-ci]}"),
    says: "rules[0].signed_by: expected either any or all",
  },
  {
    wrong: "defaults signed by whom nobody knows",
    text: "version: 1\ndefaults: {signed_by: {all: [x]}}",
    says: "policy.yaml:2:30 defaults.signed_by.all[0]: expected the name of a signer; `signers` has none",
  },
  {
    wrong: "a shadowed rule",
    text: 'version: 1\nrules:\n  - match: ["pkg:npm/**"]\n  - match: ["pkg:npm/@acme/*"]',
    says: "policy.yaml:4:12 rules[1].match: expected a pattern that no earlier rule takes first (rules[0].match[0] at policy.yaml:3:13 takes pkg:npm/**): move this rule up or remove it",
  },
  {
    wrong: "a rule shadowed by two",
    text: 'version: 1\nrules: [{match: ["pkg:npm/a*"]}, {match: ["pkg:pypi/b"]}, {match: ["pkg:npm/ab", "pkg:pypi/B"]}]',
    says: "rules[2].match: expected a pattern that no earlier rule takes first",
  },
  {
    wrong: "two rules of one name",
    text: 'version: 1\nrules: [{name: a, match: ["pkg:npm/a"]}, {name: a, match: ["pkg:npm/b"]}]',
    says: "rules[1].name: expected a name that no other rule has",
  },

  {
    wrong: "a waiver without an owner",
    text: waiver(`${WAIVED}, reason: x, expires: 2027-01-01`),
    says: "policy.yaml:3:5 waivers[0].owner: expected who answers for it, such as sec@acme.com, got nothing",
  },
  {
    wrong: "a waiver without a reason",
    text: waiver(`${WAIVED}, owner: x, expires: 2027-01-01`),
    says: "waivers[0].reason: expected why it is waived",
  },
  {
    wrong: "a waiver without an end",
    text: waiver(`${WAIVED}, owner: x, reason: x`),
    says: "waivers[0].expires: expected the date of its last day",
  },
  {
    wrong: "a waiver that is over",
    text: waiver(`${WAIVED}, owner: x, reason: x, expires: 2026-11-22`),
    says: 'waivers[0].expires: expected a date that is not over (today is 2026-11-23): renew the waiver or remove it, got "2026-11-22"',
  },
  {
    wrong: "30 February",
    text: waiver(`${WAIVED}, owner: x, reason: x, expires: 2027-02-30`),
    says: "waivers[0].expires: expected a date such as 2026-12-31",
  },
  {
    wrong: "waiving what cannot be",
    text: waiver('purl: "pkg:npm/a@1", waive: [checksum], owner: x, reason: x, expires: 2027-01-01'),
    says: "waivers[0].waive[0]: expected one of deny, signature",
  },
  {
    wrong: "waiving nothing",
    text: waiver('purl: "pkg:npm/a@1", waive: [], owner: x, reason: x, expires: 2027-01-01'),
    says: "waivers[0].waive: expected a list of one or more of deny",
  },
  {
    wrong: "waiving a bad signature on bytes nobody named",
    text: waiver('purl: "pkg:npm/a@1", waive: [invalid], owner: x, reason: x, expires: 2027-01-01'),
    says: "waivers[0].digest: expected the archive's digest as sha256:HEX, since invalid is waived",
  },
  {
    wrong: "a digest of another kind",
    text: waiver(`${WAIVED}, owner: x, reason: x, expires: 2027-01-01, digest: "md5:00"`),
    says: "waivers[0].digest: expected the archive's digest as sha256:HEX",
  },

  {
    wrong: "no checksums",
    text: "version: 1\nsecurity: {require_checksum: false}",
    says: "policy.yaml:2:30 security.require_checksum: expected true: a checksum is never optional, got false",
  },
  {
    wrong: "no log",
    text: "version: 1\nsecurity: {verify_transparency_log: false}",
    says: "security.verify_transparency_log: expected true",
  },
  {
    wrong: "bogus for on_signature_failure, which the aam client takes",
    text: "version: 1\nsecurity: {on_signature_failure: bogus}",
    says: "policy.yaml:2:34 security.on_signature_failure: expected one of warn, error, ignore",
  },
  {
    wrong: "allow where the specification says ignore",
    text: "version: 1\nsecurity: {on_signature_failure: allow}",
    says: "expected one of warn, error, ignore",
  },
  {
    wrong: "an identity that is no address",
    text: "version: 1\nsecurity: {trusted_identities: [myorg]}",
    says: "policy.yaml:2:33 security.trusted_identities[0]: expected an e-mail pattern",
  },
  {
    wrong: "a short trusted key",
    text: 'version: 1\nsecurity: {trusted_keys: ["ABCD1234"]}',
    says: "security.trusted_keys[0]: expected a full OpenPGP fingerprint",
  },
  {
    wrong: "a slip in an aam configuration",
    text: "default_platform: cursor\nsecurity: {require_signatures: true}",
    says: "policy.yaml:2:12 security.require_signatures: expected one of the keys require_checksum, require_signature",
  },
  {
    wrong: "defaults and security about one thing",
    text: "version: 1\ndefaults: {signature: {require: true}}\nsecurity: {require_signature: false}",
    says: "policy.yaml:2:23 defaults.signature: expected nothing here, since security.require_signature settles it",
  },
  {
    wrong: "a scope that is none",
    text: "version: 1\ngovernance: {install_policy: {allowed_scopes: [a/b]}}",
    says: "governance.install_policy.allowed_scopes[0]: expected a scope such as @acme",
  },
  {
    wrong: "a blocked package with a version",
    text: 'version: 1\ngovernance: {install_policy: {blocked_packages: ["a@1"]}}',
    says: "expected a package pattern without a version",
  },
])("$wrong", ({ text, says }) => {
  expect(problemsOf(text, { isReadable: (path) => !path.endsWith("nowhere") }).join("\n")).toContain(says);
});

test("everything that is wrong is told at once, from top to bottom, with a stable code", () => {
  const text = `version: 1
mode: enforc
mode: audit
signers:
  a: {sigstore: {identity: "*@acme.com"}}
rules:
  - match: ["pkg:npm/**", nonsense]
  - match: ["pkg:npm/x"]
    signed_by: {any: [b]}
`;
  expect(() => load(text)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  expect(problemsOf(text).map((line) => line.split(" ", 2).join(" ").replace(/:$/, ""))).toEqual([
    "policy.yaml:3:1: expected",
    "policy.yaml:5:17 signers.a.sigstore.issuer",
    "policy.yaml:7:27 rules[0].match[1]",
    "policy.yaml:8:12 rules[1].match",
    "policy.yaml:9:23 rules[1].signed_by.any[0]",
  ]);
  expect(() => load(text)).toThrow(PolicyInvalid);
});

test("names that the configuration does not have are told where it is known", () => {
  const text = 'version: 1\nrules: [{match: ["pkg:npm/a"], repositories: [nmp], upstream: intern}]';
  expect(() => load(text)).not.toThrow();
  expect(
    problemsOf(text, {
      known: { repositories: ["npm", "pypi"], upstreams: [{ repository: "npm", ecosystem: "npm", names: ["internal"] }] },
    }),
  ).toEqual([
    'policy.yaml:2:47 rules[0].repositories[0]: expected one of npm, pypi (did you mean npm?), got "nmp"',
    'policy.yaml:2:63 rules[0].upstream: expected one of internal, got "intern"',
  ]);
});

test.each(["pkg:npm/a@1.*", "pkg:pypi/a@1.0?file_name=a-1.0.tar.gz"])(
  "a rule cannot bind %s, a part of a name, to an upstream",
  (pattern) => {
    expect(problemsOf(`version: 1\nrules: [{match: ["pkg:npm/b", "${pattern}"], upstream: internal}]`).join()).toContain(
      "rules[0].match[1]: expected a pattern without a version or a file in a rule with `upstream`",
    );
    expect(() => load(`version: 1\nrules: [{match: ["pkg:npm/b", "${pattern}"]}]`)).not.toThrow();
  },
);

test("a rule that binds less than it seems to is told of", () => {
  const text = `version: 1
rules:
  - {match: ["pkg:npm/x", "pkg:npm/@acme/tool", "pkg:npm/@acme/other@1.0.0"], min_age: 0}
  - {match: ["pkg:npm/@acme/bound"], upstream: internal}
  - {match: ["pkg:npm/@acme/*", "pkg:pypi/acme-*"], upstream: internal}
  - {match: ["pkg:npm/ours-*"], repositories: [npm], upstream: internal}
`;
  const known = {
    upstreams: [
      { repository: "npm", ecosystem: "npm", names: ["internal", "public"] },
      { repository: "second", ecosystem: "npm", names: ["public"] },
      { repository: "aam", ecosystem: "aam", names: ["public"] },
    ],
  } as const;
  expect(load(text, { known }).warnings.map(({ key, code }) => `${key} ${code}`)).toEqual([
    "rules[1].upstream UPSTREAM_MISSING",
    "rules[2].upstream UPSTREAM_MISSING",
    "rules[0].match[1] NAME_SET_FREE",
  ]);
});

test("limits hold: one past each is a problem, not a slow start", () => {
  const rules = (count: number, perRule: number) =>
    `version: 1\nrules:\n${Array.from({ length: count }, (_, i) => `  - match: [${Array.from({ length: perRule }, (_, j) => `"pkg:npm/r${i}-${j}"`)}]`).join("\n")}`;
  expect(() => load(rules(10, 200))).not.toThrow();
  expect(problemsOf(rules(11, 200)).join()).toContain("expected at most 2000 patterns in all rules");
  expect(problemsOf(rules(1, 201)).join()).toContain("rules[0].match: expected a list of at most 200");
  expect(problemsOf(rules(1001, 1)).join()).toContain("rules: expected a list of at most 1000");
  expect(problemsOf(`version: 1\n#${"x".repeat(1024 * 1024)}`).join()).toContain("expected at most 1048576 characters");
});
