import type { ArtifactRef } from "../../core/artifact.ts";
import type { Digest } from "../../core/digest.ts";
import type { Policy } from "../../core/policy.ts";
import type { Reason, Verdict } from "../../core/verdict.ts";
import { waiverFor } from "../waiver-for.ts";
import type { Judgement } from "./judgement.ts";

/** What a waiver may speak about. Without `ref` none does: waivers are for packages. */
export interface Waivable {
  readonly ref?: ArtifactRef;
  /** Without it no waiver holds that pins one. */
  readonly digest: Digest | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A refusal that a waiver sets aside, or that is only rehearsed in audit mode, becomes a warning that says so. */
export function softened(judgement: Judgement, { ref, digest, now }: Waivable, policy: Policy): Judgement {
  if (judgement.effect !== "refuse") return judgement;
  const waiver = ref && judgement.check && waiverFor(policy, ref, judgement.check, digest, now);
  if (waiver) {
    const until = new Date(waiver.expiresAt).toISOString().slice(0, 10);
    return warning(judgement, "waiver", `${waiver.label}: waived by ${waiver.owner} until ${until} (${waiver.reason})`);
  }
  return policy.mode === "audit" ? warning(judgement, "audit", "audit: this would have been refused") : judgement;
}

function warning({ check, reason }: Judgement, setAside: NonNullable<Reason["setAside"]>, prefix: string): Judgement {
  return { effect: "warn", check, reason: { ...reason, text: `${prefix}; ${reason.text}`, setAside } };
}

export function verdictOf(judgements: readonly Judgement[]): Verdict {
  const reasons: Reason[] = judgements.filter(({ effect }) => effect === "refuse").map(({ reason }) => reason);
  const [first, ...others] = reasons;
  if (first) return { kind: "refuse", reasons: [first, ...others] };
  return { kind: "admit", warnings: judgements.map(({ reason }) => reason) };
}
