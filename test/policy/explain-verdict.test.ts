import { describe, expect, test } from "vitest";
import { levelOf } from "../../src/app/level-of.ts";
import { parseDigest } from "../../src/core/digest.ts";
import type { Outcome } from "../../src/core/evidence.ts";
import type { RepositoryPolicy } from "../../src/core/policy.ts";
import type { PolicyQuestion } from "../../src/core/ports/policy.ts";
import type { Signer, SigstoreSigner } from "../../src/core/signer.ts";
import { explainVerdict, type VerdictReport } from "../../src/policy/explain-verdict.ts";
import { loadPolicy } from "../../src/policy/load-policy.ts";
import type { Suggestion } from "../../src/policy/suggest/suggestions.ts";
import { paste } from "../support/paste.ts";
import {
  answer,
  DAY_MS,
  DIGEST,
  NOW,
  person,
  pgp,
  precedent,
  question,
  REF,
  SOUND,
  STRONG,
  signedBy,
  soundWith,
  summary,
  workflow,
} from "../support/question.ts";

const STANDARD: RepositoryPolicy = { unclaimed: "refuse", weakChecksum: "warn" };

function explain(policyText: string, asked: PolicyQuestion, repository = STANDARD): VerdictReport {
  const { policy } = loadPolicy({ file: "policy.yaml", text: policyText, now: NOW });
  return explainVerdict(asked, { policy, feeds: new Map(), repository, levelOf }, { file: "policy.yaml", name: "policy.yaml" });
}

/** The policy with a suggestion in it. */
function pasted(policyText: string, { edits }: Suggestion, { placeOf }: VerdictReport): string {
  return paste(
    policyText,
    edits.map(({ under, yaml, place }) => ({
      under,
      yaml,
      how: place.how,
      at: place.how === "add" ? null : (placeOf(place.rule) ?? null),
    })),
  );
}

/** The verdict under the policy with a suggestion pasted into its text. */
function withSuggestion(policyText: string, report: VerdictReport, suggestion: Suggestion, asked: PolicyQuestion): string {
  return summary(explain(pasted(policyText, suggestion, report), asked).verdict);
}

function suggestionOf(report: VerdictReport, kind: Suggestion["kind"]): Suggestion {
  const found = report.suggestions.find((suggestion) => suggestion.kind === kind);
  if (!found)
    throw new Error(`expected a suggestion of kind ${kind}, got ${report.suggestions.map((each) => each.kind).join(", ") || "none"}`);
  return found;
}

const ACME = { repositoryId: "1234567", ownerId: "7" };
const EVIL = workflow("evil/tool", { repositoryId: "666" });
const signed = (signer: Signer): PolicyQuestion => question({ evidence: soundWith(signedBy(signer)) });
const invalid = (code: "SIGNATURE_INVALID" | "SUBJECT_MISMATCH"): Outcome => ({ kind: "invalid", code, detail: "it does not verify" });

const SIGNERS = `signers:
  acme: {sigstore: {issuer: "https://token.actions.githubusercontent.com", repository: acme/tool, repository_id: "1234567"}}
`;

interface Row {
  readonly name: string;
  readonly policy: string;
  readonly asked: PolicyQuestion;
  readonly before: string;
  readonly kinds: readonly Suggestion["kind"][];
}

