import { describe, expect, test } from "vitest";
import type { SignerRule } from "../../src/core/policy.ts";
import type { Signer, SigstoreSigner } from "../../src/core/signer.ts";
import { matchSigner } from "../../src/policy/match-signer.ts";
import { policyOf } from "./policy-text.ts";

const HQ_KEY = `sha256:${"a".repeat(64)}`;
const GITHUB = "https://token.actions.githubusercontent.com";

function rule(keys: string): SignerRule {
  const signer = policyOf(`version: 1\nsigners: {a: ${keys}}`).signers.get("a");
  if (!signer) throw new Error("the policy lost its signer");
  return signer;
}

function sigstore(keys: string): SignerRule {
  return rule(`{sigstore: {${keys}}}`);
}

function email(value: string, issuer = "https://accounts.google.com", trust = "public"): SigstoreSigner {
  return { kind: "sigstore", trust, issuer, identity: { type: "email", value }, source: {} };
}

/** A release of acme/tool by its own workflow, as Fulcio certifies it. */
const RELEASE: SigstoreSigner = {
  kind: "sigstore",
  trust: "public",
  issuer: GITHUB,
  identity: { type: "uri", value: "https://github.com/acme/tool/.github/workflows/release.yml@refs/tags/v1.0.0" },
  source: {
    repository: "https://github.com/acme/tool",
    repositoryId: "1234567",
    ownerId: "42",
    commit: "0123456789abcdef0123456789abcdef01234567",
    ref: "refs/tags/v1.0.0",
    buildConfig: "https://github.com/acme/tool/.github/workflows/release.yml@refs/tags/v1.0.0",
    runner: "github-hosted",
    trigger: "release",
    environment: "pypi",
  },
};

function release(source: Partial<SigstoreSigner["source"]>, more: Partial<SigstoreSigner> = {}): SigstoreSigner {
  return { ...RELEASE, ...more, source: { ...RELEASE.source, ...source } };
}

const PEOPLE = 'issuer: "https://accounts.google.com", identity: "*@acme.com"';
const TOOL = `issuer: "${GITHUB}", repository: acme/tool`;

