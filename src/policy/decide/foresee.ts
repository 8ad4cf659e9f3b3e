import type { Policy } from "../../core/policy.ts";
import type { Forecast, Prospect } from "../../core/ports/policy.ts";
import { type EffectiveRule, selectRule } from "../select-rule.ts";
import { softened, verdictOf } from "./conclude.ts";
import type { Ruling } from "./decide.ts";
import { judgeMetadata } from "./judge-metadata.ts";
import { publishTime } from "./upload-time.ts";

/**
 * What `decide` will say of an archive whatever its bytes and its evidence turn out to be: denials, gates, upstream and age, with the waivers and the mode of the policy.
 * A waiver that pins a digest holds where that digest is all that is claimed for the archive: other bytes would be refused for their checksum. Pure.
 */
export function foresee(prospect: Prospect, { policy, feeds }: Pick<Ruling, "policy" | "feeds">): Forecast {
  const rule = selectRule(policy, prospect.ref);
  const judgements = judgeMetadata(prospect, policy, feeds, rule).map((judgement) => softened(judgement, prospect, policy));
  return { verdict: verdictOf(judgements), until: nextChange(prospect, policy, rule) };
}

/** When the archive comes of age, or when the first waiver ends, whomever it is for: too early costs one more look, too late shows what holds no more. */
function nextChange(prospect: Prospect, { waivers }: Policy, { settings: { minAgeMs } }: EffectiveRule): number {
  const { now } = prospect;
  const ofAgeAt = minAgeMs > 0 ? (publishTime(prospect) ?? Number.POSITIVE_INFINITY) + minAgeMs : now;
  let next = ofAgeAt > now ? ofAgeAt : Number.POSITIVE_INFINITY;
  for (const { expiresAt } of waivers) if (expiresAt > now && expiresAt < next) next = expiresAt;
  return next;
}
