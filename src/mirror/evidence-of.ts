import type { Evidence, Outcome } from "../core/evidence.ts";
import type { RestsOn } from "../core/ports/verifier.ts";

/** What one verifier found, as it is kept. */
export function evidenceOf(
  outcomes: readonly Outcome[],
  about: Pick<Evidence, "verifier" | "subject" | "checkedAt">,
  restsOn: RestsOn | undefined,
): readonly Evidence[] {
  return outcomes.map((outcome) => {
    const roots = restsOn?.(outcome);
    return { ...about, outcome, ...(roots === undefined ? {} : { restsOn: roots }) };
  });
}
