import type { FileReport } from "../app/verify/verify-file.ts";
import type { Outcome } from "../core/evidence.ts";
import { printable } from "../core/printable.ts";
import type { Reason } from "../core/verdict.ts";
import { signerRows } from "../mirror/explain/describe.ts";
import { table } from "./table.ts";

/** What was looked at. */
export interface VerifiedSubject {
  /** As given on the command line. */
  readonly file: string;
  /** `sha256:HEX`. */
  readonly digest: string;
  readonly purl: string | undefined;
  /** Whether the bytes were not at hand. */
  readonly digestOnly: boolean;
}

/** One JSON document. Its keys are documented in the README and always there; what is not known is null. */
export function verifyJson(subject: VerifiedSubject, report: FileReport): string {
  const { verdict, level, counting, named, evidence } = report;
  const { file, digest, purl = null } = subject;
  return `${JSON.stringify(
    {
      file,
      digest,
      purl,
      verdict: verdict.kind,
      level: level.level,
      why: level.why,
      signer: counting[0]?.signer ?? null,
      named,
      reasons: verdict.kind === "refuse" ? verdict.reasons.map(reasonJson) : [],
      warnings: verdict.kind === "admit" ? verdict.warnings.map(reasonJson) : [],
      evidence: evidence.map(({ verifier, outcome }) => ({ verifier, ...outcomeJson(outcome) })),
      notChecked: notChecked(subject),
    },
    null,
    2,
  )}\n`;
}

function reasonJson({ code, text, help }: Reason) {
  return { code, text, help };
}

function outcomeJson(outcome: Outcome) {
  const { kind, label = null } = outcome;
  const invalid = outcome.kind === "invalid" ? { code: outcome.code, detail: outcome.detail } : { code: null, detail: null };
  const passed = outcome.kind === "pass" ? outcome : undefined;
  const signedAt = signedAtOf(outcome) ?? null;
  return {
    label,
    outcome: kind,
    ...invalid,
    signer: passed?.signer ?? null,
    signedAt,
    predicateType: passed?.statement?.predicateType ?? null,
  };
}

/** For a terminal: the verdict first, then what it rests on. Nothing that was signed can move the cursor or hide a line. */
export function verifyText(subject: VerifiedSubject, report: FileReport): string {
  const { verdict, level, counting, named } = report;
  const admitted = verdict.kind === "admit";
  const unlisted = named ? "" : ", unlisted (nobody was named who must have signed it)";
  const rows: (readonly [string, string])[] = [["digest", subject.digest]];
  if (subject.purl !== undefined) rows.push(["claims to be", subject.purl]);
  for (const { outcome } of report.evidence) rows.push(["checked", outcomeText(outcome)]);
  for (const { signer } of counting) rows.push(...signerRows(signer));
  rows.push(["level", `${level.level}: ${level.why}`]);
  for (const missing of notChecked(subject)) rows.push(["not checked", missing]);
  const reasons = admitted ? verdict.warnings : verdict.reasons;
  const lines = [
    `${subject.file}: ${admitted ? `verified${unlisted}` : "refused"}`,
    "",
    ...table(rows),
    ...(reasons.length === 0 ? [] : ["", admitted ? "Warnings:" : "Reasons:"]),
    ...reasons.flatMap(({ code, text, help }) => [`  ${code}  ${text}`, `    ${help}`]),
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

function outcomeText(outcome: Outcome): string {
  const what = outcome.label ?? "the archive's contents";
  switch (outcome.kind) {
    case "pass": {
      const { statement } = outcome;
      const signedAt = signedAtOf(outcome);
      return `${what}: good${statement ? `, a statement of type ${statement.predicateType}` : ""}${signedAt === undefined ? "" : `, signed ${signedAt}`}`;
    }
    case "invalid":
      return `${what}: ${outcome.code}`;
    case "absent":
      return `${what}: nothing to check`;
    case "unavailable":
      return `${what}: could not be checked`;
    default:
      return outcome satisfies never;
  }
}

/** ISO 8601 in UTC. */
function signedAtOf(outcome: Outcome): string | undefined {
  const time = outcome.kind === "pass" ? outcome.claims["signed_at"] : undefined;
  return typeof time === "number" ? new Date(time).toISOString() : undefined;
}

function notChecked({ purl, digestOnly }: VerifiedSubject): readonly string[] {
  const history = "what an index says (checksums, age, upstream) and who signed earlier versions: none was asked";
  if (purl === undefined) return ["what package it is, so that no rule about packages holds: say it with --purl", history];
  return digestOnly ? ["the archive's contents: only its digest is at hand", history] : [history];
}
