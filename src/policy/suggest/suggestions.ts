import { formatYaml } from "../../core/format-yaml.ts";
import type { Policy, WaivableCheck } from "../../core/policy.ts";
import type { PolicyQuestion } from "../../core/ports/policy.ts";
import { formatPurl } from "../../core/purl.ts";
import type { ReasonCode, Undecided, Verdict } from "../../core/verdict.ts";
import { type Ruling, type Weighing, weigh } from "../decide/decide.ts";
import { firstSigners } from "../decide/judge-continuity.ts";
import type { Judgement } from "../decide/judgement.ts";
import { describeSigner, ownSignatures } from "../decide/signatures.ts";
import { type Fragment, loadFragment } from "./fragment.ts";
import { type NamedSigner, signerEntry } from "./signer-entry.ts";
import { type Place, ruleFor, type WrittenRule } from "./written-rule.ts";

/** One thing to write into the policy. */
export interface PolicyEdit {
  readonly under: "signers" | "rules" | "waivers";
  readonly place: Place;
  /** With its key: loads as it stands in a policy that has no such key yet. */
  readonly yaml: string;
}

/** A change of the policy that was tried: it loads, and with it the verdict is another, or demands more. */
export interface Suggestion {
  readonly kind: "signer" | "rule" | "waiver";
  /** What it means, and when it is right. */
  readonly text: string;
  readonly edits: readonly [PolicyEdit, ...PolicyEdit[]];
  readonly verdict: "admit" | "refuse";
  /** Codes of the reasons that would remain. */
  readonly remaining: readonly ReasonCode[];
}

export interface Suggestions {
  readonly suggestions: readonly Suggestion[];
  /** Set where it is refused for something that no policy can allow, and why that is so. */
  readonly unchangeable: string | undefined;
}

type Draft = Pick<Suggestion, "kind" | "text"> & { readonly fragment: Fragment; readonly place: Place };

const WAIVER_MS = 30 * 86_400_000;

/**
 * What would change the verdict. In audit mode: what would, were the policy enforced. Nothing is suggested where integrity is broken. Each suggestion is tried before
 * it is made, on the policy with it in it. Pure.
 */
export function suggest(question: PolicyQuestion, ruling: Ruling): Suggestions {
  const policy: Policy = { ...ruling.policy, mode: "enforce" };
  const now = weigh(question, { ...ruling, policy });
  const refusing = now.judgements.filter(({ effect }) => effect === "refuse");
  const fixed = refusing.find(({ check }) => check === undefined);
  if (fixed) return { suggestions: [], unchangeable: whyUnchangeable(fixed) };
  if (now.verdict.kind === "undecided") return { suggestions: [], unchangeable: undefined };
  const drafts = [
    ...signerDrafts(question, now, policy),
    ...levelDrafts(question, now, policy),
    ...unsignedDrafts(question, now, policy),
    ...waiverDrafts(question, refusing),
  ];
  const suggestions = drafts.flatMap((draft) => tried(draft, { question, ruling: { ...ruling, policy }, now: now.verdict }) ?? []);
  return { suggestions, unchangeable: undefined };
}

function whyUnchangeable({ reason: { code, rule, verifier } }: Judgement): string {
  if (code === "UPSTREAM_NOT_ALLOWED")
    return `${code}: no waiver sets this aside. The rule ${rule} binds the name to one upstream, so that no other can slip in`;
  if (rule !== "always") return `${code}: no policy decides this. The configuration of the repository does, by its key ${rule}`;
  return verifier === "checksum"
    ? `${code}: no policy can allow this. Bytes that are not those claimed for them, or not those admitted before, are never served`
    : `${code}: no policy can allow this. An archive that can be read in more than one way, or is not what its name says, is never served`;
}

/** To name whoever signed it: where the policy or the package's history knows another signer, or nobody is demanded yet. */
function signerDrafts(question: PolicyQuestion, { rule, signatures, judgements, verdict }: Weighing, policy: Policy): readonly Draft[] {
  const { signedBy } = rule.settings;
  const isChanged = judgements.some(({ reason }) => reason.code === "SIGNER_CHANGED");
  const isUntrusted = judgements.some(({ reason }) => reason.code === "SIGNER_UNTRUSTED");
  const isUnlisted = !signedBy && verdict.kind === "admit";
  // One more name is no help where each of several must have signed.
  if (!(isChanged || isUntrusted || isUnlisted) || signedBy?.quantifier === "all") return [];
  return ownSignatures(signatures.verified)
    .slice(0, 1)
    .flatMap(({ signer }): readonly Draft[] => {
      const first = isChanged ? firstSigners(question) : [];
      const entries = namedSigners([signer, ...first], policy, question.now);
      if (!entries) return [];
      const before = signedBy?.signers.map(({ name }) => name).filter((name) => policy.signers.has(name)) ?? [];
      const any = [...new Set([...before, ...entries.map(({ name }) => name)])];
      const signers = Object.fromEntries(entries.flatMap(({ name, written }) => (written ? [[name, written] as const] : [])));
      const who = describeSigner(signer);
      const text = isUnlisted
        ? `demand ${who} from now on: whatever somebody else signs, or nobody, is then refused`
        : isChanged
          ? `name ${who} beside the first signer, if you have found out that the project moved there`
          : `name ${who} as well, if you have found out that they may publish this package`;
      return [draftOf("signer", text, ruleFor(question.ref, rule, policy, { signed_by: { any } }), signers)];
    });
}

