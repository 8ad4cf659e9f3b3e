import { describe, expect, test } from "vitest";
import { levelOf } from "../../../src/app/level-of.ts";
import { AssayError } from "../../../src/core/errors.ts";
import type { PolicyQuestion } from "../../../src/core/ports/policy.ts";
import { formatPurl } from "../../../src/core/purl.ts";
import type { SigstoreSigner } from "../../../src/core/signer.ts";
import { decide } from "../../../src/policy/decide/decide.ts";
import { loadPolicy } from "../../../src/policy/load-policy.ts";
import { type Proposal, propose } from "../../../src/policy/propose/propose.ts";
import {
  answer,
  DAY_MS,
  NOW,
  person,
  pgp,
  precedent,
  question,
  REF,
  signedBy,
  soundWith,
  summary,
  workflow,
} from "../../support/question.ts";

const SURROUNDINGS = { feeds: new Map(), repository: { unclaimed: "refuse", weakChecksum: "warn" }, levelOf } as const;

function proposed(base: string, ...questions: readonly PolicyQuestion[]): Proposal {
  const { policy } = loadPolicy({ file: "policy.yaml", text: base, now: NOW });
  return propose({
    base: { text: base, policy },
    questions,
    surroundingsOf: () => SURROUNDINGS,
    known: {},
    now: NOW,
    owner: "sec@acme.example",
  });
}

/** The verdict of a proposed policy, read from its text. */
function under({ text }: Proposal, asked: PolicyQuestion): string {
  const { policy } = loadPolicy({ file: "proposed.yaml", text, now: NOW });
  return summary(decide(asked, { ...SURROUNDINGS, policy }));
}

const of = (name: string, over: Partial<PolicyQuestion> = {}, version = "1.0.0"): PolicyQuestion =>
  question({ ref: { ...REF, name, version, file: `${name}-${version}.tgz` }, ...over });
const by = (...signers: readonly Parameters<typeof signedBy>[0][]): Partial<PolicyQuestion> => ({
  evidence: soundWith(...signers.map((signer) => signedBy(signer))),
});
const ACME = workflow("acme/tool", { repositoryId: "1" });
const EVIL = workflow("evil/tool", { repositoryId: "666" });

const uri = (value: string): SigstoreSigner => ({ ...person("x@acme.example"), identity: { type: "uri", value } });
const IN = (repository: string): SigstoreSigner => ({ ...ACME, source: { ...ACME.source, repository } });

describe("an identity that somebody chose to be more than an identity", () => {
  test.each([
    { name: "a wildcard", signer: person("*@acme.example") },
    { name: "only wildcards", signer: person("**") },
    { name: "a wildcard in a URI", signer: uri("https://forge.example/*/release") },
    { name: "a line break and a rule", signer: person('a@acme.example\nrules: [{match: ["pkg:*/**"]}]') },
    { name: "a carriage return", signer: person("a@acme.example\rversion: 2") },
    { name: "a line separator of Unicode", signer: person("a@acme.example\u2028x: y") },
    { name: "the end of a flow map", signer: person('a@acme.example"}, evil: {key: x') },
    { name: "an end of text direction", signer: person("a\u202e@acme.example") },
    { name: "a repository with a wildcard", signer: IN("https://github.com/acme/*") },
    { name: "a repository with a comment", signer: IN("https://github.com/acme/tool # x") },
    { name: "no text at all", signer: person("") },
  ])("becomes no signer of the policy: $name", ({ signer }) => {
    const asked = of(
      "tool",
      by({ ...signer, source: { ...signer.source, ...(signer.source.repositoryId ? { repositoryId: "x*" } : {}) } }),
    );
    const proposal = proposed("version: 1\n", asked);
    const { policy } = loadPolicy({ file: "proposed.yaml", text: proposal.text, now: NOW });
    expect(policy.signers.size).toBe(0);
    expect(policy.rules.map(({ label }) => label)).toEqual(["everything-else"]);
    expect(proposal.text).toMatch(/^[\n -~]*$/);
    // These bytes are let in, and what they are signed with lets in no others.
    expect(policy.waivers).toMatchObject([{ digest: asked.digest, waive: ["signed_by"], purl: { text: formatPurl(asked.ref) } }]);
    expect(proposal).toMatchObject({ remaining: [], open: [] });
    expect(under(proposal, of("tool", by(signer), "1.0.1"))).toBe("refuse SIGNER_UNTRUSTED");
  });

  test.each([
    "#a@acme.example",
    "&a@acme.example",
    "!a@acme.example",
    "'a@acme.example",
    "{a@acme.example",
    "a:b@acme.example",
    "yes@acme.example",
  ])("is that text and no YAML: %s", (identity) => {
    const proposal = proposed("version: 1\n", of("tool", by(person(identity))));
    expect(under(proposal, of("tool", by(person(identity)), "1.0.1"))).toBe("admit");
    expect(under(proposal, of("tool", by(person("b@acme.example")), "1.0.1"))).toBe("refuse SIGNER_UNTRUSTED");
  });
});

