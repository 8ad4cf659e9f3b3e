import type { ArtifactRef } from "../../core/artifact.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import type { Policy } from "../../core/policy.ts";
import { printableLine } from "../../core/printable-line.ts";
import { formatPurl } from "../../core/purl.ts";
import { LEVELS, type Level } from "../../core/statement.ts";
import type { YamlEntry } from "../../core/yaml-draft.ts";
import { parsePurlPattern, purlCovers } from "../purl-pattern.ts";
import { freeName } from "../suggest/free-name.ts";
import { type Place, ruleFor } from "../suggest/written-rule.ts";
import { isExactPattern } from "./is-exact-pattern.ts";
import type { Observed } from "./observe.ts";

export interface ProposedRule {
  readonly entry: YamlEntry;
  readonly place: Place;
  /** The signers that it names. */
  readonly signers: readonly string[];
}

/** Whatever the policy says elsewhere about missing and foreign signatures: here they are refused. */
const STRICT = { require: true, on_missing: "error", on_untrusted: "error" } as const;
const EVERYTHING = "pkg:*/**";
/** The policy's language has room for as many patterns in one rule. */
const MAX_PATTERNS = 200;

/** Characters of a comment on what was seen. */
const MAX_SEEN = 200;

/** What is to be said of one package. */
interface PackageRule {
  /** The rule without its name and its patterns. */
  readonly settings: JsonObject;
  /** The name of a rule that it replaces. */
  readonly name: string | undefined;
  readonly match: readonly string[];
  readonly place: Place;
  readonly signers: readonly string[];
  /** What was seen, for a comment. */
  readonly seen: string;
}

/**
 * Rules that let each package be signed by whoever signed it in the lock, and by nobody else, at the level that it had there; packages that say the same share a rule. Nothing is
 * written for packages whose signers the policy names already.
 */
export function proposedRules(observed: readonly Observed[], policy: Policy): readonly ProposedRule[] {
  const packages = Map.groupBy(observed, ({ question: { ref } }) => `${ref.ecosystem} ${ref.name}`);
  const single = [...packages]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([, archives]) => packageRule(archives, policy) ?? []);
  const taken = new Set(policy.rules.map(({ label }) => label));
  const shared = [...Map.groupBy(single, ({ place, settings, name }) => JSON.stringify([place, settings, name ?? null])).values()];
  const rules = shared.flatMap((alike) => chunked(alike).map((each) => sharedRule(each, taken)));
  const isSettled = coversEverything(policy) || namesSigners(policy);
  return isSettled ? rules : [...rules, everythingElse(taken)];
}

function packageRule(archives: readonly Observed[], policy: Policy): PackageRule | undefined {
  const open = archives.filter(({ kind }) => kind === "signed" || kind === "unsigned");
  const [first] = open;
  if (!first || archives.some(({ kind }) => kind === "settled")) return undefined;
  const { question, weighing } = first;
  const pattern = packagePattern(question.ref);
  const signed = open.flatMap((each) => (each.kind === "signed" ? [each] : []));
  const signers = [...new Set(signed.map(({ signer }) => signer))].sort();
  const isSaidAlready = signers.length === 0 && (weighing.rule.rule === undefined || weighing.rule.settings.signedBy !== undefined);
  if (!isExactPattern(pattern) || isSaidAlready) return undefined;
  const changes: JsonObject = {
    ...(signers.length === 0 ? { signed_by: "nobody" } : { signed_by: { any: signers }, ...levelAsked(signed, weighing) }),
    signature: STRICT,
  };
  const { written, place } = ruleFor(question.ref, weighing.rule, policy, changes);
  const { name, match, ...settings } = written;
  return {
    settings,
    name: place.how === "replace" && name === place.rule ? place.rule : undefined,
    match: Array.isArray(match) ? match.filter((each) => typeof each === "string") : [pattern],
    place,
    signers,
    seen: seenIn(open),
  };
}

function packagePattern(ref: ArtifactRef): string {
  const purl = formatPurl(ref);
  // The last @ begins the version: one of a scope is written %40.
  return purl.slice(0, purl.lastIndexOf("@"));
}

/** The least that was seen. Nothing where the policy asks for more already, nor for L1: that is what a signature by one of those who are named makes. */
function levelAsked(signed: readonly { readonly level: Level }[], { rule }: Observed["weighing"]): JsonObject {
  const least = Math.min(...signed.map(({ level }) => LEVELS.indexOf(level)));
  const level = LEVELS[least];
  const isLess = least < LEVELS.indexOf(rule.settings.provenance.level);
  return level === undefined || level === "L0" || level === "L1" || isLess ? {} : { provenance: { level, on_missing: "error" } };
}

/** `1.0 L2, 1.1 unsigned`. */
function seenIn(archives: readonly Observed[]): string {
  const seen = archives.map((each) => `${each.question.ref.version} ${each.kind === "signed" ? each.level : "unsigned"}`);
  return printableLine([...new Set(seen)].sort().join(", "), MAX_SEEN);
}

function chunked(rules: readonly PackageRule[]): readonly (readonly PackageRule[])[] {
  const chunks: PackageRule[][] = [];
  for (let start = 0; start < rules.length; start += MAX_PATTERNS) chunks.push(rules.slice(start, start + MAX_PATTERNS));
  return chunks;
}

function sharedRule(alike: readonly PackageRule[], taken: Set<string>): ProposedRule {
  const [first] = alike;
  if (!first) throw new Error("a rule is shared by one package at least");
  const { settings, signers, place } = first;
  const name = first.name ?? freeName(signers[0] ?? "unsigned", (each) => taken.has(each));
  taken.add(name);
  const match: JsonValue[] = alike.flatMap((each) => [...each.match]);
  const comments = alike.flatMap((each) => each.match.map(() => `seen: ${each.seen}`));
  const why =
    signers.length === 0
      ? "Nobody signed these when they were locked: only what a waiver names is let in."
      : `Signed by ${signers.join(", ")} when they were locked: what somebody else signs, or nobody, is refused.`;
  return { entry: { value: { name, match, ...settings }, comments: [why], behind: { key: "match", comments } }, place, signers };
}

function everythingElse(taken: ReadonlySet<string>): ProposedRule {
  const name = freeName("everything-else", (each) => taken.has(each));
  const value = { name, match: [EVERYTHING], signed_by: "nobody", signature: STRICT };
  const comments = ["What was not in the lock: nobody is known who may sign it, so only what a waiver names is let in."];
  return { entry: { value, comments }, place: { how: "add" }, signers: [] };
}

/** A rule after one for everything would never be used, and the policy would not load. */
function coversEverything({ rules }: Policy): boolean {
  const everything = parsePurlPattern(EVERYTHING);
  return (
    everything.ok && rules.some(({ match, repositories }) => !repositories && match.some((each) => purlCovers(each, everything.value)))
  );
}

/** `defaults` or the `security` block may say who signs everything; that stays. */
function namesSigners({ defaults: { signedBy } }: Policy): boolean {
  return signedBy !== undefined;
}
