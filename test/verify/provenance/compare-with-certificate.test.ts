import { describe, expect, test } from "vitest";
import type { Checked } from "../../../src/core/finding.ts";
import type { SigstoreSigner, SourceClaims } from "../../../src/core/signer.ts";
import { type Agreement, compareWithCertificate } from "../../../src/verify/provenance/compare-with-certificate.ts";
import { readPredicate } from "../../../src/verify/provenance/read-predicate.ts";
import {
  type Changes,
  COMMIT,
  emailSigner,
  githubSigner,
  OTHER_COMMIT,
  type PREDICATES,
  REF,
  REPOSITORY,
  statementOf,
  WORKFLOW,
} from "./statements.ts";

type Name = keyof typeof PREDICATES;

function compare(name: Name, changes: Changes = {}, signer: SigstoreSigner = githubSigner()): Checked<Agreement> {
  const predicate = readPredicate(statementOf(name, changes));
  if (!predicate.ok) throw new Error(predicate.finding.detail);
  return compareWithCertificate(predicate.value, signer);
}

const CONFIRMED = { repository: "confirmed", ref: "confirmed", commit: "confirmed", workflow: "confirmed" };
const BUILDS = ["uaaps", "slsaV02", "slsaV1"] as const;
const mismatch = { ok: false, finding: { code: "PREDICATE_MISMATCH" } };

describe("a statement that its certificate contradicts is refused", () => {
  const other = "https://github.com/attacker/tool";
  const certificates: [string, { readonly [Field in keyof SourceClaims]?: string | undefined }][] = [
    ["another repository", { repository: other }],
    ["a repository of another case", { repository: "https://github.com/Acme/tool" }],
    ["another commit", { commit: OTHER_COMMIT }],
    ["another ref", { ref: "refs/heads/main" }],
    ["another workflow", { buildConfig: `${REPOSITORY}/.github/workflows/other.yml@${REF}` }],
    ["the same workflow of another repository", { buildConfig: `${other}/${WORKFLOW}@${REF}` }],
    ["the same workflow at another ref", { buildConfig: `${REPOSITORY}/${WORKFLOW}@refs/heads/main` }],
  ];
  test.each(BUILDS.flatMap((name) => certificates.map(([what, claims]) => [name, what, claims] as const)))(
    "%s: certificate with %s",
    (name, _what, claims) => {
      expect(compare(name, {}, githubSigner(claims))).toMatchObject(mismatch);
    },
  );

  const uri = `git+${other}@${REF}`;
  test.each<[Name, string, Changes]>([
    ["uaaps", "repository, materials alike", { "invocation.configSource.uri": uri, "materials.0.uri": uri }],
    [
      "uaaps",
      "commit, materials alike",
      { "invocation.configSource.digest": { sha1: OTHER_COMMIT }, "materials.0.digest": { sha1: OTHER_COMMIT } },
    ],
    [
      "uaaps",
      "an abbreviated commit",
      { "invocation.configSource.digest.sha1": COMMIT.slice(0, 12), "materials.0.digest.sha1": COMMIT.slice(0, 12) },
    ],
    [
      "uaaps",
      "a commit in capitals",
      { "invocation.configSource.digest.sha1": COMMIT.toUpperCase(), "materials.0.digest.sha1": COMMIT.toUpperCase() },
    ],
    ["uaaps", "one of two commits", { "invocation.configSource.digest": { sha1: COMMIT, gitCommit: OTHER_COMMIT } }],
    ["uaaps", "entry point", { "invocation.configSource.entryPoint": ".github/workflows/other.yml" }],
    ["uaaps", "an entry point that brings its own ref", { "invocation.configSource.entryPoint": `${WORKFLOW}@refs/heads/x` }],
    ["uaaps", "an entry point of another repository", { "invocation.configSource.entryPoint": `attacker/tool/${WORKFLOW}@${REF}` }],
    ["uaaps", "a source that is no material", { "materials.0.uri": uri }],
    ["uaaps", "a source that is a material at another ref", { "materials.0.uri": `git+${REPOSITORY}@refs/heads/main` }],
    ["uaaps", "a source that is a material with another commit", { "materials.0.digest": { sha1: OTHER_COMMIT } }],
    ["uaaps", "a source that is a material without its commit", { "materials.0.digest": { md5: "00" } }],
    ["slsaV02", "a source that is no material", { "materials.0.uri": uri }],
    ["slsaV02", "entry point", { "invocation.configSource.entryPoint": `acme/tool/.github/workflows/other.yml@${REF}` }],
    ["slsaV1", "a source that is no dependency", { "buildDefinition.resolvedDependencies.0.uri": uri }],
    ["slsaV1", "a dependency at another ref", { "buildDefinition.resolvedDependencies.0.uri": `git+${REPOSITORY}@refs/heads/x` }],
    ["slsaV1", "the commit of the dependency", { "buildDefinition.resolvedDependencies.0.digest": { gitCommit: OTHER_COMMIT } }],
    ["slsaV1", "path", { "buildDefinition.externalParameters.workflow.path": "other.yml" }],
    ["slsaV1", "trigger", { "buildDefinition.internalParameters.github.event_name": "push" }],
    ["slsaV1", "repository id", { "buildDefinition.internalParameters.github.repository_id": "1" }],
    ["slsaV1", "owner id", { "buildDefinition.internalParameters.github.repository_owner_id": "1" }],
    ["slsaV1", "runner environment", { "buildDefinition.internalParameters.github.runner_environment": "self-hosted" }],
    ["slsaV1", "invocation", { "runDetails.metadata.invocationId": `${REPOSITORY}/actions/runs/13/attempts/1` }],
    ["slsaV1", "a hosted builder", { "runDetails.builder.id": "https://github.com/actions/runner/self-hosted" }],
    ["uaaps", "another workflow as builder", { "builder.id": `${REPOSITORY}/.github/workflows/trusted.yml@${REF}` }],
  ])("%s: %s", (name, _what, changes) => {
    expect(compare(name, changes)).toMatchObject(mismatch);
  });

  test("a hosted builder, where the certificate is of a self-hosted runner", () => {
    const signer = githubSigner({ runner: "self-hosted" });
    const changes = { "buildDefinition.internalParameters": undefined };
    expect(compare("slsaV1", changes, signer)).toMatchObject(mismatch);
  });

  test("the source repository of an unknown build type with another commit", () => {
    const changes = {
      "buildDefinition.buildType": "https://builds.example/v1",
      "buildDefinition.resolvedDependencies": [{ uri: REPOSITORY, digest: { gitCommit: OTHER_COMMIT } }],
    };
    expect(compare("slsaV1", changes)).toMatchObject(mismatch);
  });
});

