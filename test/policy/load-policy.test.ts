import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { signatureKind } from "../../src/core/policy.ts";
import { matchSigner } from "../../src/policy/match-signer.ts";
import { builderLevel, governanceBlock, selectRule } from "../../src/policy/select-rule.ts";
import { load, NOW, policyOf } from "./policy-text.ts";

/** The example of the design, with the comments left out. */
const WHOLE = `
version: 1
mode: enforce
defaults:
  signature:  {require: false, on_missing: ignore, on_untrusted: error, on_invalid: error}
  provenance: {level: L0, on_missing: warn}
  min_age: 0
  first_use: pin
  no_downgrade: {within: major}
signers:
  acme-ci:   {sigstore: {issuer: "https://token.actions.githubusercontent.com", repository: acme/tool,
              repository_id: "1234567", workflow: release.yml, ref: "refs/tags/*", environment: pypi, runner: github-hosted, trigger: [push, release]}}
  people:    {sigstore: {issuer: "https://accounts.google.com", identity: "*@acme.com"}}
  packagers: {gpg: ["0123456789ABCDEF0123456789ABCDEF01234567"], keys: ./keys/packagers.asc}
  npm-keys:  {registry_key: "SHA256:abc"}
  hq-mirror: {vsa_key: "sha256:${"0A".repeat(32)}"}
builders:
  L2: ["https://github.com/actions/runner*", "https://gitlab.com/*"]
deny:
  - {purl: "pkg:npm/event-stream", versions: "vers:npm/3.3.6", reason: "compromised 2018"}
  - {feed: osv, path: ./osv, on_stale: warn}
rules:
  - match: ["pkg:npm/%40acme/*", "pkg:pypi/acme-*", "pkg:aam/%40acme/*"]
    upstream: internal
    signed_by: {any: [acme-ci]}
    provenance: {level: L2, on_missing: error}
waivers:
  - {purl: "pkg:npm/fastq@1.20.2", waive: [no_downgrade], owner: sec@acme.com, reason: "manual publish", expires: 2026-12-31}
`;

test("the example of the design is read as it is meant", () => {
  const policy = policyOf(WHOLE);
  expect(policy).toMatchObject({
    mode: "enforce",
    defaults: {
      signature: { require: false, onMissing: "ignore", onUntrusted: "error", onInvalid: "error" },
      provenance: { level: "L0", onMissing: "warn" },
      minAgeMs: 0,
      firstUse: "pin",
      noDowngrade: { within: "major" },
    },
    deny: [
      { kind: "packages", label: "deny[0]", reason: "compromised 2018", at: "policy.yaml:20:5" },
      { kind: "feed", label: "deny[1]", path: resolve("osv"), entries: "malicious", onStale: "warn", maxAgeMs: 7 * 86_400_000 },
    ],
    rules: [{ label: "rules[0]", at: "policy.yaml:23:5", upstream: "internal" }],
    // The whole of its last day.
    waivers: [{ label: "waivers[0]", waive: ["no_downgrade"], expiresAt: Date.UTC(2027, 0, 1) }],
  });
  expect(policy.signers.get("packagers")).toMatchObject({
    kind: "openpgp",
    fingerprints: ["0123456789abcdef0123456789abcdef01234567"],
    keysPath: resolve("keys/packagers.asc"),
  });
  expect(policy.signers.get("hq-mirror")).toMatchObject({ kind: "vsa", keyId: `sha256:${"0a".repeat(32)}`, level: "L1" });
  expect([...policy.signers.values()].map(({ kind }) => kind)).toEqual(["sigstore", "sigstore", "openpgp", "registry", "vsa"]);
});

test("who must sign is who must have signed: naming signers makes a signature required", () => {
  const { settings, origins } = selectRule(policyOf(WHOLE), { ecosystem: "npm", name: "@acme/x", version: "1.0.0", repository: "npm" });
  expect(settings.signature).toMatchObject({ require: true, onMissing: "error" });
  expect(origins["signature.require"]).toBe("rules[0]");
});

