import { AssayError } from "../../core/errors.ts";

/** What a CI service says of the build that runs: claims, which the certificate of the same service must agree with. */
export interface BuildEnvironment {
  /** URI of what builds. */
  readonly builderId: string;
  /** `https://HOST/PATH` */
  readonly repository: string;
  /** `refs/tags/v1.0.0` */
  readonly ref: string;
  /** Object name, in hexadecimal. */
  readonly commit: string;
  /** Path of the workflow or pipeline in the repository; left out where it is another repository's. */
  readonly entryPoint?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * GitHub Actions or GitLab CI, by their variables; undefined outside both. Throws BAD_REQUEST where a variable that the service always sets is missing: half a build environment is
 * a script that imitates one.
 * https://docs.github.com/actions/reference/variables-reference and https://docs.gitlab.com/ci/variables/predefined_variables/
 */
export function readBuildEnvironment(env: Environment): BuildEnvironment | undefined {
  if (env["GITHUB_ACTIONS"] === "true") return github(env);
  if (env["GITLAB_CI"] === "true") return gitlab(env);
  return undefined;
}

function github(env: Environment): BuildEnvironment {
  const read = (name: string): string => required(env, name, "GitHub Actions");
  const repository = `${read("GITHUB_SERVER_URL")}/${read("GITHUB_REPOSITORY")}`;
  return {
    // The certificate has the kind of runner too, and `builderIds` compares them.
    builderId: `https://github.com/actions/runner/${read("RUNNER_ENVIRONMENT")}`,
    repository,
    ref: read("GITHUB_REF"),
    commit: read("GITHUB_SHA"),
    ...entryPoint(pathBetween(read("GITHUB_WORKFLOW_REF"), `${read("GITHUB_REPOSITORY")}/`)),
  };
}

function gitlab(env: Environment): BuildEnvironment {
  const read = (name: string): string => required(env, name, "GitLab CI");
  const { CI_COMMIT_TAG: tag, CI_COMMIT_BRANCH: branch } = env;
  const repository = read("CI_PROJECT_URL");
  const ref = tag ? `refs/tags/${tag}` : branch ? `refs/heads/${branch}` : undefined;
  if (ref === undefined) {
    throw new AssayError("BAD_REQUEST", "expected a pipeline of a branch or tag, got one with neither CI_COMMIT_TAG nor CI_COMMIT_BRANCH", {
      help: "publish from the pipeline of a tag",
    });
  }
  const config = read("CI_CONFIG_PATH");
  return {
    builderId: `${repository}/-/runners/${read("CI_RUNNER_ID")}`,
    repository,
    ref,
    commit: read("CI_COMMIT_SHA"),
    // A configuration may be another project's (`path@group/project`) or at an address.
    ...entryPoint(config.includes("@") || config.includes(":") ? undefined : config),
  };
}

function entryPoint(path: string | undefined): Pick<BuildEnvironment, "entryPoint"> {
  return path === undefined ? {} : { entryPoint: path };
}

/** `acme/tool/.github/workflows/release.yml@refs/tags/v1` without the repository and the ref. */
function pathBetween(text: string, prefix: string): string | undefined {
  const at = text.lastIndexOf("@");
  return text.startsWith(prefix) && at > prefix.length ? text.slice(prefix.length, at) : undefined;
}

function required(env: Environment, name: string, service: string): string {
  const value = env[name];
  if (value !== undefined && value !== "") return value;
  throw new AssayError("BAD_REQUEST", `expected the variable ${name}, which ${service} sets for every job, got none`, {
    help: "run this in a job of that service, or unset the variable that says so",
  });
}
