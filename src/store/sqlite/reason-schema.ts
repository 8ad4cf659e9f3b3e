import { z } from "zod";
import { FINDING_CODES, VERIFIER_IDS } from "../../core/evidence.ts";
import { POLICY_REASON_CODES, type PolicyInForce, type Reason } from "../../core/verdict.ts";

export const reasonSchema = z.looseObject({
  code: z.enum([...FINDING_CODES, ...POLICY_REASON_CODES]),
  rule: z.string(),
  verifier: z.enum([...VERIFIER_IDS, "policy"]),
  text: z.string(),
  help: z.string(),
  setAside: z.enum(["audit", "waiver"]).exactOptional(),
}) satisfies z.ZodType<Reason>;

export const policyInForceSchema = z.looseObject({
  file: z.string(),
  revision: z.string(),
  mode: z.enum(["enforce", "audit"]),
  rule: z.string(),
  ruleAt: z.string().exactOptional(),
}) satisfies z.ZodType<PolicyInForce>;
