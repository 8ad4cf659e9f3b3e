import type { JsonObject } from "../../core/json.ts";
import { WAIVABLE_CHECKS, type WaivableCheck } from "../../core/policy.ts";
import type { PolicyQuestion } from "../../core/ports/policy.ts";
import { formatPurl } from "../../core/purl.ts";
import type { YamlEntry } from "../../core/yaml-draft.ts";
import { type Ruling, weigh } from "../decide/decide.ts";
import { ownSignatures } from "../decide/signatures.ts";
import { isExactPattern } from "./is-exact-pattern.ts";
import type { Observed } from "./observe.ts";

export interface WaiverTerms {
  /** Who answers for the waivers. */
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Long enough to ask maintainers for signatures, short enough to be looked at again. */
const WAIVER_MS = 90 * 86_400_000;

/** What a proposal may set aside: that there is too little evidence, and never that there is bad evidence. */
const WAIVED_UNSIGNED: ReadonlySet<WaivableCheck> = new Set<WaivableCheck>(["signature", "signed_by", "provenance"]);
const WAIVED_SIGNED: ReadonlySet<WaivableCheck> = new Set<WaivableCheck>(["provenance"]);

/** Waivers for archives of the lock that have too little evidence, each for its very bytes: other ones of the same name and version are refused. */
export function proposedWaivers(
  observed: readonly Observed[],
  rulingFor: (question: PolicyQuestion) => Ruling,
  terms: WaiverTerms,
): readonly YamlEntry[] {
  const entries = observed.flatMap((each) => waiverOf(each, rulingFor, terms) ?? []);
  const different = new Map(entries.map((entry) => [JSON.stringify(entry.value), entry]));
  return [...different].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, entry]) => entry);
}

function waiverOf(
  { kind, question }: Observed,
  rulingFor: (question: PolicyQuestion) => Ruling,
  { owner, now }: WaiverTerms,
): YamlEntry | undefined {
  if (kind !== "signed" && kind !== "unsigned") return undefined;
  const { judgements, signatures } = weigh(question, rulingFor(question));
  const refusing = judgements.filter(({ effect, reason }) => effect === "refuse" && reason.code !== "TOO_YOUNG");
  const allowed = kind === "signed" ? WAIVED_SIGNED : WAIVED_UNSIGNED;
  if (refusing.length === 0 || !refusing.every(({ check }) => check !== undefined && allowed.has(check))) return undefined;
  const purl = formatPurl(question.ref);
  if (!isExactPattern(purl)) return undefined;
  const value: JsonObject = {
    purl,
    waive: WAIVABLE_CHECKS.filter((check) => refusing.some((each) => each.check === check)),
    digest: `sha256:${question.digest}`,
    owner,
    reason: reasonFor(kind, ownSignatures(signatures.verified).length > 0, new Date(now).toISOString().slice(0, 10)),
    expires: new Date(now + WAIVER_MS).toISOString().slice(0, 10),
  };
  return { value, comments: [] };
}

function reasonFor(kind: "signed" | "unsigned", isSigned: boolean, day: string): string {
  if (kind === "signed") return `it had less provenance than is asked for when it was locked (assay plan, ${day})`;
  return isSigned
    ? `signed by one whom a policy cannot name without naming others (assay plan, ${day})`
    : `nobody who makes it had signed it when it was locked (assay plan, ${day})`;
}
