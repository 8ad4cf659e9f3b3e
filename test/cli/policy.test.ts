import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-cli-policy-"));
  writeFileSync(join(folder, "assay.yaml"), CONFIG);
});
afterAll(() => rmSync(folder, { recursive: true }));

function assay(args: readonly string[], policy?: string): { code: number | null; out: string; err: string } {
  const file = join(folder, "policy.yaml");
  if (policy !== undefined) writeFileSync(file, policy);
  const flags = policy === undefined ? [] : ["--policy", file];
  const { status, stdout, stderr } = spawnSync(process.execPath, ["src/main.ts", "policy", ...args, ...flags], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, ASSAY_CONFIG: join(folder, "assay.yaml") },
  });
  return { code: status, out: stdout.replaceAll(`${folder}/`, ""), err: stderr.replaceAll(`${folder}/`, "") };
}

/** The repositories of the default configuration, one with the upstream that the good policy names. */
const CONFIG = `repositories:
  - {name: npm, ecosystem: npm, upstreams: [{name: internal, url: "https://registry.example/"}]}
  - {name: pypi, ecosystem: pypi}
`;

const BAD = "version: 1\nmode: enforc\n";
const GOOD = `version: 1
signers:
  acme-ci: {sigstore: {issuer: "https://token.actions.githubusercontent.com", repository: acme/tool, repository_id: "1"}}
deny: [{purl: "pkg:npm/@acme/tool", versions: "vers:npm/<1", reason: "leaked key"}]
rules:
  - {name: acme, match: ["pkg:npm/%40acme/*"], upstream: internal, signed_by: {any: [acme-ci]}, min_age: 3d}
waivers:
  - {purl: "pkg:npm/@acme/tool@0.9.0", waive: [deny], owner: sec@acme.com, reason: "needed once more", expires: 2199-12-31}
`;

describe("assay policy check", () => {
  test("a bad policy is told on standard error, with exit code 78", () => {
    expect(assay(["check"], BAD)).toMatchObject({
      code: 78,
      out: "",
      err: expect.stringContaining("policy.yaml:2:7 mode: expected one of enforce, audit (did you mean enforce?)"),
    });
  });
  test("as JSON on standard output, with the same code", () => {
    const { code, out } = assay(["check", "--json"], BAD);
    expect(code).toBe(78);
    expect(JSON.parse(out)).toMatchObject({
      valid: false,
      problems: [{ at: "policy.yaml:2:7", key: "mode", got: '"enforc"' }],
      warnings: [],
    });
  });
  test("a file that is not there is no valid policy", () => {
    expect(assay(["check", "--policy", join(folder, "nowhere")])).toMatchObject({
      code: 78,
      err: expect.stringContaining("cannot read the policy file"),
    });
  });
  test("an upstream that no repository has is told of, as `serve` would", () => {
    expect(assay(["check"], GOOD.replace("upstream: internal", "upstream: intern"))).toMatchObject({
      code: 78,
      err: expect.stringContaining("rules[0].upstream: expected one of internal, public, got"),
    });
  });
  test("a good one ends with 0 and its warnings", () => {
    const { code, out } = assay(["check"], GOOD);
    expect(code).toBe(0);
    expect(out).toBe(`policy.yaml is valid: mode enforce, 1 signer, 1 rule, 1 denial, 1 waiver

1 warning:
  policy.yaml:8:113 waivers[0].expires: it holds for more than a year, which is hardly different from no expiry [WAIVER_ENDS_LATE]
`);
  });
  test("the shipped default is valid, without flags", () => {
    expect(assay(["check"])).toMatchObject({ code: 0, out: expect.stringMatching(/^config\/policy\.yaml is valid: mode enforce/) });
  });
});

describe("assay policy explain", () => {
  test.each([
    { args: ["explain", "left-pad"], code: 65, says: "expected a package URL" },
    { args: ["explain", "pkg:npm/left-pad"], code: 65, says: "expected a package URL with a version" },
    { args: ["explain"], code: 64, says: "missing required argument" },
  ])("$args ends with $code", ({ args, code, says }) => {
    expect(assay(args, GOOD)).toMatchObject({ code, err: expect.stringContaining(says) });
  });

  test("says which rule holds, what it amounts to, and why", () => {
    const { code, out } = assay(["explain", "pkg:npm/%40acme/tool@0.9.0"], GOOD);
    expect(code).toBe(0);
    expect(out).toBe(`pkg:npm/%40acme/tool@0.9.0 in repository npm

rule      acme (policy.yaml:6:5), by its pattern pkg:npm/%40acme/*
mode      enforce
denied    leaked key (deny[0], policy.yaml:4:8)
upstream  internal only
waived    deny until 2200-01-01 00:00 UTC by sec@acme.com: needed once more (waivers[0])

setting                     value           from
signature.require           true            acme
signature.on_missing        error           acme
signature.on_untrusted      error           built in
signature.on_invalid        error           built in
signature.accepted_types    all             built in
signature.require_registry  false           built in
signed_by                   any of acme-ci  acme
provenance.level            L0              built in
provenance.on_missing       warn            built in
min_age                     3d              acme
first_use                   pin             built in
no_downgrade                within major    built in
`);
  });

  test("the same as JSON, every key always there", () => {
    const { out } = assay(["explain", "--json", "pkg:pypi/Six@1.0"], GOOD);
    expect(JSON.parse(out)).toEqual({
      purl: "pkg:pypi/Six@1.0",
      repository: "pypi",
      file: "policy.yaml",
      mode: "enforce",
      rule: { label: "defaults" },
      denied: null,
      blocked: null,
      upstream: null,
      requireTag: null,
      settings: expect.objectContaining({ min_age: { value: "0", from: "built in" }, signed_by: { value: "anybody", from: "built in" } }),
      waivers: [],
    });
  });
});