describe("somebody else", () => {
  test.each<{ attack: string; signer: Signer; rule: SignerRule; says: string }>([
    {
      attack: "a branch that is called like an e-mail address, at the end of a URI",
      signer: release(
        {},
        {
          issuer: "https://accounts.google.com",
          identity: { type: "uri", value: "https://github.com/attacker/r/.github/workflows/x.yml@refs/heads/a@acme.com" },
        },
      ),
      rule: sigstore(PEOPLE),
      says: "which means e-mail addresses, got the URI",
    },
    {
      attack: "the same against a pattern that crosses everything",
      signer: release(
        {},
        {
          issuer: "https://accounts.google.com",
          identity: { type: "uri", value: "https://github.com/attacker/r/.github/workflows/x.yml@refs/heads/a@acme.com" },
        },
      ),
      rule: sigstore('issuer: "https://accounts.google.com", identity: "**@acme.com"'),
      says: "which means e-mail addresses, got the URI",
    },
    {
      attack: "an address whose host goes on",
      signer: email("alice@acme.com.evil.example"),
      rule: sigstore(PEOPLE),
      says: 'expected identity "*@acme.com", got "alice@acme.com.evil.example"',
    },
    { attack: "a host that ends alike", signer: email("alice@evilacme.com"), rule: sigstore(PEOPLE), says: "alice@evilacme.com" },
    { attack: "an address with two @", signer: email('"x@evil.example"@acme.com'), rule: sigstore(PEOPLE), says: "expected identity" },
    { attack: "an address with a slash", signer: email("https://x/@acme.com"), rule: sigstore(PEOPLE), says: "expected identity" },
    {
      attack: "another name in other capitals",
      signer: email("ALICE@acme.com"),
      rule: sigstore('issuer: "https://accounts.google.com", identity: "alice@acme.com"'),
      says: "expected identity",
    },
    {
      attack: "the right address by another identity provider",
      signer: email("alice@acme.com", "https://id.evil.example"),
      rule: sigstore(PEOPLE),
      says: 'expected issuer "https://accounts.google.com", got "https://id.evil.example"',
    },
    {
      attack: "an issuer that starts alike",
      signer: email("alice@acme.com", "https://accounts.google.com.evil.example"),
      rule: sigstore(PEOPLE),
      says: "expected issuer",
    },
    {
      attack: "the right address from a private root",
      signer: email("alice@acme.com", "https://accounts.google.com", "internal"),
      rule: sigstore(PEOPLE),
      says: 'expected trust root "public", got "internal"',
    },
    {
      attack: "a text that breaks lines in a message",
      signer: email("a\n\u001b[2J@evil"),
      rule: sigstore(PEOPLE),
      says: 'got "a\\n\\u001b[2J@evil"',
    },

    {
      attack: "another repository",
      signer: release({ repository: "https://github.com/acme/other" }),
      rule: sigstore(TOOL),
      says: "expected repository",
    },
    {
      attack: "a repository whose name goes on",
      signer: release({ repository: "https://github.com/acme/tool-evil" }),
      rule: sigstore(TOOL),
      says: "expected repository",
    },
    {
      attack: "the same name on another forge",
      signer: release({ repository: "https://gitlab.com/acme/tool" }),
      rule: sigstore(TOOL),
      says: "expected repository",
    },
    {
      attack: "a certificate without a repository",
      signer: email("a@acme.com", GITHUB),
      rule: sigstore(TOOL),
      says: "got a certificate that does not say",
    },
    {
      attack: "a name that was registered again",
      signer: release({ repositoryId: "7654321" }),
      rule: sigstore(`${TOOL}, repository_id: "1234567"`),
      says: 'expected repository id "1234567", got "7654321"',
    },
    {
      attack: "an old certificate without ids",
      signer: release({ repositoryId: undefined } as never),
      rule: sigstore(`${TOOL}, repository_id: "1234567"`),
      says: "got a certificate that does not say",
    },
    {
      attack: "another owner",
      signer: release({ ownerId: "43" }),
      rule: sigstore(`issuer: "${GITHUB}", owner_id: "42"`),
      says: 'expected owner id "42", got "43"',
    },
    {
      attack: "a reusable workflow that another repository calls",
      signer: release({ repository: "https://github.com/attacker/r", repositoryId: "666" }),
      rule: sigstore(`${TOOL}, identity: "https://github.com/acme/tool/.github/workflows/*@**"`),
      says: 'expected repository "https://github.com/acme/tool", got "https://github.com/attacker/r"',
    },
    {
      attack: "another workflow",
      signer: release({ buildConfig: "https://github.com/acme/tool/.github/workflows/test.yml@refs/tags/v1.0.0" }),
      rule: sigstore(`${TOOL}, workflow: release.yml`),
      says: "expected workflow",
    },
    {
      attack: "a workflow in another folder",
      signer: release({ buildConfig: "https://github.com/acme/tool/evil/release.yml@refs/tags/v1.0.0" }),
      rule: sigstore(`${TOOL}, workflow: release.yml`),
      says: "expected workflow",
    },
    {
      attack: "a workflow file whose name goes on with @",
      signer: release({ buildConfig: "https://github.com/acme/tool/.github/workflows/release.yml@x.yml@refs/tags/v1.0.0" }),
      rule: sigstore(`${TOOL}, workflow: release.yml`),
      says: "expected workflow",
    },
    {
      attack: "the same where the certificate names no ref",
      signer: release({
        ref: undefined,
        buildConfig: "https://github.com/acme/tool/.github/workflows/release.yml@x.yml@refs/tags/v1",
      } as never),
      rule: sigstore(`${TOOL}, workflow: release.yml`),
      says: "expected workflow",
    },
    {
      attack: "a workflow of another repository",
      signer: release({ buildConfig: "https://github.com/attacker/r/.github/workflows/release.yml@refs/tags/v1.0.0" }),
      rule: sigstore(`${TOOL}, workflow: release.yml`),
      says: "expected workflow",
    },
    {
      attack: "a branch instead of a tag",
      signer: release({ ref: "refs/heads/main" }),
      rule: sigstore(`${TOOL}, ref: "refs/tags/*"`),
      says: 'expected ref "refs/tags/*", got "refs/heads/main"',
    },
    {
      attack: "a branch that is called like a tag",
      signer: release({ ref: "refs/heads/refs/tags/v1" }),
      rule: sigstore(`${TOOL}, ref: "refs/tags/*"`),
      says: "expected ref",
    },
    {
      attack: "another environment",
      signer: release({ environment: "test" }),
      rule: sigstore(`${TOOL}, environment: pypi`),
      says: 'expected environment "pypi", got "test"',
    },
    {
      attack: "a certificate that names no environment",
      signer: release({ environment: undefined } as never),
      rule: sigstore(`${TOOL}, environment: pypi`),
      says: 'expected environment "pypi", got a certificate that does not say',
    },
    {
      attack: "a runner of their own",
      signer: release({ runner: "self-hosted" }),
      rule: sigstore(`${TOOL}, runner: github-hosted`),
      says: "expected runner",
    },
    {
      attack: "a pull request",
      signer: release({ trigger: "pull_request_target" }),
      rule: sigstore(`${TOOL}, trigger: [push, release]`),
      says: 'expected trigger "push" or "release", got "pull_request_target"',
    },

    {
      attack: "another key",
      signer: { kind: "openpgp", fingerprint: "b".repeat(40) },
      rule: rule(`{gpg: ["${"A".repeat(40)}"]}`),
      says: "expected OpenPGP key",
    },
    {
      attack: "a key that ends alike",
      signer: { kind: "openpgp", fingerprint: `${"b".repeat(24)}${"a".repeat(40)}` },
      rule: rule(`{gpg: ["${"A".repeat(40)}"]}`),
      says: "expected OpenPGP key",
    },
    {
      attack: "a registry key for a managed key",
      signer: { kind: "registry", keyId: "k" },
      rule: rule("{key: k}"),
      says: "expected a managed key, got a registry's key",
    },
    {
      attack: "a managed key for a verdict's",
      signer: { kind: "key", keyId: "k" },
      rule: rule(`{vsa_key: "${HQ_KEY}"}`),
      says: "expected the key of another Assay",
    },
    {
      attack: "another registry key",
      signer: { kind: "registry", keyId: "SHA256:a" },
      rule: rule('{registry_key: "SHA256:b"}'),
      says: 'expected key "SHA256:b", got "SHA256:a"',
    },
    {
      attack: "an OpenPGP key for a person",
      signer: { kind: "openpgp", fingerprint: "a".repeat(40) },
      rule: sigstore(PEOPLE),
      says: "expected a Sigstore identity, got an OpenPGP key",
    },
  ])("$attack", ({ signer, rule: wanted, says }) => {
    expect(matchSigner(signer, wanted)).toEqual({ matches: false, detail: expect.stringContaining(says) });
  });
});