test("a rule may say that naming signers requires nothing", () => {
  const text = WHOLE.replace("    upstream: internal", "    signature: {require: false, on_missing: warn}");
  const { settings } = selectRule(policyOf(text), { ecosystem: "npm", name: "@acme/x", version: "1.0.0", repository: "npm" });
  expect(settings.signature).toMatchObject({ require: false, onMissing: "warn" });
});

test("a key without a value counts as not given", () => {
  expect(policyOf("version: 1\nrules:\ndeny:\nmode:")).toMatchObject({ mode: "enforce", rules: [], deny: [] });
});

test("names like those of JavaScript's own are names", () => {
  const policy = policyOf("version: 1\nsigners: {constructor: {key: a}, valueof: {key: b}}");
  expect([...policy.signers.keys()]).toEqual(["constructor", "valueof"]);
});

describe("builders", () => {
  test.each([
    { id: "https://github.com/actions/runner", level: "L2" },
    { id: "https://github.com/actions/runner/github-hosted", level: "L2" },
    { id: "https://gitlab.com/acme/tool/-/runners/12270837", level: "L2" },
    { id: "https://github.com/attacker/runner", level: undefined },
    { id: "https://gitlab.com.evil.example/x", level: undefined },
    { id: "x https://gitlab.com/x", level: undefined },
  ])("$id makes $level", ({ id, level }) => {
    expect(builderLevel(policyOf("version: 1"), id)).toBe(level);
  });

  test("the higher level counts, and an empty list is nobody", () => {
    const id = "https://github.com/slsa-framework/slsa-github-generator/x";
    expect(
      builderLevel(policyOf('version: 1\nbuilders: {L2: ["https://github.com/*"], L3: ["https://github.com/slsa-framework/*"]}'), id),
    ).toBe("L3");
    expect(builderLevel(policyOf("version: 1\nbuilders: {}"), id)).toBeUndefined();
  });
});

