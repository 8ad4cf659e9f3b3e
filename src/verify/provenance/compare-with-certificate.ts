import { type Checked, found, passed } from "../../core/finding.ts";
import { quote } from "../../core/quote.ts";
import type { SigstoreSigner, SourceClaims } from "../../core/signer.ts";
import { builderIds } from "./builder.ts";
import { commitsFor, sameCommit } from "./commit.ts";
import { Mismatch } from "./mismatch.ts";
import type { BuildPredicate, Material, Predicate, RunStatement, SourceStatement } from "./predicate.ts";
import { parseRepositoryUrl, parseSourceUri } from "./source-uri.ts";

/** `confirmed`: statement and certificate say the same. `unstated`: the statement leaves it out. `unproven`: the certificate does. */
export type Confirmation = "confirmed" | "unstated" | "unproven";

/** What a certificate confirms of a statement that it does not contradict. */
export interface Agreement {
  readonly repository: Confirmation;
  readonly ref: Confirmation;
  readonly commit: Confirmation;
  readonly workflow: Confirmation;
  /** Ids by which a policy may know the builder: as stated, unless the certificate is another platform's, and as the certificate shows it. */
  readonly builderIds: readonly string[];
  /** For people: what nobody can check. */
  readonly warnings: readonly string[];
}

/**
 * Compares what a statement says of its build with what the certificate that signed it shows. PREDICATE_MISMATCH where they differ in repository, ref,
 * commit, workflow, builder or run, and where the source is not among the materials. Publish statements say nothing of a build: there is nothing to differ in.
 */
export function compareWithCertificate(predicate: Predicate, signer: SigstoreSigner): Checked<Agreement> {
  if (predicate.kind !== "build") {
    return passed({ repository: "unstated", ref: "unstated", commit: "unstated", workflow: "unstated", builderIds: [], warnings: [] });
  }
  try {
    return passed(compareBuild(predicate, signer));
  } catch (error) {
    if (error instanceof Mismatch) return found("PREDICATE_MISMATCH", error.message);
    throw error;
  }
}

function compareBuild(predicate: BuildPredicate, signer: SigstoreSigner): Agreement {
  const { source: claims } = signer;
  const source = predicate.source ?? sourceAmong(predicate.materials, claims);
  if (source) requireMaterial(predicate, source);
  compareRun(predicate.run, claims);
  return {
    repository: same("repository", source?.repository, claims.repository),
    ref: same("ref", source?.ref, claims.ref),
    commit: compareCommit(source?.digest ?? {}, claims.commit),
    workflow: compareWorkflow(source?.entryPoint, signer),
    builderIds: builderIds(predicate.builderId, signer),
    warnings: [...predicate.warnings, ...otherMaterials(predicate.materials, source)],
  };
}

/** Where the build type says nothing of its source that Assay understands, the one dependency that is the certificate's repository stands for it. */
function sourceAmong(materials: readonly Material[], { repository }: SourceClaims): SourceStatement | undefined {
  for (const { uri = "", digest } of materials) {
    const parsed = parseSourceUri(uri) ?? plainRepository(uri);
    if (parsed !== undefined && parsed.repository === repository) return { ...parsed, digest, entryPoint: undefined };
  }
  return undefined;
}

function plainRepository(uri: string): { readonly repository: string; readonly ref: undefined } | undefined {
  const repository = parseRepositoryUrl(uri);
  return repository === undefined ? undefined : { repository, ref: undefined };
}

/** SLSA leaves the list optional; where there is one, the source belongs to it. */
function requireMaterial({ materials, format }: BuildPredicate, source: SourceStatement): void {
  if (materials.length === 0 && format !== "uaaps") return;
  if (materials.some((material) => isSource(material, source))) return;
  throw new Mismatch(`the source ${quote(source.repository)} is not among its materials with the same ref and commit`);
}

function isSource({ uri = "", digest }: Material, source: SourceStatement): boolean {
  const parsed = parseSourceUri(uri) ?? plainRepository(uri);
  if (parsed?.repository !== source.repository) return false;
  // npm's older provenance leaves the ref out of the material, SLSA v0.2 lets the source leave out its commit.
  const isSameRef = parsed.ref === undefined || parsed.ref === source.ref;
  return isSameRef && (Object.keys(source.digest).length === 0 || sameCommit(digest, source.digest));
}

function otherMaterials(materials: readonly Material[], source: SourceStatement | undefined): readonly string[] {
  const others = materials.filter((material) => !source || !isSource(material, source)).length;
  return others === 0 ? [] : [`${others} other ${others === 1 ? "material is" : "materials are"} claims that nobody can check`];
}

function same(what: string, stated: string | undefined, certified: string | undefined): Confirmation {
  if (certified === undefined) return "unproven";
  if (stated === undefined) return "unstated";
  if (stated === certified) return "confirmed";
  throw new Mismatch(`the statement names the ${what} ${quote(stated)}, its certificate ${quote(certified)}`);
}

function compareCommit(digest: Readonly<Record<string, string>>, certified: string | undefined): Confirmation {
  if (certified === undefined) return "unproven";
  const commits = commitsFor(certified, digest);
  for (const commit of commits) same("commit", commit, certified);
  return commits.length === 0 ? "unstated" : "confirmed";
}

function compareWorkflow(entryPoint: string | undefined, { source, identity }: SigstoreSigner): Confirmation {
  if (entryPoint === undefined) return "unstated";
  const { repository, buildConfig } = source;
  if (repository === undefined) return "unproven";
  const spellings = workflowUris(entryPoint, repository, source);
  if (buildConfig === undefined) {
    // Certificates from before 2023 have only the workflow that asked for them, which a reusable workflow's caller is not.
    return spellings.includes(source.buildSigner ?? identity.value) ? "confirmed" : "unproven";
  }
  if (spellings.includes(buildConfig)) return "confirmed";
  throw new Mismatch(`the statement names the workflow ${quote(entryPoint)}, its certificate ${quote(buildConfig)}`);
}

/** How a certificate may write it: GitHub `REPOSITORY/PATH@REF`, GitLab `REPOSITORY//PATH@REF`; npm writes `OWNER/NAME/PATH@REF` itself. */
function workflowUris(entryPoint: string, repository: string, { ref, commit }: SourceClaims): readonly string[] {
  const forge = repository.slice(0, repository.indexOf("/", "https://".length) + 1);
  const refs = [ref, commit].filter((each) => each !== undefined);
  return [
    `${forge}${entryPoint}`,
    ...refs.flatMap((each) => [`${repository}/${entryPoint}@${each}`, `${repository}//${entryPoint}@${each}`]),
  ];
}

function compareRun(run: RunStatement, claims: SourceClaims): void {
  same("trigger", run.trigger, claims.trigger);
  same("repository id", run.repositoryId, claims.repositoryId);
  same("owner id", run.ownerId, claims.ownerId);
  same("runner environment", run.runner, claims.runner);
  same("invocation", run.invocation, claims.invocation);
}