const ROWS: readonly Row[] = [
  {
    name: "another signer than a rule for this package names",
    policy: `version: 1\n${SIGNERS}rules:\n  - {name: tool, match: ["pkg:npm/tool"], signed_by: {any: [acme]}, min_age: 1d}\n`,
    asked: signed(EVIL),
    before: "refuse SIGNER_UNTRUSTED",
    kinds: ["signer", "waiver"],
  },
  {
    name: "another signer than a rule for many packages names",
    policy: `version: 1\n${SIGNERS}rules:\n  - {match: ["pkg:npm/t*", "pkg:npm/u*"], signed_by: {any: [acme]}}\n`,
    asked: signed(EVIL),
    before: "refuse SIGNER_UNTRUSTED",
    kinds: ["signer", "waiver"],
  },
  {
    name: "another signer than the defaults name",
    policy: `version: 1\n${SIGNERS}defaults:\n  signed_by: {any: [acme]}\n`,
    asked: signed(EVIL),
    before: "refuse SIGNER_UNTRUSTED",
    kinds: ["signer", "waiver"],
  },
  {
    name: "another person than the AAM block trusts",
    policy: 'version: 1\nsecurity:\n  trusted_identities: ["*@acme.com"]\n  require_signature: true\n  on_signature_failure: error\n',
    asked: signed(person("mallory@evil.example")),
    before: "refuse SIGNER_UNTRUSTED",
    kinds: ["signer", "waiver"],
  },
  {
    name: "each of several must have signed, and one has not",
    policy: `version: 1\n${SIGNERS}rules:\n  - {match: ["pkg:npm/tool"], signed_by: {all: [acme]}}\n`,
    asked: signed(EVIL),
    before: "refuse SIGNER_UNTRUSTED",
    kinds: ["waiver"],
  },
  {
    name: "another signer than the package's first",
    policy: "version: 1\n",
    asked: question({
      evidence: soundWith(signedBy(workflow("acme/moved", { repositoryId: "2" }))),
      precedents: [precedent("1.1.0", 200, signedBy(workflow("acme/tool", ACME)))],
    }),
    before: "refuse SIGNER_CHANGED",
    kinds: ["signer", "waiver"],
  },
  {
    name: "evidence that earlier versions had",
    policy: "version: 1\n",
    asked: question({ precedents: [precedent("1.1.0", 200, signedBy(workflow("acme/tool", ACME)))] }),
    before: "refuse EVIDENCE_LOST",
    kinds: ["waiver"],
  },
  {
    name: "no signature where there must be one",
    policy: "version: 1\ndefaults:\n  signature: {require: true, on_missing: error}\n",
    asked: question(),
    before: "refuse SIGNATURE_MISSING",
    kinds: ["rule", "waiver"],
  },
  {
    name: "too low a level",
    policy: 'version: 1\nrules:\n  - {match: ["pkg:npm/**"], provenance: {level: L2, on_missing: error}, min_age: 2d}\n',
    asked: signed(workflow("acme/tool", ACME)),
    before: "refuse PROVENANCE_TOO_LOW",
    kinds: ["rule", "waiver"],
  },
  {
    name: "a denial",
    policy: 'version: 1\ndeny:\n  - {purl: "pkg:npm/tool", reason: "compromised"}\n',
    asked: question(),
    before: "refuse DENIED",
    kinds: ["waiver"],
  },
  {
    name: "an age",
    policy:
      'version: 1\ndefaults:\n  min_age: 7d\nwaivers:\n  - {purl: "pkg:npm/other", waive: [deny], owner: a, reason: b, expires: 2027-01-01}\n',
    asked: question({ publishedAt: NOW - DAY_MS }),
    before: "refuse TOO_YOUNG",
    kinds: ["waiver"],
  },
  {
    name: "an AAM gate",
    policy: 'version: 1\ngovernance:\n  install_policy: {blocked_packages: ["tool"]}\n',
    asked: question({ ref: { ...REF, repository: "aam", ecosystem: "aam", file: "tool-1.2.0.aam" } }),
    before: "refuse GOVERNANCE",
    kinds: ["waiver"],
  },
  {
    name: "a signature that does not verify, and an age, at once",
    policy: "version: 1\ndefaults:\n  min_age: 7d\n",
    asked: question({ publishedAt: NOW - DAY_MS, evidence: soundWith(answer("sigstore", invalid("SIGNATURE_INVALID"))) }),
    before: "refuse TOO_YOUNG SIGNATURE_INVALID",
    kinds: ["waiver"],
  },
];

describe.each(ROWS)("$name", ({ policy, asked, before, kinds }) => {
  const report = explain(policy, asked);

  test("is refused, and suggestions are made for it", () => {
    expect(summary(report.verdict)).toBe(before);
    expect(report.suggestions.map(({ kind }) => kind)).toEqual(kinds);
    expect(report.unchangeable).toBeUndefined();
  });

  test.each(kinds)("the %s that is suggested loads where it is pasted, and lets it in", (kind) => {
    const suggestion = suggestionOf(report, kind);
    expect(suggestion).toMatchObject({ verdict: "admit", remaining: [] });
    // What may stay is a warning that says who waived it.
    expect(withSuggestion(policy, report, suggestion, asked)).toMatch(/^admit/);
  });

  test("in audit mode, where it is served, the same is suggested", () => {
    const audited = explain(policy.replace("version: 1\n", "version: 1\nmode: audit\n"), asked);
    expect(audited.verdict.kind).toBe("admit");
    expect(audited.suggestions).toEqual(report.suggestions);
  });
});

