import { isDeepStrictEqual } from "node:util";
import type { Evidence } from "../core/evidence.ts";
import type { Admission } from "../core/verdict.ts";

/** Whether two checks found the same, whenever they were made and in whatever order their findings and the members of these stand. */
export function saysTheSame(one: readonly Evidence[], other: readonly Evidence[]): boolean {
  return isDeepStrictEqual(plain(one), plain(other));
}

/** Whether a refusal says nothing that the journal line before it does not say: of the same bytes, from the same place, on the same findings and by the same policy. */
export function isSameRefusal(before: Admission, now: Admission): boolean {
  if (before.verdict.kind !== "refuse" || now.verdict.kind !== "refuse") return false;
  const facts = ({ digest, url, upstream, claims, publishedAt, policy }: Admission): unknown => ({
    ...{ digest, url, upstream, claims, publishedAt },
    policy: policy?.revision,
  });
  // Not their words, which count days.
  const reasons = ({ verdict }: Admission): unknown =>
    verdict.kind === "refuse" ? verdict.reasons.map(({ code, rule, verifier }) => [code, rule, verifier]) : [];
  return (
    isDeepStrictEqual(facts(before), facts(now)) &&
    isDeepStrictEqual(reasons(before), reasons(now)) &&
    saysTheSame(before.evidence, now.evidence)
  );
}

/** As the index would give it back. */
function plain(evidence: readonly Evidence[]): unknown {
  const found = evidence.map(({ checkedAt: _, ...rest }) => JSON.parse(JSON.stringify(rest)) as Omit<Evidence, "checkedAt">);
  return Object.groupBy(found.toSorted(byLabel), ({ verifier }) => verifier);
}

function byLabel(one: Omit<Evidence, "checkedAt">, other: Omit<Evidence, "checkedAt">): number {
  const [left, right] = [one.outcome.label ?? "", other.outcome.label ?? ""];
  return left < right ? -1 : left > right ? 1 : 0;
}