test.each(["rel\u202eease.yml", "rel\u0007ease.yml", "rel\u00adease.yml"])(
  "a workflow whose name cannot be seen for what it is names no workflow: %j",
  (file) => {
    const buildConfig = `https://github.com/acme/tool/.github/workflows/${file}@refs/tags/v1`;
    const { text } = proposed("version: 1\n", of("tool", by({ ...ACME, source: { ...ACME.source, buildConfig } })));
    expect(text).toMatch(/^[\n -~]*$/);
    expect(text).toContain('sigstore: {issuer: https://token.actions.githubusercontent.com, repository: acme/tool, repository_id: "1"}');
  },
);

describe("what only a person may let in stays refused, and is told", () => {
  const DENY = 'version: 1\ndeny: [{purl: "pkg:npm/bad", reason: "stolen"}]\n';
  const OURS = `version: 1
signers: {acme: {sigstore: {issuer: "https://token.actions.githubusercontent.com", repository: acme/tool, repository_id: "1"}}}
rules: [{name: ours, match: ["pkg:npm/tool"], signed_by: {any: [acme]}}]
`;
  const before = precedent("0.9.0", 200, signedBy(ACME));
  const broken = soundWith(answer("sigstore", { kind: "invalid", code: "SIGNATURE_INVALID", detail: "no" }));
  test.each([
    { name: "what is denied", base: DENY, asked: of("bad", by(ACME)), code: "DENIED" },
    { name: "a signature that does not verify", base: "version: 1\n", asked: of("tool", { evidence: broken }), code: "SIGNATURE_INVALID" },
    {
      name: "another signer than the package's first",
      base: "version: 1\n",
      asked: of("tool", { ...by(EVIL), precedents: [before] }),
      code: "SIGNER_UNTRUSTED",
    },
    {
      name: "a package that is no longer signed",
      base: "version: 1\n",
      asked: of("tool", { precedents: [{ ...before, version: "1.0.0-beta", file: "old.tgz" }] }),
      code: "EVIDENCE_LOST",
    },
    { name: "somebody else than a rule names", base: OURS, asked: of("tool", by(EVIL)), code: "SIGNER_UNTRUSTED" },
    { name: "nobody, where a rule names somebody", base: OURS, asked: of("tool"), code: "SIGNATURE_MISSING" },
  ])("$name", ({ base, asked, code }) => {
    const proposal = proposed(base, asked, of("other"));
    expect(proposal.remaining).toMatchObject([{ ref: asked.ref, reasons: expect.arrayContaining([expect.objectContaining({ code })]) }]);
    const { policy } = loadPolicy({ file: "proposed.yaml", text: proposal.text, now: NOW });
    expect(policy.waivers.map(({ purl }) => purl.text)).toEqual(["pkg:npm/other@1.0.0"]);
    expect([...policy.signers.keys()]).toEqual(base === OURS ? ["acme"] : []);
  });

  test("an archive that is too young: in time it is let in by itself", () => {
    const proposal = proposed("version: 1\ndefaults: {min_age: 30d}\n", of("tool", { ...by(ACME), publishedAt: NOW - DAY_MS }));
    expect(proposal.remaining).toMatchObject([{ reasons: [{ code: "TOO_YOUNG" }] }]);
    expect(under(proposal, of("tool", by(ACME)))).toBe("admit");
  });

  test("other bytes that the policy to begin with lets in are told", () => {
    const base = `version: 1
rules:
  - {name: lenient, match: ["pkg:npm/lenient"], signature: {on_untrusted: warn}, signed_by: {any: [acme]}}
signers: {acme: {sigstore: {issuer: "https://token.actions.githubusercontent.com", repository: acme/tool, repository_id: "1"}}}
`;
    const asked = of("lenient", by(ACME));
    expect(proposed(base, asked).open).toEqual([{ ref: asked.ref, lets: "signed by a stranger" }]);
  });
});

