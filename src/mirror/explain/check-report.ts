import type { Evidence, Outcome } from "../../core/evidence.ts";
import type { Signer } from "../../core/signer.ts";
import type { Statement } from "../../core/statement.ts";
import type { VerdictReport } from "../../policy/explain-verdict.ts";
import { compareWithCertificate } from "../../verify/provenance/compare-with-certificate.ts";
import type { BuildPredicate } from "../../verify/provenance/predicate.ts";
import { readPredicate } from "../../verify/provenance/read-predicate.ts";
import type { BuildReport, CheckReport } from "./report.ts";

/** More than a page shows. The whole statement is in the evidence. */
const MATERIALS_SHOWN = 100;

/** One finding of a verifier, in its parts. `trust` names the root that evidence from the archive's upstream is checked under. */
export function checkReport(
  { verifier, checkedAt, outcome }: Evidence,
  policy: Pick<VerdictReport, "standingOf">,
  trust: string,
): CheckReport {
  const passed = outcome.kind === "pass" ? outcome : undefined;
  const { signer, statement, claims } = passed ?? {};
  return {
    verifier,
    label: outcome.label ?? null,
    outcome: outcome.kind,
    code: outcome.kind === "invalid" ? outcome.code : null,
    detail: outcome.kind === "pass" ? null : (outcome.detail ?? null),
    checkedAt: new Date(checkedAt).toISOString(),
    claims: claims ?? null,
    signer: signer ?? null,
    standing: signer ? policy.standingOf(signer) : null,
    signedAt: isoTime(claims?.["signed_at"]) ?? null,
    trustRoot: rootOf(outcome, trust),
    predicateType: statement?.predicateType ?? null,
    subjects: statement?.subjects ?? [],
    build: signer && statement ? buildReport(statement, signer) : null,
  };
}

/** Beyond what a date can be, a time is only a number that somebody signed. */
function isoTime(time: unknown): string | undefined {
  return typeof time === "number" && Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : undefined;
}

function rootOf(outcome: Outcome, trust: string): CheckReport["trustRoot"] {
  const sha256 = outcome.kind === "pass" ? outcome.claims["trust_root_sha256"] : undefined;
  if (outcome.kind !== "pass" || typeof sha256 !== "string") return null;
  return { name: outcome.signer?.kind === "sigstore" ? outcome.signer.trust : trust, sha256 };
}

function buildReport(statement: Statement, signer: Signer): BuildReport | null {
  const predicate = readPredicate(statement);
  return predicate.ok && predicate.value.kind === "build" ? reportOf(predicate.value, signer) : null;
}

function reportOf(build: BuildPredicate, signer: Signer): BuildReport {
  const compared = signer.kind === "sigstore" ? compareWithCertificate(build, signer) : undefined;
  const agreement = compared?.ok ? compared.value : undefined;
  const { source, materials } = build;
  return {
    format: build.format,
    builder: build.builderId,
    buildType: build.buildType,
    repository: source?.repository ?? null,
    ref: source?.ref ?? null,
    commit: source?.digest ?? {},
    entryPoint: source?.entryPoint ?? null,
    materials: materials.slice(0, MATERIALS_SHOWN).map(({ uri, digest }) => ({ uri: uri ?? null, digest })),
    materialsCount: materials.length,
    confirmed: agreement
      ? { repository: agreement.repository, ref: agreement.ref, commit: agreement.commit, workflow: agreement.workflow }
      : null,
    warnings: agreement?.warnings ?? build.warnings,
  };
}
