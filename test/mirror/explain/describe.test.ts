import { expect, describe as group, test } from "vitest";
import { reportText } from "../../../src/cli/report-text.ts";
import { parseDigest } from "../../../src/core/digest.ts";
import { explainPage, problemPage } from "../../../src/http/explain-page.ts";
import { describe, describeProvenance } from "../../../src/mirror/explain/describe.ts";
import type { ArtifactReport, CheckReport } from "../../../src/mirror/explain/report.ts";
import { workflow } from "../../support/question.ts";

const DIGEST = parseDigest("ab".repeat(32));
const CHECK: CheckReport = {
  verifier: "sigstore",
  label: "the provenance of a wheel",
  outcome: "pass",
  code: null,
  detail: null,
  checkedAt: "2026-06-01T00:00:00.000Z",
  claims: { strength: "strong" },
  signer: workflow("acme/tool", {
    repositoryId: "1",
    ownerId: "2",
    trigger: "push",
    environment: "pypi",
    invocation: "https://github.com/acme/tool/actions/runs/1",
    buildConfig: "https://github.com/acme/tool/.github/workflows/other.yml@refs/tags/v1",
  }),
  standing: { kind: "named", as: "acme" },
  signedAt: "2026-06-01T00:00:00.000Z",
  trustRoot: { name: "public", sha256: "cd".repeat(32) },
  predicateType: "https://slsa.dev/provenance/v1",
  subjects: [{ name: "tool.whl", digest: { sha256: DIGEST } }],
  build: {
    format: "slsa-v1",
    builder: "https://github.com/actions/runner",
    buildType: "https://actions.github.io/buildtypes/workflow/v1",
    repository: "https://github.com/acme/tool",
    ref: "refs/tags/v1",
    commit: { gitCommit: "a".repeat(40) },
    entryPoint: ".github/workflows/release.yml",
    materials: [{ uri: "git+https://github.com/acme/tool@refs/tags/v1", digest: { gitCommit: "a".repeat(40) } }],
    materialsCount: 1,
    confirmed: { repository: "confirmed", ref: "confirmed", commit: "unstated", workflow: "unproven" },
    warnings: ["1 other material is a claim that nobody can check"],
  },
};
const REPORT: ArtifactReport = {
  purl: "pkg:pypi/tool@1.0?file_name=tool.whl",
  ref: { repository: "pypi", ecosystem: "pypi", name: "tool", version: "1.0", file: "tool.whl" },
  decidedAt: "2026-06-01T00:00:00.000Z",
  decidedThen: "admit",
  digest: DIGEST,
  sizeBytes: 1234,
  url: "https://registry.example/tool.whl",
  upstream: "pypi#0",
  claims: [{ algorithm: "sha256", hex: DIGEST, claimedBy: "the simple index of tool" }],
  publishedAt: Date.UTC(2026, 0, 1),
  firstSeenAt: null,
  evidence: [],
  checks: [
    CHECK,
    {
      ...CHECK,
      outcome: "invalid",
      code: "SUBJECT_MISMATCH",
      detail: "it is about something else",
      signer: null,
      standing: null,
      build: null,
    },
    {
      ...CHECK,
      verifier: "openpgp",
      signer: { kind: "openpgp", fingerprint: "ef".repeat(20) },
      standing: { kind: "untrusted" },
      build: null,
    },
    {
      ...CHECK,
      verifier: "registry-signature",
      signer: { kind: "registry", keyId: "SHA256:x" },
      standing: { kind: "unlisted" },
      build: null,
    },
    { ...CHECK, outcome: "unavailable", detail: "status 500", signer: null, standing: null, build: null },
  ],
  verdict: {
    kind: "refuse",
    reasons: [{ code: "SIGNER_UNTRUSTED", rule: "ours", verifier: "policy", text: "expected this, got that", help: "ask somebody" }],
  },
  decidedBy: [{ code: "SIGNER_UNTRUSTED", rule: "ours", at: "policy.yaml:3:5" }],
  held: true,
  removed: null,
  level: { reached: "L1", why: "nobody says how it was built", required: "L2" },
  rule: { label: "ours", at: "policy.yaml:3:5", pattern: "pkg:pypi/*" },
  policy: { file: "policy.yaml", mode: "audit", revision: "1" },
  otherBytes: { digest: DIGEST, seenAt: "2026-06-02T00:00:00.000Z" },
  suggestions: [
    {
      kind: "waiver",
      text: "waive it",
      verdict: "refuse",
      remaining: ["TOO_YOUNG"],
      edits: [
        { under: "waivers", how: "add", rule: null, at: null, yaml: "waivers:\n  - {purl: pkg:pypi/tool}\n" },
        { under: "rules", how: "before", rule: "ours", at: "policy.yaml:3:5", yaml: "rules:\n  - {}\n" },
      ],
    },
  ],
  unchangeable: "no policy can allow this",
};