describe("a proposed policy", () => {
  test("holds each package to those who signed it, and unsigned ones to their bytes", () => {
    const asked = [of("a", by(ACME)), of("b", by(ACME)), of("c", by(pgp("a".repeat(40)))), of("d")];
    const proposal = proposed("version: 1\n", ...asked);
    expect(proposal).toMatchObject({ added: { signers: 2, rules: 3, waivers: 1 }, remaining: [], open: [] });
    for (const each of asked) expect(under(proposal, each)).toMatch(/^admit/);
    expect(under(proposal, of("a", by(ACME), "2.0.0"))).toBe("admit");
    expect(under(proposal, of("a", by(EVIL), "2.0.0"))).toBe("refuse SIGNER_UNTRUSTED");
    expect(under(proposal, of("a", by(pgp("a".repeat(40))), "2.0.0"))).toBe("refuse SIGNER_UNTRUSTED");
    expect(under(proposal, of("c", by(ACME), "2.0.0"))).toBe("refuse SIGNER_UNTRUSTED");
    expect(under(proposal, of("a", {}, "2.0.0"))).toBe("refuse SIGNATURE_MISSING");
    expect(under(proposal, of("d", {}, "2.0.0"))).toBe("refuse SIGNATURE_MISSING");
    expect(under(proposal, of("d", by(ACME), "2.0.0"))).toBe("refuse SIGNER_UNTRUSTED");
    expect(under(proposal, of("never-seen", by(ACME)))).toBe("refuse SIGNER_UNTRUSTED");
  });

  test("takes a registry's signature for nobody's: it signs whatever it serves", () => {
    const REGISTRY = { kind: "registry", keyId: "SHA256:key" } as const;
    const [signed, unsigned] = [of("a", by(ACME, REGISTRY)), of("d", by(REGISTRY))];
    const proposal = proposed("version: 1\n", signed, unsigned);
    expect(proposal).toMatchObject({ added: { signers: 1, waivers: 1 }, remaining: [], open: [] });
    expect(proposal.text).toContain("waive: [signed_by]");
    expect(under(proposal, of("a", by(REGISTRY), "1.0.1"))).toBe("refuse SIGNER_UNTRUSTED");
    expect(under(proposal, of("d", by(REGISTRY), "1.0.1"))).toBe("refuse SIGNER_UNTRUSTED");
  });

  test("has no pattern for an old npm name that would be one", () => {
    const asked = [of("a*", by(ACME)), of("b*"), of("ab", by(EVIL))];
    const proposal = proposed("version: 1\n", ...asked);
    expect(proposal.remaining.map(({ ref }) => ref.name)).toEqual(["a*", "b*"]);
    expect(under(proposal, of("ab", by(ACME)))).toBe("refuse SIGNER_UNTRUSTED");
  });

  test("of the same archives is the same text, in whatever order they come, and again nothing where it is in force", () => {
    const asked = [of("b", by(EVIL)), of("a", by(ACME)), of("d"), of("c", by(person("me@acme.example"))), of("a", by(ACME), "0.9.0")];
    const { text } = proposed("version: 1\n", ...asked);
    expect(proposed("version: 1\n", ...asked.toReversed()).text).toBe(text);
    expect(proposed(text, ...asked)).toMatchObject({ text, added: { signers: 0, rules: 0, waivers: 0 }, remaining: [] });
  });

  test("names the signer who proves most, and both where two versions had two", () => {
    const two = proposed("version: 1\n", of("tool", by(ACME), "1.0.0"), of("tool", by(person("me@acme.example")), "1.1.0"));
    expect(two.text).toContain("signed_by: {any: [acme-tool, me-acme-example]}");
    expect(proposed("version: 1\n", of("tool", by(ACME, EVIL))).added.signers).toBe(1);
  });

  test("takes a version that is signed now into a rule of its own where it was let in by a waiver before", () => {
    const before = proposed("version: 1\n", of("tool"));
    const after = proposed(before.text, of("tool", by(ACME), "1.1.0"));
    expect(after).toMatchObject({ added: { signers: 1, rules: 1, waivers: 0 }, remaining: [] });
    expect(under(after, of("tool", by(EVIL), "1.2.0"))).toBe("refuse SIGNER_UNTRUSTED");
  });
});