describe("the security block of the AAM specification", () => {
  // Notes on the specification, table G.6: what is missing, and what somebody else signed.
  test.each([
    { block: "{}", require: false, onMissing: "ignore", onUntrusted: "warn" },
    { block: "{on_signature_failure: warn}", require: false, onMissing: "ignore", onUntrusted: "warn" },
    { block: "{on_signature_failure: error}", require: false, onMissing: "ignore", onUntrusted: "warn" },
    { block: "{on_signature_failure: ignore}", require: false, onMissing: "ignore", onUntrusted: "warn" },
    { block: "{require_signature: true}", require: true, onMissing: "error", onUntrusted: "error" },
    { block: "{require_signature: true, on_signature_failure: error}", require: true, onMissing: "error", onUntrusted: "error" },
    { block: "{require_signature: true, on_signature_failure: warn}", require: true, onMissing: "warn", onUntrusted: "warn" },
    { block: "{require_signature: true, on_signature_failure: ignore}", require: true, onMissing: "ignore", onUntrusted: "ignore" },
    { block: "{on_unsigned: error, on_untrusted_signer: allow}", require: true, onMissing: "error", onUntrusted: "ignore" },
    { block: "{on_unsigned: allow}", require: false, onMissing: "ignore", onUntrusted: "warn" },
    { block: "{require_registry_attestation: true}", require: false, requireRegistry: true, onMissing: "error", onUntrusted: "warn" },
    { block: "{require_signature: true, on_unsigned: allow}", require: true, onMissing: "ignore", onUntrusted: "error" },
  ])("$block", ({ block, ...signature }) => {
    const policy = policyOf(`version: 1\nsecurity: ${block}`);
    expect(policy.defaults.signature).toMatchObject({ ...signature, onInvalid: "error" });
    expect(policy.defaultOrigins["signature.require"]).toBe("security");
  });

  test.each([
    { block: "{}", level: "L0", onMissing: "error" },
    { block: "{require_provenance: L1}", level: "L1", onMissing: "error" },
    { block: "{require_provenance: L2, on_provenance_failure: warn}", level: "L2", onMissing: "warn" },
    { block: "{require_provenance: L3, on_provenance_failure: ignore}", level: "L3", onMissing: "ignore" },
  ])("$block", ({ block, ...provenance }) => {
    expect(policyOf(`version: 1\nsecurity: ${block}`).defaults.provenance).toEqual(provenance);
  });

  const SIGNED = `version: 1
security:
  trusted_identities: ["*@myorg.com", "https://github.com/myorg/*/.github/workflows/*@**"]
  trusted_keys: ["${"ABCD".repeat(10)}"]
`;
  const matches = (text: string, signer: Parameters<typeof matchSigner>[0]): boolean =>
    policyOf(text).defaults.signedBy?.signers.some((rule) => matchSigner(signer, rule).matches) ?? false;
  const person = (issuer: string) =>
    ({ kind: "sigstore", trust: "public", issuer, identity: { type: "email", value: "a@myorg.com" }, source: {} }) as const;
  const workflow = (issuer: string) =>
    ({
      kind: "sigstore",
      trust: "public",
      issuer,
      identity: { type: "uri", value: "https://github.com/myorg/tool/.github/workflows/release.yml@refs/heads/main" },
      source: {},
    }) as const;

  test.each([
    { issuer: "https://id.evil.example", email: false, uri: false },
    { issuer: "https://accounts.google.com", email: true, uri: false },
    { issuer: "https://github.com/login/oauth", email: true, uri: false },
    { issuer: "https://login.microsoftonline.com", email: true, uri: false },
    { issuer: "https://token.actions.githubusercontent.com", email: false, uri: true },
    { issuer: "https://gitlab.com", email: false, uri: true },
  ])("$issuer may vouch for e-mail addresses: $email, for workflows: $uri", ({ issuer, email, uri }) => {
    expect(matches(SIGNED, person(issuer))).toBe(email);
    expect(matches(SIGNED, workflow(issuer))).toBe(uri);
  });

  test("trusted_issuers takes the place of the default ones, for both kinds", () => {
    const text = `${SIGNED}  trusted_issuers: ["https://id.myorg.com"]\n`;
    expect(matches(text, person("https://accounts.google.com"))).toBe(false);
    expect(matches(text, person("https://id.myorg.com"))).toBe(true);
    expect(matches(text, workflow("https://id.myorg.com"))).toBe(true);
  });

  test("trusted keys and the other dialect's names mean the same", () => {
    expect(matches(SIGNED, { kind: "openpgp", fingerprint: "abcd".repeat(10) })).toBe(true);
    expect(matches(SIGNED, { kind: "openpgp", fingerprint: "abce".repeat(10) })).toBe(false);
    const dialect = `version: 1
security:
  require_registry_attestation: true
  allowed_issuers: ["https://id.myorg.com"]
  verify_transparency_log: true
  signature: {accepted_types: [sigstore], trusted_sigstore_identities: ["*@myorg.com"], trusted_gpg_keys: ["${"ABCD".repeat(10)}"]}
`;
    expect(matches(dialect, person("https://id.myorg.com"))).toBe(true);
    expect(matches(dialect, { kind: "openpgp", fingerprint: "abcd".repeat(10) })).toBe(true);
    expect(policyOf(dialect).defaults.signature).toMatchObject({ requireRegistry: true, accepted: ["sigstore"] });
    expect(signatureKind({ kind: "openpgp", fingerprint: "" })).toBe("gpg");
  });

  test("defaults that the block says nothing about stand beside it", () => {
    const policy = policyOf("version: 1\nsecurity: {require_provenance: L1}\ndefaults: {min_age: 3d, signature: {on_untrusted: error}}");
    expect(policy.defaults).toMatchObject({ minAgeMs: 259_200_000, provenance: { level: "L1" }, signature: { onUntrusted: "error" } });
  });

  test("an aam client's configuration is read as it stands", () => {
    const policy = policyOf(`default_platform: cursor
registries: [{name: registry, url: "file:///srv/r", type: local, default: true}]
security: {require_checksum: true, require_signature: false, on_signature_failure: warn}
author: {name: null, email: null}
publish: {default_scope: ''}
sources: []
`);
    expect(policy.defaults.signature).toMatchObject({ require: false, onMissing: "ignore", onUntrusted: "warn" });
    expect(policy).toMatchObject({ mode: "enforce", rules: [], signers: new Map() });
  });
});