describe("what no policy can allow is not suggested away", () => {
  const DENY = 'version: 1\ndeny:\n  - {purl: "pkg:npm/tool", reason: "compromised"}\n';
  const bad = (
    verifier: "checksum" | "archive",
    code: "CHECKSUM_MISMATCH" | "INTEGRITY_VIOLATION" | "ARCHIVE_UNSAFE" | "IDENTITY_MISMATCH",
  ) => {
    const wrong = answer(verifier, { kind: "invalid", code, detail: "expected this, got that" });
    return question({ evidence: verifier === "checksum" ? [wrong, answer("archive", SOUND)] : [answer("checksum", STRONG), wrong] });
  };
  test.each([
    { name: "a checksum mismatch", asked: bad("checksum", "CHECKSUM_MISMATCH"), says: "CHECKSUM_MISMATCH: no policy can allow this" },
    {
      name: "an integrity violation",
      asked: bad("checksum", "INTEGRITY_VIOLATION"),
      says: "INTEGRITY_VIOLATION: no policy can allow this",
    },
    { name: "an unsafe archive", asked: bad("archive", "ARCHIVE_UNSAFE"), says: "ARCHIVE_UNSAFE: no policy can allow this" },
    { name: "another package's archive", asked: bad("archive", "IDENTITY_MISMATCH"), says: "IDENTITY_MISMATCH: no policy can allow this" },
    { name: "no check at all", asked: question({ evidence: [] }), says: "CHECKSUM_UNCLAIMED: no policy can allow this" },
    {
      name: "no claimed digest",
      asked: question({ evidence: [answer("checksum", { kind: "absent" }), answer("archive", SOUND)] }),
      says: "by its key unclaimed",
    },
  ])("$name, denied besides or not", ({ asked, says }) => {
    for (const policy of ["version: 1\n", DENY, "version: 1\nmode: audit\n"]) {
      const report = explain(policy, asked);
      expect(report.verdict.kind).toBe("refuse");
      expect(report).toMatchObject({ suggestions: [], unchangeable: expect.stringContaining(says) });
    }
  });

  test("another upstream than the one that the name is bound to", () => {
    const policy = 'version: 1\nrules:\n  - {name: ours, match: ["pkg:npm/tool"], upstream: internal}\n';
    expect(explain(policy, question())).toMatchObject({
      suggestions: [],
      unchangeable: expect.stringContaining("The rule ours binds the name to one upstream"),
    });
  });
});

describe("the waiver", () => {
  const policy = "version: 1\n";
  const asked = question({ evidence: soundWith(answer("sigstore", invalid("SUBJECT_MISMATCH"))) });

  test("of bad evidence is for these bytes and no others", () => {
    const report = explain(policy, asked);
    const waiver = suggestionOf(report, "waiver");
    expect(waiver.edits[0].yaml).toContain(`digest: sha256:${DIGEST}`);
    const text = pasted(policy, waiver, report);
    const other = parseDigest("1".repeat(64));
    const about = asked.evidence.map((each) => ({ ...each, subject: other }));
    expect(summary(explain(text, { ...asked, digest: other, evidence: about }).verdict)).toBe("refuse SUBJECT_MISMATCH");
  });

  test("ends, and is for this version only", () => {
    const { edits } = suggestionOf(explain(policy, asked), "waiver");
    expect(edits[0].yaml).toContain("expires: 2026-12-23\n");
    expect(edits[0].yaml).toContain("purl: pkg:npm/tool@1.2.0\n");
  });

  test("of one file of a Python release is for that file", () => {
    const ref = { repository: "pypi", ecosystem: "pypi", name: "tool", version: "1.0+local", file: "tool-1.0+local.tar.gz" } as const;
    const denying = 'version: 1\ndeny:\n  - {purl: "pkg:pypi/tool", reason: "withdrawn"}\n';
    const report = explain(denying, { ...asked, ref, evidence: soundWith() });
    const text = pasted(denying, suggestionOf(report, "waiver"), report);
    expect(summary(explain(text, question({ ref })).verdict)).toBe("admit DENIED");
    expect(summary(explain(text, question({ ref: { ...ref, file: "tool-1.0+local.zip" } })).verdict)).toBe("refuse DENIED");
  });
});