describe("the policy to begin with", () => {
  const BASE = `# Kept by the security team.
version: 1
mode: audit
defaults: {min_age: 72h} # everybody waits
deny:
  - {purl: "pkg:npm/bad", reason: "stolen"} # ticket 12
rules:
  # These are ours.
  - name: acme
    match: ["pkg:npm/acme-*"]
    upstream: internal
    min_age: 0
waivers:
  - {purl: "pkg:npm/fastq@1.20.2", waive: [no_downgrade], owner: sec@acme.com, reason: "manual publish", expires: 2026-12-31}
`;

  test("stays as it stands, and is enforced", () => {
    const { text } = proposed(BASE, of("acme-tool", { ...by(ACME), upstreams: ["internal"] }), of("other"));
    const kept = BASE.replace("mode: audit", "mode: enforce").split("\n");
    const lines = text.split("\n");
    let from = 0;
    for (const line of kept) {
      const found = lines.indexOf(line, from);
      expect(found, line).toBeGreaterThanOrEqual(from);
      from = found;
    }
  });

  test("has its rules looked at last for what is proposed, and what they demand is demanded still", () => {
    const asked = of("acme-tool", { ...by(ACME), upstreams: ["internal"] });
    const proposal = proposed(BASE, asked);
    const { policy } = loadPolicy({ file: "proposed.yaml", text: proposal.text, now: NOW });
    expect(policy.rules.map(({ label }) => label)).toEqual(["acme-tool", "acme", "everything-else"]);
    expect(policy.rules[0]).toMatchObject({ upstream: "internal", settings: { minAgeMs: 0 } });
    expect(under(proposal, { ...asked, upstreams: ["public"] })).toBe("refuse UPSTREAM_NOT_ALLOWED");
  });

  test("has an unsigned package of one of its rules held to its bytes too", () => {
    const asked = of("acme-tool", { upstreams: ["internal"] });
    const proposal = proposed(BASE, asked);
    expect(proposal).toMatchObject({ added: { rules: 2, waivers: 1 }, remaining: [], open: [] });
  });

  test("has a rule for that very package replaced, in its place and under its name", () => {
    const base =
      'version: 1\nrules:\n  - {name: tool, match: ["pkg:npm/tool"], min_age: 1d}\n  - {name: all, match: ["pkg:npm/**"], min_age: 2d}\n';
    const proposal = proposed(base, of("tool", by(ACME)));
    const { policy } = loadPolicy({ file: "proposed.yaml", text: proposal.text, now: NOW });
    expect(policy.rules.map(({ label }) => label)).toEqual(["tool", "all", "everything-else"]);
    expect(policy.rules[0]).toMatchObject({ settings: { minAgeMs: DAY_MS, signedBy: { signers: [{ name: "acme-tool" }] } } });
    expect(proposal.remaining).toEqual([]);
  });

  test("speaks for everything else where it does already", () => {
    const base = 'version: 1\nrules: [{match: ["pkg:*/**"], min_age: 1d}]\n';
    const { text, remaining, open } = proposed(base, of("tool", by(ACME)), of("other"));
    expect(text).not.toContain("everything-else");
    expect({ remaining, open }).toEqual({ remaining: [], open: [] });
  });

  test("may be the configuration of an aam client, of which only what is policy is taken", () => {
    const base = 'registry: "https://registry.example/"\nsecurity:\n  require_signature: false\n  trusted_identities: ["*@acme.example"]\n';
    const asked = of("tool", by(person("me@acme.example")));
    const proposal = proposed(base, asked);
    expect(proposal.text).toContain('trusted_identities: ["*@acme.example"]');
    expect(proposal.text).not.toContain("registry:");
    expect(under(proposal, asked)).toBe("admit");
  });
});

test.each([
  { name: "sections that say nothing", base: "version: 1\nsigners:\n  # none yet\nrules:\nwaivers:\n" },
  { name: "empty ones in flow style", base: "version: 1\nsigners: {}\nrules: []\nwaivers: []\n" },
  { name: "JSON", base: '{"version": 1, "rules": [{"match": ["pkg:npm/x"], "min_age": "1d"}], "signers": {}}' },
  {
    name: "an alias of a part of it",
    base: "version: 1\ndefaults: &all {min_age: 0}\nrules:\n  - {match: [pkg:npm/tool], provenance: &p {level: L0}}\n  - {match: [pkg:npm/x], provenance: *p}\n",
  },
  { name: "Windows line ends", base: "version: 1\r\nrules:\r\n  - {match: [pkg:npm/x], min_age: 1d} # why\r\n" },
  { name: "a byte order mark and a document's begin and end", base: "\ufeff%YAML 1.2\n---\nversion: 1\n...\n" },
])("a policy to begin with may be $name", ({ base }) => {
  const asked = [of("tool", by(ACME)), of("d")];
  const proposal = proposed(base, ...asked);
  expect(proposal).toMatchObject({ remaining: [], open: [] });
  for (const each of asked) expect(under(proposal, each)).toMatch(/^admit/);
  expect(under(proposal, of("tool", by(EVIL), "1.0.1"))).toMatch(/^refuse SIGNER_UNTRUSTED/);
});

test("more than a policy has room for is an error that says so", () => {
  const many = Array.from({ length: 4000 }, (_, count) => of(`package-${count}`));
  const error = ((): unknown => {
    try {
      return proposed("version: 1\n", ...many);
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(error).toBeInstanceOf(AssayError);
  expect(error).toMatchObject({ code: "UNPROCESSABLE", message: expect.stringContaining("expected at most 1048576 characters") });
});
