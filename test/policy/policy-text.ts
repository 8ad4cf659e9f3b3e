import type { Policy } from "../../src/core/policy.ts";
import { type LoadedPolicy, loadPolicy, PolicyInvalid, type PolicySource } from "../../src/policy/load-policy.ts";

/** Noon of 23 November 2026, UTC. */
export const NOW = Date.UTC(2026, 10, 23, 12);

export function load(text: string, more: Partial<PolicySource> = {}): LoadedPolicy {
  return loadPolicy({ file: "policy.yaml", text, now: NOW, ...more });
}

export function policyOf(text: string): Policy {
  return load(text).policy;
}

/** The lines that say what is wrong with a policy. */
export function problemsOf(text: string, more: Partial<PolicySource> = {}): string[] {
  try {
    load(text, more);
  } catch (error) {
    if (error instanceof PolicyInvalid) return error.message.split("\n").slice(1);
    throw error;
  }
  throw new Error("expected PolicyInvalid, got a policy");
}