describe("the signer", () => {
  const demanding = `version: 1\n${SIGNERS}rules:\n  - {name: wide, match: ["pkg:npm/t*"], signed_by: {any: [acme]}, upstream: public, min_age: 3d}\n`;
  const entryFor = (signer: Signer, policy = demanding): string | undefined =>
    explain(policy, signed(signer))
      .suggestions.find(({ kind }) => kind === "signer")
      ?.edits.map(({ yaml }) => yaml)
      .join("");

  test("is named by exact issuer, numeric repository id and workflow", () => {
    expect(entryFor(EVIL)).toBe(`signers:
  evil-tool:
    sigstore:
      issuer: https://token.actions.githubusercontent.com
      repository: evil/tool
      repository_id: "666"
      workflow: release.yml
rules:
  - name: tool
    match:
      - pkg:npm/tool
    upstream: public
    signature:
      require: true
      on_missing: error
    signed_by:
      any:
        - acme
        - evil-tool
    min_age: 3d
`);
  });

  test("may publish this package then, and no other; what the wider rule demands still holds", () => {
    const report = explain(demanding, signed(EVIL));
    const text = pasted(demanding, suggestionOf(report, "signer"), report);
    expect(summary(explain(text, signed(EVIL)).verdict)).toBe("admit");
    expect(summary(explain(text, signed(workflow("acme/tool", ACME))).verdict)).toBe("admit");
    const evidence = soundWith(signedBy(EVIL));
    expect(summary(explain(text, question({ evidence, ref: { ...REF, name: "toolbox" } })).verdict)).toBe("refuse SIGNER_UNTRUSTED");
    expect(summary(explain(text, question({ evidence, upstreams: ["npm#1"] })).verdict)).toBe("refuse UPSTREAM_NOT_ALLOWED");
    expect(summary(explain(text, question({ evidence, publishedAt: NOW - DAY_MS })).verdict)).toBe("refuse TOO_YOUNG");
    expect(summary(explain(text, signed(workflow("evil/tool", { repositoryId: "667" }))).verdict)).toBe("refuse SIGNER_UNTRUSTED");
  });

  test("whom nobody speaks about is one to demand from now on, so that another is refused", () => {
    const report = explain("version: 1\n", signed(EVIL));
    expect(summary(report.verdict)).toBe("admit");
    const text = pasted("version: 1\n", suggestionOf(report, "signer"), report);
    expect(summary(explain(text, signed(EVIL)).verdict)).toBe("admit");
    expect(summary(explain(text, signed(workflow("acme/tool", ACME))).verdict)).toBe("refuse SIGNER_UNTRUSTED");
    expect(summary(explain(text, question()).verdict)).toBe("refuse SIGNATURE_MISSING");
  });

  test("whom the policy has under a name is named by that", () => {
    const policy = demanding.replace(
      "rules:",
      '  second: {sigstore: {issuer: "https://token.actions.githubusercontent.com", repository_id: "666"}}\nrules:',
    );
    expect(entryFor(EVIL, policy)).not.toContain("signers:");
    expect(entryFor(EVIL, policy)).toContain("- second\n");
  });

  test("gets a name of its own where somebody else has it", () => {
    const policy = demanding.replace("acme:", "evil-tool:").replace("[acme]", "[evil-tool]");
    expect(entryFor(EVIL, policy)).toContain("  evil-tool-2:\n");
  });

  const gitlab: SigstoreSigner = {
    kind: "sigstore",
    trust: "public",
    issuer: "https://gitlab.com",
    identity: { type: "uri", value: "https://gitlab.com/acme/deep/tool//.gitlab-ci.yml@refs/heads/main" },
    source: {
      repository: "https://gitlab.com/acme/deep/tool",
      buildConfig: "https://gitlab.com/acme/deep/tool//.gitlab-ci.yml@refs/heads/main",
      ref: "refs/heads/main",
    },
  };
  const strange = (text: string): SigstoreSigner =>
    workflow("evil/tool", { buildConfig: `https://github.com/evil/tool/.github/workflows/${text}@refs/tags/v1` });
  test.each([
    { name: "a workflow on GitLab", signer: gitlab, says: ["repository: acme/deep/tool", "workflow: .gitlab-ci.yml"] },
    { name: "a person", signer: person("dev@acme.com"), says: ["identity: dev@acme.com", "issuer: https://accounts.google.com"] },
    {
      name: "an OpenPGP key",
      signer: pgp("0123456789abcdef0123456789abcdef01234567"),
      says: ["- 0123456789ABCDEF0123456789ABCDEF01234567"],
    },
    { name: "another trust root's", signer: { ...EVIL, trust: "internal" }, says: ["trust: internal"] },
    {
      name: "a workflow of a name that turns text around",
      signer: strange("a\u202eb.yml"),
      says: ["repository: evil/tool"],
      not: "workflow",
    },
    { name: "a workflow with a wildcard in its name", signer: strange("*.yml"), says: ["repository: evil/tool"], not: "workflow" },
  ])("$name is named as it is", ({ signer, says, not }) => {
    const entry = entryFor(signer);
    for (const line of says) expect(entry).toContain(line);
    if (not !== undefined) expect(entry).not.toContain(not);
    expect(entry).toMatch(/^[ -~\n]+$/);
  });

  test.each([
    { name: "an address with a wildcard in it", signer: person("*@acme.com") },
    { name: "an address that turns text around", signer: person("a\u202e@acme.com") },
    { name: "a registry's key, which signs whatever it serves", signer: { kind: "registry", keyId: "SHA256:x" } as const },
  ])("$name is not one to be named", ({ signer }) => {
    expect(entryFor(signer)).toBeUndefined();
  });
});

