import type { JsonObject } from "../../core/json.ts";
import { JsonFields, JsonShapeError } from "../../core/json-fields.ts";
import { COMMIT_ALGORITHMS } from "./commit.ts";
import type { BuildPredicate } from "./predicate.ts";
import { parseSourceUri } from "./source-uri.ts";

/** The AAM specification's own format, 14.5. Source with its ref, commit and materials are all required. */
export function readUaaps(predicate: JsonObject): BuildPredicate {
  const root = new JsonFields(predicate, "predicate");
  const builderId = root.object("builder").text("id");
  const buildType = root.text("buildType");
  const configSource = root.object("invocation").object("configSource");
  const source = parseSourceUri(configSource.text("uri"));
  if (source?.ref === undefined)
    throw new JsonShapeError("predicate.invocation.configSource.uri is not of the form git+https://HOST/PATH@REF");
  const digest = configSource.textMap("digest");
  if (!COMMIT_ALGORITHMS.some((algorithm) => Object.hasOwn(digest, algorithm))) {
    throw new JsonShapeError(`predicate.invocation.configSource.digest has none of ${COMMIT_ALGORITHMS.join(", ")}`);
  }
  const materials = root.list("materials").map((material) => ({ uri: material.text("uri"), digest: material.textMap("digest") }));
  if (materials.length === 0) throw new JsonShapeError("predicate.materials is empty");
  const metadata = root.optionalObject("metadata");
  const isComplete = metadata?.optionalObject("completeness")?.optionalBoolean("materials") ?? true;
  return {
    kind: "build",
    format: "uaaps",
    builderId,
    buildType,
    source: { repository: source.repository, ref: source.ref, digest, entryPoint: configSource.optionalText("entryPoint") },
    materials,
    reproducible: metadata?.optionalBoolean("reproducible") ?? false,
    run: {},
    warnings: isComplete ? [] : ["its list of materials is not complete, as it says itself"],
  };
}
