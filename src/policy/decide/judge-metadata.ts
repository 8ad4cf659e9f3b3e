import type { Policy } from "../../core/policy.ts";
import type { PolicyQuestion } from "../../core/ports/policy.ts";
import { deniedBy } from "../denied-by.ts";
import type { OsvFeed } from "../osv-feed.ts";
import { type EffectiveRule, governanceBlock } from "../select-rule.ts";
import { type Judgement, judge } from "./judgement.ts";

/** What can be said of an archive without its bytes: by its name, version, upstream and age. */
export function judgeMetadata(
  question: PolicyQuestion,
  policy: Policy,
  feeds: ReadonlyMap<string, OsvFeed>,
  rule: EffectiveRule,
): readonly Judgement[] {
  return [
    ...judgeDenied(question, policy, feeds),
    ...judgeGovernance(question, policy),
    ...judgeTag(question, rule),
    ...judgeUpstream(question, rule),
    ...judgeAge(question, rule),
  ];
}

function judgeDenied({ ref }: PolicyQuestion, policy: Policy, feeds: ReadonlyMap<string, OsvFeed>): readonly Judgement[] {
  const denial = deniedBy(policy, ref, feeds);
  return denial ? judge("error", { code: "DENIED", text: `denied: ${denial.reason}`, rule: denial.label, check: "deny" }) : [];
}

function judgeGovernance({ ref }: PolicyQuestion, policy: Policy): readonly Judgement[] {
  const block = governanceBlock(policy, ref);
  return block ? judge("error", { code: "GOVERNANCE", text: block.text, rule: `governance.${block.gate}`, check: "governance" }) : [];
}

function judgeTag({ tags }: PolicyQuestion, { requireTag }: EffectiveRule): readonly Judgement[] {
  if (requireTag === undefined || tags?.includes(requireTag)) return [];
  const got = tags === undefined ? "a version whose tags are not known" : `one tagged ${tags.join(", ") || "with nothing"}`;
  return judge("error", {
    code: "GOVERNANCE",
    text: `expected a version tagged ${requireTag}, got ${got}`,
    rule: "governance.require_tag",
    check: "governance",
  });
}

/** Dependency confusion: a name that is bound to one upstream is not taken from another, whatever that one has under it. */
function judgeUpstream({ upstreams }: PolicyQuestion, { upstream, label }: EffectiveRule): readonly Judgement[] {
  if (upstream === undefined || upstreams.includes(upstream)) return [];
  const text = `expected it from the upstream ${upstream}, got it from ${upstreams.join(", ")}`;
  return judge("error", { code: "UPSTREAM_NOT_ALLOWED", text, rule: label });
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Age counts from the publish time, or from our first sight where that is later and we had seen the package before without this file: a publish time is the
 * index's word and can be made up, what we saw cannot. Not from our first sight of a whole package, or a new mirror would find everything too young.
 */
function judgeAge(question: PolicyQuestion, { settings, origins }: EffectiveRule): readonly Judgement[] {
  const { minAgeMs } = settings;
  if (minAgeMs === 0) return [];
  const complaint = { code: "TOO_YOUNG", rule: origins.min_age, check: "min_age" } as const;
  const { publishedAt, firstSeenAt, packageFirstSeenAt, now } = question;
  if (publishedAt === undefined) {
    return judge("error", {
      ...complaint,
      text: `expected an age of at least ${inWords(minAgeMs)}, but nobody says when it was published`,
    });
  }
  const cameLater = firstSeenAt !== undefined && packageFirstSeenAt !== undefined && firstSeenAt > packageFirstSeenAt;
  const since = cameLater ? Math.max(publishedAt, firstSeenAt) : publishedAt;
  const ageMs = now - since;
  if (ageMs >= minAgeMs) return [];
  const event = since === publishedAt ? "published" : "first seen";
  const text = `expected an age of at least ${inWords(minAgeMs)}, it was ${event} ${inWords(Math.max(0, ageMs))} ago: wait ${inWords(minAgeMs - ageMs)}`;
  return judge("error", { ...complaint, text });
}

function inWords(durationMs: number): string {
  const [count, unit] = durationMs >= 2 * DAY_MS ? [Math.ceil(durationMs / DAY_MS), "day"] : [Math.ceil(durationMs / HOUR_MS), "hour"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