/** Undefined where one of them cannot be named: the others alone would shut out what is signed by that one. */
function namedSigners(signers: Parameters<typeof signerEntry>[0][], policy: Policy, now: number): readonly NamedSigner[] | undefined {
  const named: NamedSigner[] = [];
  let known = policy;
  for (const signer of signers) {
    const entry = signerEntry(signer, known, now);
    if (!entry) return undefined;
    named.push(entry);
    const added = entry.written && loadFragment({ signers: { [entry.name]: entry.written } }, known, now);
    if (added) known = { ...known, signers: new Map([...known.signers, ...added.signers]) };
  }
  return named;
}

function levelDrafts({ ref }: PolicyQuestion, { rule, level, judgements }: Weighing, policy: Policy): readonly Draft[] {
  if (!judgements.some(({ effect, reason }) => effect === "refuse" && reason.code === "PROVENANCE_TOO_LOW")) return [];
  const text = `ask for no more than ${level.level} of this package, if that is as much as it will have`;
  return [draftOf("rule", text, ruleFor(ref, rule, policy, { provenance: { level: level.level } }))];
}

function unsignedDrafts({ ref }: PolicyQuestion, { rule, judgements }: Weighing, policy: Policy): readonly Draft[] {
  if (!judgements.some(({ effect, reason }) => effect === "refuse" && reason.code === "SIGNATURE_MISSING")) return [];
  const text = "let this package be unsigned, if its maintainers do not sign: nothing then shows who made it";
  return [draftOf("rule", text, ruleFor(ref, rule, policy, { signature: { require: false } }))];
}

function draftOf(kind: "signer" | "rule", text: string, { written, place }: WrittenRule, signers: Fragment["signers"] = {}): Draft {
  return { kind, text, place, fragment: { ...(Object.keys(signers).length === 0 ? {} : { signers }), rules: [written] } };
}

/** One waiver for all that stands in the way. Bad evidence is waived for these very bytes only. */
function waiverDrafts({ ref, digest, now }: PolicyQuestion, refusing: readonly Judgement[]): readonly Draft[] {
  const waive = [...new Set(refusing.flatMap(({ check }) => check ?? []))] satisfies WaivableCheck[];
  if (waive.length === 0) return [];
  const waiver = {
    purl: formatPurl(ref),
    waive,
    owner: "name who answers for this",
    reason: "say why it is right",
    expires: new Date(now + WAIVER_MS).toISOString().slice(0, 10),
    ...(waive.includes("invalid") ? { digest: `sha256:${digest}` } : {}),
  };
  const text = "waive it for this archive until that day, if you have looked at it and answer for it";
  return [{ kind: "waiver", text, place: { how: "add" }, fragment: { waivers: [waiver] } }];
}

interface Trial {
  readonly question: PolicyQuestion;
  readonly ruling: Ruling;
  readonly now: Verdict | Undecided;
}

/** Undefined where the draft does not load or does no good. */
function tried({ kind, text, fragment, place }: Draft, { question, ruling, now }: Trial): Suggestion | undefined {
  const loaded = loadFragment(fragment, ruling.policy, question.now);
  if (!loaded) return undefined;
  const policy: Policy = {
    ...ruling.policy,
    signers: new Map([...ruling.policy.signers, ...loaded.signers]),
    rules: placed(ruling.policy.rules, loaded.rules, place),
    waivers: [...ruling.policy.waivers, ...loaded.waivers],
  };
  const { verdict } = weigh(question, { ...ruling, policy });
  const [before, after] = [refusals(now), refusals(verdict)];
  const isBetter = before.length > 0 ? after.length < before.length : after.length === 0;
  const [first, ...others] = editsOf(fragment, place);
  if (!isBetter || verdict.kind === "undecided" || !first) return undefined;
  return { kind, text, edits: [first, ...others], verdict: verdict.kind, remaining: after };
}

function placed(rules: Policy["rules"], added: Policy["rules"], place: Place): Policy["rules"] {
  if (place.how === "add") return [...rules, ...added];
  return rules.flatMap((rule) => {
    if (rule.label !== place.rule) return [rule];
    return place.how === "replace" ? added : [...added, rule];
  });
}

function refusals(verdict: Verdict | Undecided): readonly ReasonCode[] {
  return verdict.kind === "refuse" ? verdict.reasons.map(({ code }) => code) : [];
}

function editsOf({ signers, rules, waivers }: Fragment, place: Place): readonly PolicyEdit[] {
  return [
    ...(signers ? [{ under: "signers", place: { how: "add" }, yaml: formatYaml({ signers }) } as const] : []),
    ...(rules ? [{ under: "rules", place, yaml: formatYaml({ rules }) } as const] : []),
    ...(waivers ? [{ under: "waivers", place, yaml: formatYaml({ waivers }) } as const] : []),
  ];
}
