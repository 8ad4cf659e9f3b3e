import type { JsonObject } from "../../core/json.ts";
import { JsonFields, JsonShapeError } from "../../core/json-fields.ts";
import type { BuildPredicate, SourceStatement } from "./predicate.ts";
import { parseSourceUri } from "./source-uri.ts";

/** npm on GitLab puts the name of a job where others name the workflow; no certificate speaks of jobs. */
const NAMES_A_JOB = "https://github.com/npm/cli/gitlab/";

/** https://slsa.dev/spec/v0.2/provenance */
export function readSlsaV02(predicate: JsonObject): BuildPredicate {
  const root = new JsonFields(predicate, "predicate");
  const builderId = root.object("builder").text("id");
  const buildType = root.text("buildType");
  const configSource = root.optionalObject("invocation")?.optionalObject("configSource");
  const materials = root.optionalList("materials").map((material) => ({
    uri: material.optionalText("uri"),
    digest: material.optionalTextMap("digest"),
  }));
  return {
    kind: "build",
    format: "slsa-v0.2",
    builderId,
    buildType,
    source: configSource && readSource(configSource, buildType),
    materials,
    reproducible: root.optionalObject("metadata")?.optionalBoolean("reproducible") ?? false,
    run: {},
    warnings: [],
  };
}

function readSource(configSource: JsonFields, buildType: string): SourceStatement | undefined {
  const uri = configSource.optionalText("uri");
  const digest = configSource.optionalTextMap("digest");
  const entryPoint = configSource.optionalText("entryPoint");
  if (uri === undefined || !uri.startsWith("git+")) return undefined;
  const source = parseSourceUri(uri);
  if (!source) throw new JsonShapeError("predicate.invocation.configSource.uri is not of the form git+https://HOST/PATH@REF");
  return { ...source, digest, entryPoint: buildType.startsWith(NAMES_A_JOB) ? undefined : entryPoint };
}
