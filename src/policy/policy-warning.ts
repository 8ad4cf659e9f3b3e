/** What is dangerous or without effect in a policy that loads. A closed list: `assay policy check --json` prints it. */
export const POLICY_WARNING_CODES = [
  "AUDIT_MODE",
  "INVALID_NOT_REFUSED",
  "ANYONE_MATCHES",
  "NAME_WITHOUT_ID",
  "NO_KEYS",
  "NEVER_REACHED",
  "PARTLY_SHADOWED",
  "SCOPES_NOT_MATCHED",
  "FAILURE_ONLY_WARNED",
  "WITHOUT_EFFECT",
  "UPSTREAM_MISSING",
  "NAME_SET_FREE",
  "WAIVER_WIDE",
  "WAIVER_ENDS_SOON",
  "WAIVER_ENDS_LATE",
  "FEED_STALE",
  "FEED_DAMAGED",
] as const;

export interface PolicyWarning {
  /** `config/policy.yaml:12:5`. */
  readonly at: string;
  /** `rules[0].match[1]`. */
  readonly key: string;
  readonly code: (typeof POLICY_WARNING_CODES)[number];
  /** What it means, and what to do about it. */
  readonly text: string;
}

export function formatWarning({ at, key, text }: PolicyWarning): string {
  return `${at}${key === "" ? "" : ` ${key}`}: ${text}`;
}