describe("who is meant", () => {
  test.each<{ who: string; signer: Signer; rule: SignerRule }>([
    { who: "an address of the company", signer: email("alice@acme.com"), rule: sigstore(PEOPLE) },
    { who: "its host in other capitals", signer: email("alice@ACME.com"), rule: sigstore(PEOPLE) },
    {
      who: "a pattern in capitals",
      signer: email("alice@acme.com"),
      rule: sigstore('issuer: "https://accounts.google.com", identity: "*@ACME.com"'),
    },
    {
      who: "a private root that the policy names",
      signer: email("alice@acme.com", "https://id.acme.com", "internal"),
      rule: sigstore('issuer: "https://id.acme.com", identity: "*@acme.com", trust: internal'),
    },
    { who: "a repository, in any case", signer: RELEASE, rule: sigstore(`issuer: "${GITHUB}", repository: Acme/Tool`) },
    {
      who: "a repository by its whole URL",
      signer: RELEASE,
      rule: sigstore(`issuer: "${GITHUB}", repository: "https://github.com/acme/tool"`),
    },
    {
      who: "everything at once",
      signer: RELEASE,
      rule: sigstore(
        `${TOOL}, repository_id: "1234567", owner_id: "42", workflow: release.yml, ref: "refs/tags/*", environment: pypi, runner: github-hosted, trigger: [push, release], identity: "https://github.com/acme/tool/.github/workflows/*@**"`,
      ),
    },
    { who: "a workflow by its path", signer: RELEASE, rule: sigstore(`${TOOL}, workflow: .github/workflows/release.yml`) },
    {
      who: "a tag with a slash, by two stars",
      signer: release({ ref: "refs/tags/@acme/tool@1.0.0" }),
      rule: sigstore(`${TOOL}, ref: "refs/tags/**"`),
    },
    {
      who: "a project on GitLab in a group of groups",
      signer: release(
        {
          repository: "https://gitlab.com/acme/group/tool",
          buildConfig: "https://gitlab.com/acme/group/tool//.gitlab-ci.yml@refs/tags/v1.0.0",
        },
        { issuer: "https://gitlab.com" },
      ),
      rule: sigstore('issuer: "https://gitlab.com", repository: acme/group/tool, workflow: .gitlab-ci.yml'),
    },
    {
      who: "an enterprise on GitHub",
      signer: { ...RELEASE, issuer: `${GITHUB}/acme` },
      rule: sigstore(`issuer: "${GITHUB}/acme", repository: acme/tool`),
    },
    {
      who: "a key, however its fingerprint was written",
      signer: { kind: "openpgp", fingerprint: "abcd".repeat(10) },
      rule: rule(`{gpg: ["0x${"ABCD ".repeat(10).trim()}"]}`),
    },
    { who: "a key of version 6", signer: { kind: "openpgp", fingerprint: "a".repeat(64) }, rule: rule(`{gpg: ["${"a".repeat(64)}"]}`) },
    { who: "a registry", signer: { kind: "registry", keyId: "SHA256:a" }, rule: rule('{registry_key: "SHA256:a"}') },
    { who: "a managed key", signer: { kind: "key", keyId: "k" }, rule: rule("{key: k}") },
    { who: "another Assay", signer: { kind: "vsa", keyId: HQ_KEY }, rule: rule(`{vsa_key: "${HQ_KEY}"}`) },
  ])("$who", ({ signer, rule: wanted }) => {
    expect(matchSigner(signer, wanted)).toEqual({ matches: true });
  });
});
