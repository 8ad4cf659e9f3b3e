import type { JsonObject } from "../../core/json.ts";
import { JsonFields, JsonShapeError } from "../../core/json-fields.ts";
import type { BuildPredicate, Material, RunStatement, SourceStatement } from "./predicate.ts";
import { parseRepositoryUrl, parseSourceUri } from "./source-uri.ts";

/** GitHub Actions workflows, before and after the build type moved. https://actions.github.io/buildtypes/workflow/v1 */
const GITHUB_WORKFLOW = new Set([
  "https://actions.github.io/buildtypes/workflow/v1",
  "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
]);

/** https://slsa.dev/spec/v1.0/provenance */
export function readSlsaV1(predicate: JsonObject): BuildPredicate {
  const root = new JsonFields(predicate, "predicate");
  const definition = root.object("buildDefinition");
  const buildType = definition.text("buildType");
  const parameters = definition.object("externalParameters");
  const details = root.object("runDetails");
  const materials = definition.optionalList("resolvedDependencies").map((dependency) => ({
    uri: dependency.optionalText("uri"),
    digest: dependency.optionalTextMap("digest"),
  }));
  const isGitHub = GITHUB_WORKFLOW.has(buildType);
  return {
    kind: "build",
    format: "slsa-v1",
    builderId: details.object("builder").text("id"),
    buildType,
    source: isGitHub ? workflowSource(parameters.object("workflow"), materials) : undefined,
    materials,
    reproducible: false,
    run: isGitHub ? workflowRun(definition, details) : {},
    warnings: isGitHub ? [] : ["its build type is not known, so its parameters are not checked"],
  };
}

function workflowSource(workflow: JsonFields, materials: readonly Material[]): SourceStatement {
  const repository = parseRepositoryUrl(workflow.text("repository"));
  if (repository === undefined)
    throw new JsonShapeError("predicate.buildDefinition.externalParameters.workflow.repository is no repository's URL");
  const ref = workflow.text("ref");
  // The parameters name no commit; the dependency that is the source does.
  const digest = materials.find(({ uri }) => uri !== undefined && parseSourceUri(uri)?.repository === repository)?.digest ?? {};
  return { repository, ref, digest, entryPoint: workflow.text("path") };
}

function workflowRun(definition: JsonFields, details: JsonFields): RunStatement {
  const github = definition.optionalObject("internalParameters")?.optionalObject("github");
  const said = {
    trigger: github?.optionalText("event_name"),
    repositoryId: github?.optionalText("repository_id"),
    ownerId: github?.optionalText("repository_owner_id"),
    runner: github?.optionalText("runner_environment"),
    invocation: details.optionalObject("metadata")?.optionalText("invocationId"),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}