describe("governance", () => {
  const policy = policyOf(`version: 1
governance:
  install_policy: {allowed_scopes: ["@acme", "other"], blocked_packages: ["@acme/bad-*", "@*/evil"], require_signature: true, require_tag: stable}
  publish_policy: {require_signature: true}
rules: [{match: ["pkg:aam/@acme/lax"], signature: {require: false, on_missing: ignore}}]
`);
  test.each([
    { name: "@stranger/tool", gate: "allowed_scopes" },
    { name: "tool", gate: "allowed_scopes" },
    { name: "@acme-evil/tool", gate: "allowed_scopes" },
    { name: "@acme/bad-idea", gate: "blocked_packages" },
    { name: "@other/evil", gate: "blocked_packages" },
    { name: "@acme/good", gate: undefined },
    { name: "@other/tool", gate: undefined },
  ])("$name: $gate", ({ name, gate }) => {
    expect(governanceBlock(policy, { ecosystem: "aam", name })?.gate).toBe(gate);
  });

  test("it speaks about AAM packages only", () => {
    expect(governanceBlock(policy, { ecosystem: "npm", name: "@stranger/tool" })).toBeUndefined();
    expect(selectRule(policy, { ecosystem: "npm", name: "a", version: "1.0.0", repository: "npm" }).settings.signature.require).toBe(false);
  });

  test("no rule weakens its gates", () => {
    const { settings, origins, requireTag } = selectRule(policy, {
      ecosystem: "aam",
      name: "@acme/lax",
      version: "1.0.0",
      repository: "aam",
    });
    expect(settings.signature).toMatchObject({ require: true, onMissing: "error" });
    expect(origins["signature.require"]).toBe("governance");
    expect(requireTag).toBe("stable");
  });

  test.each([
    { scopes: '["*"]', name: "@any/tool", lets: true },
    { scopes: '["*"]', name: "tool", lets: true },
    { scopes: '[""]', name: "tool", lets: true },
    { scopes: '[""]', name: "@any/tool", lets: false },
    { scopes: "[]", name: "tool", lets: false },
  ])("$scopes lets $name in: $lets", ({ scopes, name, lets }) => {
    const gated = policyOf(`version: 1\ngovernance: {install_policy: {allowed_scopes: ${scopes}}}`);
    expect(governanceBlock(gated, { ecosystem: "aam", name }) === undefined).toBe(lets);
  });
});