/** What the code tells cases apart by is not foreign, and a report without it is none. */
const TOLD_APART = new Set([
  "kind",
  "verifier",
  "outcome",
  "how",
  "verdict",
  "decidedThen",
  "mode",
  "decidedAt",
  "seenAt",
  "signedAt",
  "checkedAt",
]);

/** The same report with `text` put into every text in it, and into every key of a map of digests. */
function poisoned<T>(value: T, text: string, key = ""): T {
  if (typeof value === "string") return (TOLD_APART.has(key) ? value : `${text}${value}`) as T;
  if (Array.isArray(value)) return value.map((each) => poisoned(each, text, key)) as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, each]) => {
    const isForeignKey = key === "digest" || key === "commit";
    return [isForeignKey ? `${text}${name}` : name, poisoned(each, text, name)];
  });
  return Object.fromEntries(entries) as T;
}

group("text from outside, wherever it stands in a report", () => {
  const ESCAPES = "\u001b[2J\u001b]0;owned\u0007\u009b31m\r\u202e\u200b\u2028\n";
  const MARKUP = `<script>alert(1)</script><img src=x onerror="x">'`;

  test.each([describe, describeProvenance])("moves no cursor, hides no line and starts none on a terminal (%o)", (describeReport) => {
    const plain = reportText(describeReport(REPORT));
    const text = reportText(describeReport(poisoned(REPORT, ESCAPES)));
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    // YAML is the one thing that has lines of its own: each of the three blocks got one more, which is escaped but for its end.
    const yamlLines = describeReport(REPORT).suggestions.flatMap(({ edits }) => edits).length;
    expect(text.split("\n").length).toBe(plain.split("\n").length + yamlLines);
    expect(text).toContain("\\u{1b}[2J");
  });

  test("is no markup on a page", () => {
    const html = explainPage([poisoned(REPORT, `${MARKUP}${ESCAPES}`)]);
    expect(html).not.toMatch(/<script|<img|onerror="/);
    expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(html.replaceAll("\n", "")).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    expect(problemPage({ title: MARKUP, detail: MARKUP })).not.toMatch(/<script|<img/);
  });

  test("is cut where it is longer than anybody reads", () => {
    const huge = poisoned(REPORT, "x".repeat(100_000));
    const lines = reportText(describe(huge))
      .split("\n")
      .filter((line) => !line.includes("purl:") && !/^x+(waivers|rules):/.test(line) && !/^x+$/.test(line));
    for (const line of lines) expect(line.length).toBeLessThan(1000);
    const many = {
      ...REPORT,
      claims: Array.from({ length: 5000 }, () => ({ algorithm: "md5", hex: "00", claimedBy: "somebody" }) as const),
    };
    expect(reportText(describe(many))).toContain("and 4990 more");
    expect(reportText(describe(many)).length).toBeLessThan(10_000);
  });
});

group("a report in words", () => {
  test("says first what holds, then why, by which rule, and what would change it", () => {
    expect(reportText(describe(REPORT))).toMatch(
      /^pkg:pypi\/tool@1\.0\?file_name=tool\.whl\nrefused by the policy of now, policy\.yaml\n\nWhy it is refused\n {2}SIGNER_UNTRUSTED +expected this, got that\n +decided by ours \(policy\.yaml:3:5\)\n +ask somebody\n +no policy can allow this\n/,
    );
    expect(reportText(describe(REPORT))).toContain(
      "1. waive it (it is still refused then: TOO_YOUNG)\n# under waivers\nwaivers:\n  - {purl: pkg:pypi/tool}\n# under rules, before ours (policy.yaml:3:5)\nrules:\n  - {}\n",
    );
  });

  test("of provenance shows what is signed and what the certificate confirms, and no suggestions", () => {
    const text = reportText(describeProvenance(REPORT)).replace(/ +/g, " ");
    for (const fact of [
      "commit aaaaaaaa",
      "repository https://github.com/acme/tool (id 1, owner id 2)",
      "trust root public (sha256:cdcd",
      "certificate repository confirmed, ref confirmed, commit unstated, workflow unproven",
      "Not verified",
    ])
      expect(text).toContain(fact);
    expect(text).not.toContain("What would change it");
  });
});
