import { AssayError } from "../../core/errors.ts";
import type { Evidence } from "../../core/evidence.ts";
import { isJsonObject, type JsonObject } from "../../core/json.ts";
import type { ArtifactReport, BuildReport, CheckReport } from "../../mirror/explain/report.ts";

/** The source of an archive, as far as the certificate of a signer who counts confirms it, and what the signer says of the build besides. */
export interface ConfirmedSource {
  /** `https://HOST/OWNER/NAME`, as the certificate has it. */
  readonly repository: string;
  readonly commit: string;
  /** The branch or tag that the certificate names. */
  readonly ref: string | undefined;
  /** The build provenance that the certificate signed; undefined where it signed something else. */
  readonly build: Pick<BuildReport, "format" | "buildType"> | undefined;
  /** As the statement has them, unparsed: `folder` and `sourceDateEpoch` of `assay publish`. */
  readonly parameters: JsonObject;
}

/**
 * The source that a rebuild of an archive starts from: of a build provenance, else of any signature whose certificate names a repository and a commit. Only signers that the policy lets count have a say,
 * so nobody else can have a repository fetched. Throws UNPROCESSABLE where there is none.
 */
export function confirmedSource({ evidence, checks, digest }: Pick<ArtifactReport, "evidence" | "checks" | "digest">): ConfirmedSource {
  // A report has a check for each finding about these bytes, in their order.
  const findings = evidence.filter(({ subject }) => subject === digest);
  const sources = checks.flatMap((check, position) => sourceIn(check, findings[position]));
  const found = sources.find(({ build }) => build !== undefined) ?? sources[0];
  if (found) return found;
  throw new AssayError(
    "UNPROCESSABLE",
    "no signature that counts was made with a certificate that names a source repository and a commit",
    {
      help: "`assay inspect provenance` shows what is signed; only what a build system signed names its source",
    },
  );
}

function sourceIn({ signer, standing, build, outcome }: CheckReport, finding: Evidence | undefined): readonly ConfirmedSource[] {
  if (outcome !== "pass" || signer?.kind !== "sigstore" || !standing || standing.kind === "untrusted") return [];
  const { repository, commit, ref } = signer.source;
  if (repository === undefined || commit === undefined) return [];
  // A statement that the certificate contradicts, or says nothing about, names another source than the certificate.
  if (build && (build.confirmed?.repository !== "confirmed" || build.confirmed.commit !== "confirmed")) return [];
  return [{ repository, commit, ref, build: build ?? undefined, parameters: parametersIn(finding) }];
}

function parametersIn(finding: Evidence | undefined): JsonObject {
  const statement = finding?.outcome.kind === "pass" ? finding.outcome.statement : undefined;
  const invocation = statement?.predicate?.["invocation"];
  const parameters = isJsonObject(invocation) ? invocation["parameters"] : undefined;
  return isJsonObject(parameters) ? parameters : {};
}