describe("what is dangerous is said", () => {
  const ISSUER = 'issuer: "https://token.actions.githubusercontent.com"';
  const used = (signer: string) => `version: 1\nsigners: {a: ${signer}}\nrules: [{match: ["pkg:npm/a"], signed_by: {any: [a]}}]`;
  test.each([
    { danger: "audit", text: "version: 1\nmode: audit", code: "AUDIT_MODE", at: "policy.yaml:2:7" },
    {
      danger: "bad signatures served",
      text: "version: 1\ndefaults: {signature: {on_invalid: warn}}",
      code: "INVALID_NOT_REFUSED",
      at: "policy.yaml:2:36",
    },
    {
      danger: "everybody at an identity provider",
      text: used('{sigstore: {issuer: "https://accounts.google.com", identity: "*@**"}}'),
      code: "ANYONE_MATCHES",
      at: "policy.yaml:2:14",
    },
    {
      danger: "everybody by two stars",
      text: used('{sigstore: {issuer: "https://accounts.google.com", identity: "**"}}'),
      code: "ANYONE_MATCHES",
      at: "policy.yaml:2:14",
    },
    {
      danger: "everybody on a forge",
      text: used(`{sigstore: {${ISSUER}, identity: "https://github.com/**"}}`),
      code: "ANYONE_MATCHES",
      at: "policy.yaml:2:14",
    },
    {
      danger: "a workflow that others may call",
      text: used(`{sigstore: {${ISSUER}, identity: "https://github.com/acme/x/.github/workflows/*@**"}}`),
      code: "NAME_WITHOUT_ID",
      at: "policy.yaml:2:14",
    },
    {
      danger: "a repository by its name only",
      text: used(`{sigstore: {${ISSUER}, repository: acme/tool}}`),
      code: "NAME_WITHOUT_ID",
      at: "policy.yaml:2:14",
    },
    {
      danger: "a signer nobody names",
      text: `version: 1\nsigners: {a: {sigstore: {${ISSUER}, owner_id: "1"}}}`,
      code: "WITHOUT_EFFECT",
      at: "policy.yaml:2:14",
    },
    { danger: "a fingerprint without its key", text: used(`{gpg: ["${"A".repeat(40)}"]}`), code: "NO_KEYS", at: "policy.yaml:2:14" },
    {
      danger: "L2 without a builder",
      text: "version: 1\nbuilders: {}\ndefaults: {provenance: {level: L2}}",
      code: "NEVER_REACHED",
      at: "policy.yaml:3:32",
    },
    { danger: "L3", text: "version: 1\ndefaults: {provenance: {level: L3}}", code: "NEVER_REACHED", at: "policy.yaml:2:32" },
    {
      danger: "a pattern that another one takes",
      text: 'version: 1\nrules: [{match: ["pkg:npm/a*"]}, {match: ["pkg:npm/ab", "pkg:npm/b"]}]',
      code: "PARTLY_SHADOWED",
      at: "policy.yaml:2:43",
    },
    {
      danger: "all of npm but the scopes",
      text: 'version: 1\nrules: [{match: ["pkg:npm/*"]}]',
      code: "SCOPES_NOT_MATCHED",
      at: "policy.yaml:2:18",
    },
    {
      danger: "a signature required and not",
      text: "version: 1\ndefaults: {signature: {require: true, on_missing: ignore}}",
      code: "FAILURE_ONLY_WARNED",
      at: "policy.yaml:2:23",
    },
    {
      danger: "the same in the block",
      text: 'version: 1\nsecurity: {require_signature: true, on_signature_failure: warn, trusted_identities: ["*@a.b"]}',
      code: "FAILURE_ONLY_WARNED",
      at: "policy.yaml:2:31",
    },
    {
      danger: "failures that are none",
      text: 'version: 1\nsecurity: {on_signature_failure: error, trusted_identities: ["*@acme.com"]}',
      code: "FAILURE_ONLY_WARNED",
      at: "policy.yaml:2:34",
    },
    {
      danger: "signed by whomever",
      text: "version: 1\nsecurity: {require_signature: true}",
      code: "ANYONE_MATCHES",
      at: "policy.yaml:2:31",
    },
    {
      danger: "an open identity in the block",
      text: 'version: 1\nsecurity: {trusted_identities: ["**"]}',
      code: "ANYONE_MATCHES",
      at: "policy.yaml:2:33",
    },
    {
      danger: "a wide waiver",
      text: 'version: 1\nwaivers: [{purl: "pkg:npm/a", waive: [deny], owner: o, reason: r, expires: 2027-06-01}]',
      code: "WAIVER_WIDE",
      at: "policy.yaml:2:18",
    },
    {
      danger: "a waiver about to end",
      text: 'version: 1\nwaivers: [{purl: "pkg:npm/a@1.0.0", waive: [deny], owner: o, reason: r, expires: 2026-11-24}]',
      code: "WAIVER_ENDS_SOON",
      at: "policy.yaml:2:82",
    },
    {
      danger: "a waiver without a real end",
      text: 'version: 1\nwaivers: [{purl: "pkg:npm/a@1.0.0", waive: [deny], owner: o, reason: r, expires: 2099-01-01}]',
      code: "WAIVER_ENDS_LATE",
      at: "policy.yaml:2:82",
    },
  ])("$danger: $code", ({ text, code, at }) => {
    expect(load(text).warnings.map((warning) => ({ code: warning.code, at: warning.at }))).toEqual([{ code, at }]);
  });

  test("a careful policy has no warning", () => {
    const text = `version: 1
signers: {a: {sigstore: {${ISSUER}, repository: acme/tool, repository_id: "1"}}}
rules: [{match: ["pkg:npm/a", "pkg:npm/*", "pkg:npm/**"], signed_by: {any: [a]}, provenance: {level: L2}}]`;
    expect(load(text).warnings).toEqual([]);
  });
});

