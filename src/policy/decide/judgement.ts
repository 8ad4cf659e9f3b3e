import type { VerifierId } from "../../core/evidence.ts";
import type { OnFailure, WaivableCheck } from "../../core/policy.ts";
import type { Reason, ReasonCode } from "../../core/verdict.ts";
import { HELP } from "./help.ts";

/** What one check has against an archive, and what is to be done about it. */
export interface Judgement {
  readonly effect: "refuse" | "warn";
  /** What a waiver must name to set it aside; undefined for what nothing sets aside. */
  readonly check: WaivableCheck | undefined;
  readonly reason: Reason;
}

export interface Complaint {
  readonly code: ReasonCode;
  readonly text: string;
  /** The setting, rule or entry of the policy that decides. */
  readonly rule: string;
  readonly verifier?: VerifierId;
  readonly check?: WaivableCheck;
}

/** `ignore` leaves no trace in the verdict: the evidence itself is on record. */
export function judge(onFailure: OnFailure, { code, text, rule, verifier, check }: Complaint): readonly Judgement[] {
  if (onFailure === "ignore") return [];
  const reason: Reason = { code, rule, verifier: verifier ?? "policy", text, help: HELP[code] };
  return [{ effect: onFailure === "error" ? "refuse" : "warn", check, reason }];
}
