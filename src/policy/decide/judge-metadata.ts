import type { ArtifactRef } from "../../core/artifact.ts";
import type { Policy } from "../../core/policy.ts";
import type { Prospect } from "../../core/ports/policy.ts";
import { deniedBy } from "../denied-by.ts";
import type { OsvFeed } from "../osv-feed.ts";
import { type EffectiveRule, governanceBlock } from "../select-rule.ts";
import { type Judgement, judge } from "./judgement.ts";
import { publishTime } from "./upload-time.ts";

type Metadata = Omit<Prospect, "digest">;

/** What can be said of an archive without its bytes: by its name, version, upstream and age. */
export function judgeMetadata(
  question: Metadata,
  policy: Policy,
  feeds: ReadonlyMap<string, OsvFeed>,
  rule: EffectiveRule,
): readonly Judgement[] {
  return [
    ...judgePackage(question.ref, policy, feeds),
    ...judgeTag(question, rule),
    ...judgeUpstream(question, rule),
    ...judgeAge(question, rule),
  ];
}

/** What can be said of it by its name and version alone. */
export function judgePackage(ref: ArtifactRef, policy: Policy, feeds: ReadonlyMap<string, OsvFeed>): readonly Judgement[] {
  return [...judgeDenied(ref, policy, feeds), ...judgeGovernance(ref, policy)];
}

function judgeDenied(ref: ArtifactRef, policy: Policy, feeds: ReadonlyMap<string, OsvFeed>): readonly Judgement[] {
  const denial = deniedBy(policy, ref, feeds);
  return denial ? judge("error", { code: "DENIED", text: `denied: ${denial.reason}`, rule: denial.label, check: "deny" }) : [];
}

function judgeGovernance(ref: ArtifactRef, policy: Policy): readonly Judgement[] {
  const block = governanceBlock(policy, ref);
  return block ? judge("error", { code: "GOVERNANCE", text: block.text, rule: `governance.${block.gate}`, check: "governance" }) : [];
}

function judgeTag({ tags }: Metadata, { requireTag }: EffectiveRule): readonly Judgement[] {
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
function judgeUpstream({ upstreams }: Metadata, { binding }: EffectiveRule): readonly Judgement[] {
  if (!binding || upstreams.includes(binding.upstream)) return [];
  const text = `expected it from the upstream ${binding.upstream}, got it from ${upstreams[0] ?? "one that nobody knows"}`;
  return judge("error", { code: "UPSTREAM_NOT_ALLOWED", text, rule: binding.rule });
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Age counts from `publishTime`, but only where the index gives a time at all. */
function judgeAge(question: Metadata, { settings, origins }: EffectiveRule): readonly Judgement[] {
  const { minAgeMs } = settings;
  if (minAgeMs === 0) return [];
  const complaint = { code: "TOO_YOUNG", rule: origins.min_age, check: "min_age" } as const;
  const { publishedAt, now } = question;
  const since = publishTime(question);
  if (publishedAt === undefined || since === undefined) {
    return judge("error", {
      ...complaint,
      text: `expected an age of at least ${inWords(minAgeMs)}, but nobody says when it was published`,
    });
  }
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