describe("the policies that are shipped", () => {
  const shipped = (name: string) =>
    load(readFileSync(fileURLToPath(new URL(`../../config/${name}`, import.meta.url)), "utf8"), { file: name });

  test("the standard one says what is built in", () => {
    const { policy, warnings } = shipped("policy.yaml");
    const { defaultOrigins: _, ...written } = policy;
    const { defaultOrigins: __, ...builtIn } = policyOf("version: 1");
    expect(written).toEqual(builtIn);
    expect(warnings).toEqual([]);
  });

  test("the entries that its comments show can be used as they are written", () => {
    const text = readFileSync(fileURLToPath(new URL("../../config/policy.yaml", import.meta.url)), "utf8");
    const shown = text.split("\n").flatMap((line) => (line.startsWith("#   - {") ? [line.slice(1)] : []));
    const waivers = shown.filter((line) => line.includes("owner:"));
    const denials = shown.filter((line) => !line.includes("owner:"));
    expect([denials.length, waivers.length]).toEqual([3, 1]);
    expect(() => policyOf(`version: 1\ndeny:\n${denials.join("\n")}\nwaivers:\n${waivers.join("\n")}`)).not.toThrow();
  });

  test("the strict one refuses what nobody signed", () => {
    const { policy, warnings } = shipped("policy.strict.yaml");
    expect(warnings).toEqual([]);
    const npm = selectRule(policy, { ecosystem: "npm", name: "a", version: "1.0.0", repository: "npm" }).settings;
    expect(npm).toMatchObject({
      signature: { require: true, onMissing: "error" },
      provenance: { level: "L1", onMissing: "error" },
      minAgeMs: 259_200_000,
    });
    const aam = selectRule(policy, { ecosystem: "aam", name: "@a/b", version: "1.0.0", repository: "aam" });
    expect(aam).toMatchObject({ label: "agent-packages", settings: { provenance: { level: "L2" }, minAgeMs: 604_800_000 } });
  });

  test("the observing one refuses nothing, and says so", () => {
    const { policy, warnings } = shipped("policy.observe.yaml");
    expect(policy.mode).toBe("audit");
    expect(warnings.map(({ code }) => code)).toEqual(["AUDIT_MODE"]);
    expect(policy.defaults.signature).toMatchObject({ require: true, onMissing: "error" });
  });
});

test("a waiver holds to the end of its last day", () => {
  const text = (expires: string) =>
    `version: 1\nwaivers: [{purl: "pkg:npm/a@1.0.0", waive: [deny], owner: o, reason: r, expires: ${expires}}]`;
  expect(policyOf(text("2026-11-23")).waivers[0]?.expiresAt).toBe(Date.UTC(2026, 10, 24));
  expect(policyOf(text("2026-11-23T12:00:01Z")).waivers[0]?.expiresAt).toBe(NOW + 1000);
  expect(() => policyOf(text("2026-11-23T12:00Z"))).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
});