describe("what only makes a warning", () => {
  test.each<[string, Changes]>([
    ["timestamps", { "metadata.buildStartedOn": "yesterday", "metadata.buildFinishedOn": "2001-01-01T00:00:00Z" }],
    ["completeness", { "metadata.completeness": { parameters: false, environment: false, materials: false } }],
    ["further materials", { "materials.1": { uri: "pkg:npm/left-pad@1.3.0", digest: { sha512: "00" } } }],
    ["an unknown build type", { buildType: "https://builds.example/v7" }],
    ["an unknown field", { "invocation.environment": { anything: true } }],
  ])("%s", (_what, changes) => {
    expect(compare("uaaps", changes)).toMatchObject({ ok: true, value: CONFIRMED });
  });

  test("further materials are counted for people", () => {
    const material = { uri: "pkg:npm/left-pad@1.3.0", digest: { sha512: "00" } };
    expect(compare("uaaps", { "materials.1": material })).toMatchObject({
      value: { warnings: [expect.stringContaining("1 other material")] },
    });
  });
});

describe("what a certificate confirms", () => {
  test.each(BUILDS)("%s: all of it", (name) => {
    expect(compare(name)).toMatchObject({ ok: true, value: { ...CONFIRMED, warnings: [] } });
  });

  test.each(["repository", "ref", "commit"] as const)("a certificate without %s leaves it unproven", (claim) => {
    const agreement = compare("uaaps", { "invocation.configSource.entryPoint": undefined }, githubSigner({ [claim]: undefined }));
    expect(agreement).toMatchObject({ ok: true, value: { [claim]: "unproven" } });
  });

  test("a person's certificate confirms nothing", () => {
    const nothing = { repository: "unproven", ref: "unproven", commit: "unproven", workflow: "unproven" };
    expect(compare("uaaps", {}, emailSigner())).toMatchObject({ ok: true, value: nothing });
  });

  test("what the statement leaves out is unstated", () => {
    expect(compare("uaaps", { "invocation.configSource.entryPoint": undefined })).toMatchObject({ value: { workflow: "unstated" } });
    expect(compare("slsaV02", { "invocation.configSource": undefined, materials: [] })).toMatchObject({
      value: { repository: "unstated", commit: "unstated" },
    });
    expect(compare("slsaV1", { "buildDefinition.resolvedDependencies": undefined })).toMatchObject({ value: { commit: "unstated" } });
    expect(compare("pypiPublish")).toMatchObject({ ok: true, value: { repository: "unstated" } });
  });

  test("the caller's workflow is compared, not the reusable one that asked for the certificate", () => {
    const buildSigner = "https://github.com/slsa-framework/generator/.github/workflows/reusable.yml@refs/tags/v1";
    const signer = githubSigner({ buildSigner });
    expect(compare("uaaps", { "builder.id": buildSigner }, signer)).toMatchObject({
      ok: true,
      value: { workflow: "confirmed", builderIds: expect.arrayContaining([buildSigner]) },
    });
  });

  test("a certificate from before 2023 confirms the workflow where that is what asked for it", () => {
    const old = { buildConfig: undefined, buildSigner: undefined, runner: undefined, repositoryId: undefined };
    expect(compare("slsaV02", {}, githubSigner(old))).toMatchObject({ ok: true, value: CONFIRMED });
    const changes = { "invocation.configSource.entryPoint": `acme/tool/.github/workflows/caller.yml@${REF}` };
    expect(compare("slsaV02", changes, githubSigner(old))).toMatchObject({ ok: true, value: { workflow: "unproven" } });
  });

  test("the build config may be at the commit", () => {
    const signer = githubSigner({ buildConfig: `${REPOSITORY}/${WORKFLOW}@${COMMIT}` });
    expect(compare("uaaps", {}, signer)).toMatchObject({ ok: true, value: { workflow: "confirmed" } });
  });

  test("GitLab writes two slashes, and its runners are the project's", () => {
    const repository = "https://gitlab.com/acme/group/tool";
    const signer: SigstoreSigner = {
      ...githubSigner({ repository, buildConfig: `${repository}//.gitlab-ci.yml@${REF}`, buildSigner: undefined, runner: "gitlab-hosted" }),
      issuer: "https://gitlab.com",
    };
    const uri = `git+${repository}@${REF}`;
    const changes = {
      "invocation.configSource.uri": uri,
      "invocation.configSource.entryPoint": ".gitlab-ci.yml",
      "materials.0.uri": uri,
      "builder.id": `${repository}/-/runners/12`,
    };
    expect(compare("uaaps", changes, signer)).toMatchObject({
      ok: true,
      value: { ...CONFIRMED, builderIds: [`${repository}/-/runners/12`] },
    });
    const others = { ...changes, "builder.id": "https://gitlab.com/attacker/x/-/runners/12" };
    expect(compare("uaaps", others, signer)).toMatchObject(mismatch);
  });

  test("a dependency that is the certificate's repository stands for the source of an unknown build type", () => {
    for (const uri of [REPOSITORY, `git+${REPOSITORY}@${REF}`]) {
      const changes = {
        "buildDefinition.buildType": "https://builds.example/v1",
        "buildDefinition.resolvedDependencies": [
          { uri: "pkg:npm/x@1", digest: {} },
          { uri, digest: { gitCommit: COMMIT } },
        ],
      };
      expect(compare("slsaV1", changes)).toMatchObject({ ok: true, value: { repository: "confirmed", commit: "confirmed" } });
    }
  });

  test("a sha256 beside the commit may be of something else", () => {
    const digest = { sha1: COMMIT, sha256: "00".repeat(32) };
    expect(compare("uaaps", { "invocation.configSource.digest": digest })).toMatchObject({ ok: true, value: { commit: "confirmed" } });
  });
});

describe("who the builder may be called", () => {
  test("a GitHub runner is also what the certificate shows", () => {
    expect(compare("uaaps")).toMatchObject({
      value: { builderIds: ["https://github.com/actions/runner", "https://github.com/actions/runner/github-hosted"] },
    });
  });

  test("the builder of another platform does not count", () => {
    expect(compare("uaaps", { "builder.id": "https://gitlab.com/acme/x/-/runners/1" })).toMatchObject({
      ok: true,
      value: { builderIds: ["https://github.com/actions/runner/github-hosted"] },
    });
    const gitlab = { ...githubSigner({ buildSigner: undefined }), issuer: "https://gitlab.com" };
    expect(compare("uaaps", {}, gitlab)).toMatchObject({ ok: true, value: { builderIds: [] } });
  });
});
