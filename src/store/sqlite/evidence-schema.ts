import { z } from "zod";
import { parseDigest } from "../../core/digest.ts";
import { type Evidence, FINDING_CODES, type Outcome, VERIFIER_IDS } from "../../core/evidence.ts";
import { isJsonObject, type JsonObject } from "../../core/json.ts";
import type { Signer, SourceClaims } from "../../core/signer.ts";
import type { Statement } from "../../core/statement.ts";
import { timeSchema } from "./read-row.ts";

const sourceSchema = z.looseObject({
  repository: z.string().exactOptional(),
  repositoryId: z.string().exactOptional(),
  ownerId: z.string().exactOptional(),
  commit: z.string().exactOptional(),
  ref: z.string().exactOptional(),
  buildConfig: z.string().exactOptional(),
  buildSigner: z.string().exactOptional(),
  runner: z.string().exactOptional(),
  trigger: z.string().exactOptional(),
  environment: z.string().exactOptional(),
  invocation: z.string().exactOptional(),
}) satisfies z.ZodType<SourceClaims>;

const signerSchema = z.discriminatedUnion("kind", [
  z.looseObject({
    kind: z.literal("sigstore"),
    trust: z.string(),
    issuer: z.string(),
    identity: z.looseObject({ type: z.enum(["email", "uri"]), value: z.string() }),
    source: sourceSchema,
  }),
  z.looseObject({ kind: z.literal("key"), keyId: z.string() }),
  z.looseObject({ kind: z.literal("openpgp"), fingerprint: z.string() }),
  z.looseObject({ kind: z.literal("registry"), keyId: z.string() }),
  z.looseObject({ kind: z.literal("vsa"), keyId: z.string() }),
]) satisfies z.ZodType<Signer>;

const statementSchema = z.looseObject({
  type: z.string(),
  subjects: z.array(z.looseObject({ name: z.string(), digest: z.record(z.string(), z.string()) })),
  predicateType: z.string(),
  // It was read from JSON a moment ago, so all within is JSON.
  predicate: z.custom<JsonObject | null>((value) => value === null || isJsonObject(value)),
}) satisfies z.ZodType<Statement>;

const label = z.string().exactOptional();

const outcomeSchema = z.discriminatedUnion("kind", [
  z.looseObject({
    kind: z.literal("pass"),
    claims: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
    label,
    signer: signerSchema.exactOptional(),
    statement: statementSchema.exactOptional(),
  }),
  z.looseObject({ kind: z.literal("invalid"), code: z.enum(FINDING_CODES), detail: z.string(), label }),
  z.looseObject({ kind: z.literal("absent"), label, detail: z.string().exactOptional() }),
  z.looseObject({ kind: z.literal("unavailable"), detail: z.string(), label }),
]) satisfies z.ZodType<Outcome>;

/** One finding of one verifier, as it is kept in a journal line: damaged or edited by hand, it must not pass for what was verified. */
export const evidenceSchema = z.looseObject({
  verifier: z.enum(VERIFIER_IDS),
  subject: z.string().transform(parseDigest),
  checkedAt: timeSchema,
  outcome: outcomeSchema,
  restsOn: z.string().exactOptional(),
}) satisfies z.ZodType<Evidence>;
