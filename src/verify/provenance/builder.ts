import { quote } from "../../core/quote.ts";
import type { SigstoreSigner } from "../../core/signer.ts";
import { Mismatch } from "./mismatch.ts";

const GITHUB_ISSUER = "https://token.actions.githubusercontent.com";
const GITLAB_ISSUER = "https://gitlab.com";
const GITHUB_RUNNER = "https://github.com/actions/runner";

/**
 * The ids by which a policy may know the builder. A builder id is the signer's own text: it counts only while the certificate is of the platform that it names,
 * and where the certificate does speak of the builder (runner environment, the workflow that asked for it, the project of a runner) they must agree:
 * throws Mismatch otherwise. What the certificate itself shows of a GitHub runner counts as well.
 */
export function builderIds(builderId: string, signer: SigstoreSigner): readonly string[] {
  const { issuer } = signer;
  if (issuer === GITHUB_ISSUER || issuer.startsWith(`${GITHUB_ISSUER}/`)) return githubIds(builderId, signer);
  if (issuer === GITLAB_ISSUER) return gitlabIds(builderId, signer);
  return [builderId];
}

function githubIds(builderId: string, { source, identity }: SigstoreSigner): readonly string[] {
  const shown = source.runner === undefined ? [] : [`${GITHUB_RUNNER}/${source.runner}`];
  if (builderId.startsWith(`${GITHUB_RUNNER}/`) && shown.length > 0 && !shown.includes(builderId)) {
    throw new Mismatch(
      `the statement names the builder ${quote(builderId)}, its certificate the runner environment ${quote(source.runner ?? "")}`,
    );
  }
  const workflow = source.buildSigner ?? (identity.type === "uri" ? identity.value : undefined);
  if (builderId.includes("/.github/workflows/") && builderId !== workflow) {
    throw new Mismatch(`the statement names the builder ${quote(builderId)}, its certificate ${quote(workflow ?? "none")}`);
  }
  return builderId.startsWith("https://github.com/") ? [builderId, ...shown] : shown;
}

/** A GitLab runner is `<project>/-/runners/<number>`. */
function gitlabIds(builderId: string, { source }: SigstoreSigner): readonly string[] {
  const { repository } = source;
  const isRunner = builderId.includes("/-/runners/");
  if (isRunner && repository !== undefined && !builderId.startsWith(`${repository}/-/runners/`)) {
    throw new Mismatch(`the statement names the builder ${quote(builderId)}, its certificate the project ${quote(repository)}`);
  }
  return builderId.startsWith(`${GITLAB_ISSUER}/`) ? [builderId] : [];
}