describe("a report", () => {
  test("says which rule holds and where each that decided stands", () => {
    const policy = `version: 1\n${SIGNERS}deny:\n  - {purl: "pkg:npm/tool", reason: "compromised"}\nrules:\n  - {name: ours, match: ["pkg:npm/t*"], signed_by: {any: [acme]}}\n`;
    const report = explain(policy, signed(EVIL));
    expect(report.rule).toEqual({ label: "ours", pattern: "pkg:npm/t*" });
    expect(["ours", "deny[0]", "defaults", "always", "built in"].map(report.placeOf)).toEqual([
      "policy.yaml:7:5",
      "policy.yaml:5:5",
      "policy.yaml",
      undefined,
      undefined,
    ]);
  });

  test("tells no path of the machine", () => {
    const { policy } = loadPolicy({
      file: "/etc/secret/policy.yaml",
      text: 'version: 1\nrules:\n  - {match: ["pkg:npm/tool"]}\n',
      now: NOW,
    });
    const report = explainVerdict(
      question(),
      { policy, feeds: new Map(), repository: STANDARD, levelOf },
      { file: "/etc/secret/policy.yaml", name: "policy.yaml" },
    );
    expect(report.placeOf("rules[0]")).toBe("policy.yaml:3:5");
  });

  test.each([
    {
      name: "named",
      policy: `version: 1\n${SIGNERS}rules:\n  - {match: ["pkg:npm/tool"], signed_by: {any: [acme]}}\n`,
      is: { kind: "named", as: "acme" },
    },
    { name: "unlisted", policy: "version: 1\n", is: { kind: "unlisted" } },
  ])("tells a signer who is $name", ({ policy, is }) => {
    const signer = workflow("acme/tool", ACME);
    expect(explain(policy, signed(signer)).standingOf(signer)).toEqual(is);
  });

  test("tells a signer whom the policy does not name where it names others", () => {
    expect(explain(ROWS[0]?.policy ?? "", signed(EVIL)).standingOf(EVIL)).toEqual({ kind: "untrusted" });
  });

  test("is undecided where evidence could not be had, and suggests nothing", () => {
    const asked = question({ evidence: soundWith(answer("sigstore", { kind: "unavailable", detail: "status 500" })) });
    expect(explain("version: 1\n", asked)).toMatchObject({ verdict: { kind: "undecided" }, suggestions: [], level: { reached: "L0" } });
  });
});
