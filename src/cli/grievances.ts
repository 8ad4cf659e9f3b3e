import type { Planned } from "../mirror/plan/planner.ts";

/** What a policy has against an archive, in one line for people. `code` is null where nothing is known. */
export interface Grievance {
  readonly code: string | null;
  readonly rule: string | null;
  /** Where in the policy file the rule stands. */
  readonly at: string | null;
  readonly text: string;
}

/** Why an archive would be refused once the policy is enforced, or why that is not known; none for one that is admitted. */
export function grievancesOf(planned: Planned): readonly Grievance[] {
  switch (planned.kind) {
    case "unknown":
      return [{ code: null, rule: null, at: null, text: planned.detail }];
    case "other-bytes":
      return [{ code: planned.reason.code, rule: null, at: null, text: `${planned.reason.code}: ${planned.reason.text}` }];
    case "judged": {
      const { verdict, placeOf } = planned.rehearsal;
      if (verdict.kind !== "refuse") return [];
      return verdict.reasons.map(({ code, rule, text }) => {
        const at = placeOf(rule) ?? null;
        return { code, rule, at, text: `${code} [${rule}${at === null ? "" : `, ${at}`}] ${text}` };
      });
    }
    default:
      return planned satisfies never;
  }
}
