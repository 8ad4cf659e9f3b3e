import { describe, expect, test } from "vitest";
import type { SigstoreSigner, SourceClaims } from "../../../src/core/signer.ts";
import { checkPublisher, type Publisher } from "../../../src/ecosystems/pypi/publisher.ts";

const COMMIT = "08802efe1f8e5fec4ad842d6b8ce97656092ee72";
const REF = "refs/tags/v1.0";

function signer(
  issuer: string,
  source: SourceClaims,
  identity: SigstoreSigner["identity"] = { type: "uri", value: "https://ci.example/x" },
): SigstoreSigner {
  return { kind: "sigstore", trust: "public", issuer, identity, source };
}

const GITHUB: Publisher = { kind: "GitHub", repository: "acme/tool", workflow: "release.yml", environment: "pypi" };
const github = (changes: SourceClaims = {}, issuer = "https://token.actions.githubusercontent.com") =>
  signer(issuer, {
    repository: "https://github.com/acme/tool",
    buildConfig: `https://github.com/acme/tool/.github/workflows/release.yml@${REF}`,
    ref: REF,
    commit: COMMIT,
    ...changes,
  });

const GITLAB: Publisher = { kind: "GitLab", repository: "acme/group/tool", workflowPath: "ci/release.yml", environment: undefined };
const gitlab = (changes: SourceClaims = {}) =>
  signer("https://gitlab.com", {
    repository: "https://gitlab.com/acme/group/tool",
    buildConfig: `https://gitlab.com/acme/group/tool//ci/release.yml@${REF}`,
    ref: REF,
    ...changes,
  });

const GOOGLE: Publisher = { kind: "Google", email: "builder@acme.example" };
const google = (value: string, type: "email" | "uri" = "email", issuer = "https://accounts.google.com") =>
  signer(issuer, {}, { type, value });

const CIRCLECI: Publisher = { kind: "CircleCI", projectId: "p1", pipelineDefinitionId: "d1", origin: "github.com/acme/tool", ref: REF };
const circleci = (changes: SourceClaims = {}) =>
  signer("https://oidc.circleci.com", {
    buildSigner: "https://circleci.com/api/v2/projects/p1/pipeline-definitions/d1",
    repository: "github.com/acme/tool",
    ref: REF,
    ...changes,
  });

describe("a publisher that the certificate is not of", () => {
  const workflows = "https://github.com/acme/tool/.github/workflows";
  test.each<[string, Publisher, SigstoreSigner]>([
    ["GitHub: another issuer", GITHUB, github({}, "https://gitlab.com")],
    ["GitHub: another repository", GITHUB, github({ repository: "https://github.com/attacker/tool" })],
    ["GitHub: a repository of another case", GITHUB, github({ repository: "https://github.com/Acme/tool" })],
    ["GitHub: another forge", GITHUB, github({ repository: "https://gitlab.com/acme/tool" })],
    ["GitHub: another workflow", GITHUB, github({ buildConfig: `${workflows}/other.yml@${REF}` })],
    [
      "GitHub: another repository's workflow",
      GITHUB,
      github({ buildConfig: `https://github.com/attacker/tool/.github/workflows/release.yml@${REF}` }),
    ],
    ["GitHub: the workflow at another ref", GITHUB, github({ buildConfig: `${workflows}/release.yml@refs/heads/x` })],
    ["GitHub: a ref that ends in the workflow", GITHUB, github({ buildConfig: `${workflows}/evil.yml@refs/heads/release.yml@${REF}` })],
    ["GitHub: no repository in the certificate", GITHUB, signer("https://token.actions.githubusercontent.com", {})],
    [
      "GitHub: no workflow in the certificate",
      GITHUB,
      signer("https://token.actions.githubusercontent.com", { repository: "https://github.com/acme/tool", ref: REF }),
    ],
    [
      "GitHub: neither ref nor commit in the certificate",
      GITHUB,
      signer("https://token.actions.githubusercontent.com", {
        repository: "https://github.com/acme/tool",
        buildConfig: `${workflows}/release.yml@undefined`,
      }),
    ],
    ["GitHub: another environment", GITHUB, github({ environment: "staging" })],
    ["GitLab: another issuer", GITLAB, { ...gitlab(), issuer: "https://gitlab.acme.example" }],
    ["GitLab: another project", GITLAB, gitlab({ repository: "https://gitlab.com/attacker/tool" })],
    ["GitLab: another file", GITLAB, gitlab({ buildConfig: `https://gitlab.com/acme/group/tool//.gitlab-ci.yml@${REF}` })],
    ["Google: another address", GOOGLE, google("builder@acme.example.evil")],
    ["Google: the address in capitals", GOOGLE, google("Builder@acme.example")],
    ["Google: the address as a URI", GOOGLE, google("builder@acme.example", "uri")],
    ["Google: the address by another issuer", GOOGLE, google("builder@acme.example", "email", "https://idp.example")],
    ["CircleCI: another project", CIRCLECI, circleci({ buildSigner: "https://circleci.com/api/v2/projects/p2/pipeline-definitions/d1" })],
    ["CircleCI: another repository", CIRCLECI, circleci({ repository: "github.com/attacker/tool" })],
    ["CircleCI: another ref", CIRCLECI, circleci({ ref: "refs/heads/x" })],
    ["CircleCI: a GitHub certificate", CIRCLECI, github()],
  ])("%s", (_what, publisher, certificate) => {
    expect(checkPublisher(publisher, certificate)).toMatchObject({ ok: false, finding: { code: "PUBLISHER_MISMATCH" } });
  });
});

test.each<[string, Publisher | undefined, SigstoreSigner]>([
  ["GitHub", GITHUB, github()],
  [
    "GitHub, the workflow at the commit",
    GITHUB,
    github({ buildConfig: `https://github.com/acme/tool/.github/workflows/release.yml@${COMMIT}` }),
  ],
  [
    "GitHub, a reusable workflow's certificate",
    GITHUB,
    { ...github(), identity: { type: "uri", value: "https://github.com/other/x/.github/workflows/r.yml@main" } },
  ],
  ["GitHub, the environment proved", GITHUB, github({ environment: "pypi" })],
  ["GitHub, an environment that the index leaves out", { ...GITHUB, environment: undefined }, github({ environment: "pypi" })],
  ["GitLab", GITLAB, gitlab()],
  ["Google", GOOGLE, google("builder@acme.example")],
  ["CircleCI", CIRCLECI, circleci()],
  ["CircleCI, without its repository", { ...CIRCLECI, origin: undefined, ref: undefined }, circleci({ ref: "refs/heads/x" })],
  ["nobody", undefined, google("anybody@acme.example")],
])("a publisher that the certificate is of: %s", (_what, publisher, certificate) => {
  expect(checkPublisher(publisher, certificate)).toEqual({ ok: true, value: undefined });
});
