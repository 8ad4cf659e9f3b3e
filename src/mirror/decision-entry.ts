import type { Asker, DecisionEntry, EvidenceSummary, ReasonSummary } from "../core/decision.ts";
import type { Evidence } from "../core/evidence.ts";
import { formatPurl } from "../core/purl.ts";
import type { PolicyInForce, Reason, Undecided, Verdict } from "../core/verdict.ts";
import { visibleText } from "../core/visible-text.ts";
import { describeSigner } from "../policy/decide/signatures.ts";
import type { Facts } from "./judge.ts";

/** What somebody was told of an archive. */
export interface Told {
  readonly asker: Asker;
  readonly facts: Facts;
  readonly verdict: Verdict | Undecided;
  readonly policy: PolicyInForce | undefined;
  readonly basis: DecisionEntry["basis"];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/*
 * Together they keep an entry below MAX_DECISION_BYTES whatever a registry, a statement or a client says: a character takes three bytes at most. What is left out
 * stands in the artifact's journal line.
 */
const MAX_EVIDENCE = 24;
const MAX_REASONS = 16;
const TEXT_CHARACTERS = 400;
const NAME_CHARACTERS = 120;
const SIGNER_CHARACTERS = 240;
const PATH_CHARACTERS = 1000;

/** An entry for the decision log, as it stands before it has a position. Pure. */
export function decisionEntry({ asker, facts, verdict, policy, basis, now }: Told): DecisionEntry {
  const reasons = verdict.kind === "refuse" ? verdict.reasons : [];
  const warnings = verdict.kind === "admit" ? verdict.warnings : [];
  // Evidence about other bytes is none.
  const evidence = facts.evidence.filter(({ subject }) => subject === facts.digest);
  return {
    format: 1,
    time: new Date(now).toISOString(),
    outcome: verdict.kind === "admit" && warnings.length > 0 ? "admit-with-warnings" : verdict.kind,
    basis,
    asker,
    repeats: 0,
    repository: facts.ref.repository,
    purl: clip(formatPurl(facts.ref), PATH_CHARACTERS),
    file: clip(facts.ref.file, PATH_CHARACTERS),
    digest: `sha256:${facts.digest}`,
    sizeBytes: facts.sizeBytes,
    upstream: facts.upstream,
    policy: policy ? { ...policy, file: clip(policy.file, PATH_CHARACTERS) } : null,
    trustRoots: trustRootsOf(evidence),
    evidence: evidence.slice(0, MAX_EVIDENCE).map(summaryOf),
    reasons: reasons.slice(0, MAX_REASONS).map(shortened),
    warnings: warnings.slice(0, MAX_REASONS).map(shortened),
    wouldRefuse: warnings.some(({ setAside }) => setAside === "audit"),
    ...(verdict.kind === "undecided" ? { detail: clip(verdict.detail, TEXT_CHARACTERS) } : {}),
  };
}

/** What two entries must differ in for the later one to be news: the outcome, the policy and its rule, and the reasons' codes. Not their words, which count days. */
export function newsIn({ outcome, policy, reasons, warnings }: DecisionEntry): string {
  const codes = [...reasons, ...warnings].map(({ code, rule }) => [code, rule]);
  return JSON.stringify([outcome, policy?.revision, policy?.rule, codes]);
}

function trustRootsOf(evidence: readonly Evidence[]): readonly string[] {
  const roots = evidence.flatMap(({ outcome }) => {
    const root = outcome.kind === "pass" ? outcome.claims["trust_root_sha256"] : undefined;
    return typeof root === "string" ? [root] : [];
  });
  return [...new Set(roots)].slice(0, MAX_EVIDENCE);
}

function summaryOf({ verifier, outcome }: Evidence): EvidenceSummary {
  return {
    verifier,
    outcome: outcome.kind,
    ...(outcome.kind === "invalid" ? { code: outcome.code } : {}),
    ...(outcome.label === undefined ? {} : { label: clip(outcome.label, NAME_CHARACTERS) }),
    ...(outcome.kind === "pass" && outcome.signer ? { signer: clip(describeSigner(outcome.signer), SIGNER_CHARACTERS) } : {}),
  };
}

function shortened({ code, rule, verifier, text, setAside }: Reason): ReasonSummary {
  return {
    code,
    rule: clip(rule, NAME_CHARACTERS),
    verifier,
    text: clip(text, TEXT_CHARACTERS),
    ...(setAside === undefined ? {} : { setAside }),
  };
}

function clip(text: string, maxCharacters: number): string {
  const line = visibleText(text);
  return line.length <= maxCharacters ? line : `${line.slice(0, maxCharacters - 1).toWellFormed()}…`;
}
