import { z } from "zod";
import { type Asker, DECISION_OUTCOMES, type DecisionEntry } from "../../core/decision.ts";
import { VERIFIER_IDS } from "../../core/evidence.ts";
import { bytesSchema, timeSchema } from "./read-row.ts";
import { policyInForceSchema, reasonSchema } from "./reason-schema.ts";

const askerSchema = z.discriminatedUnion("kind", [
  z.looseObject({
    kind: z.literal("client"),
    requestId: z.string(),
    method: z.string(),
    address: z.string(),
    proxy: z.string().exactOptional(),
    userAgent: z.string().exactOptional(),
  }),
  z.looseObject({ kind: z.literal("command"), command: z.string() }),
]) satisfies z.ZodType<Asker>;

const summarySchema = reasonSchema.omit({ help: true });

/** An entry of the decision log, as it is kept. */
export const decisionSchema = z.looseObject({
  format: z.literal(1),
  position: z.int().nonnegative(),
  time: z.iso.datetime(),
  outcome: z.enum(DECISION_OUTCOMES),
  basis: z.enum(["fetched", "held"]),
  asker: askerSchema,
  repeats: timeSchema,
  repository: z.string(),
  purl: z.string(),
  file: z.string(),
  digest: z.string(),
  sizeBytes: bytesSchema,
  upstream: z.string(),
  policy: policyInForceSchema.nullable(),
  trustRoots: z.array(z.string()),
  evidence: z.array(
    z.looseObject({
      verifier: z.enum(VERIFIER_IDS),
      outcome: z.enum(["pass", "invalid", "absent", "unavailable"]),
      code: z.string().exactOptional(),
      label: z.string().exactOptional(),
      signer: z.string().exactOptional(),
    }),
  ),
  reasons: z.array(summarySchema),
  warnings: z.array(summarySchema),
  wouldRefuse: z.boolean(),
  detail: z.string().exactOptional(),
}) satisfies z.ZodType<DecisionEntry>;
