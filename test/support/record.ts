import type { Asker, DecisionEntry } from "../../src/core/decision.ts";
import type { Index } from "../../src/core/ports/index-store.ts";
import type { Admission, PolicyInForce } from "../../src/core/verdict.ts";
import { decisionEntry } from "../../src/mirror/decision-entry.ts";

/** Somebody who asks for archives. */
export const ASKER: Asker = { kind: "client", requestId: "0123456789abcdef", method: "GET", address: "192.0.2.1", userAgent: "pip/26.0" };

export const IN_FORCE: PolicyInForce = { file: "policy.yaml", revision: "ab".repeat(32), mode: "enforce", rule: "defaults" };

/** The entry that the mirror makes of an admission. */
export function entryOf(admission: Admission): DecisionEntry {
  const { verdict, policy, decidedAt: now } = admission;
  return decisionEntry({ asker: ASKER, facts: admission, verdict, policy, basis: "fetched", now });
}

/** Records an admission with its entry. */
export async function record(index: Pick<Index, "record">, admission: Admission): Promise<void> {
  await index.record(admission, entryOf(admission));
}
