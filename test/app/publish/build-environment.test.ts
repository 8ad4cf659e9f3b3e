import { expect, test } from "vitest";
import { readBuildEnvironment } from "../../../src/app/publish/build-environment.ts";

const GITHUB = {
  GITHUB_ACTIONS: "true",
  GITHUB_SERVER_URL: "https://github.com",
  GITHUB_REPOSITORY: "acme/tool",
  GITHUB_REF: "refs/tags/v1.0.0",
  GITHUB_SHA: "a".repeat(40),
  GITHUB_WORKFLOW_REF: "acme/tool/.github/workflows/release.yml@refs/tags/v1.0.0",
  RUNNER_ENVIRONMENT: "github-hosted",
};
const GITLAB = {
  GITLAB_CI: "true",
  CI_PROJECT_URL: "https://gitlab.com/acme/group/tool",
  CI_COMMIT_SHA: "b".repeat(40),
  CI_COMMIT_TAG: "v1.0.0",
  CI_RUNNER_ID: "12270807",
  CI_CONFIG_PATH: ".gitlab-ci.yml",
};

test.each(
  [
    ...Object.keys(GITHUB).map((name) => ({ name, env: { ...GITHUB, [name]: "" } })),
    ...Object.keys(GITLAB).map((name) => ({ name, env: { ...GITLAB, [name]: "" } })),
  ].filter(({ name }) => !["GITHUB_ACTIONS", "GITLAB_CI", "CI_COMMIT_TAG"].includes(name)),
)("a job without $name is half a build environment", ({ name, env }) => {
  expect(() => readBuildEnvironment(env)).toThrowError(
    expect.objectContaining({ code: "BAD_REQUEST", message: expect.stringContaining(name) }),
  );
});

test("a pipeline of neither a branch nor a tag names no ref", () => {
  expect(() => readBuildEnvironment({ ...GITLAB, CI_COMMIT_TAG: undefined })).toThrowError(
    expect.objectContaining({ code: "BAD_REQUEST" }),
  );
});

test("outside the two services there is no build environment, whatever the other variables say", () => {
  expect(readBuildEnvironment({ ...GITHUB, GITHUB_ACTIONS: "false" })).toBeUndefined();
});

test("GitHub's variables name runner, repository, ref, commit and the path of the workflow", () => {
  expect(readBuildEnvironment(GITHUB)).toEqual({
    builderId: "https://github.com/actions/runner/github-hosted",
    repository: "https://github.com/acme/tool",
    ref: "refs/tags/v1.0.0",
    commit: "a".repeat(40),
    entryPoint: ".github/workflows/release.yml",
  });
});

test.each([
  { name: "a tag", env: GITLAB, ref: "refs/tags/v1.0.0", entryPoint: ".gitlab-ci.yml" },
  {
    name: "a branch",
    env: { ...GITLAB, CI_COMMIT_TAG: "", CI_COMMIT_BRANCH: "main" },
    ref: "refs/heads/main",
    entryPoint: ".gitlab-ci.yml",
  },
  {
    name: "another project's configuration",
    env: { ...GITLAB, CI_CONFIG_PATH: "ci.yml@acme/ci" },
    ref: "refs/tags/v1.0.0",
    entryPoint: undefined,
  },
])("GitLab's variables for $name", ({ env, ref, entryPoint }) => {
  expect(readBuildEnvironment(env)).toEqual({
    builderId: "https://gitlab.com/acme/group/tool/-/runners/12270807",
    repository: "https://gitlab.com/acme/group/tool",
    ref,
    commit: "b".repeat(40),
    ...(entryPoint === undefined ? {} : { entryPoint }),
  });
});
