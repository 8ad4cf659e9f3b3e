import type { ArtifactRef } from "../../core/artifact.ts";
import { AssayError } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { PolicyQuestion } from "../../core/ports/policy.ts";
import { printableLine } from "../../core/printable-line.ts";
import { isTree } from "../../core/schema.ts";
import type { Reason } from "../../core/verdict.ts";
import { YamlDraft, type YamlEntry } from "../../core/yaml-draft.ts";
import { parseYamlText } from "../../core/yaml-text.ts";
import type { KnownNames } from "../cross-problems.ts";
import { type Ruling, weigh } from "../decide/decide.ts";
import { describeSigner, ownSignatures } from "../decide/signatures.ts";
import { AAM_KEYS, isAamConfiguration, type LoadedPolicy, loadPolicy, PolicyInvalid } from "../load-policy.ts";
import type { PolicyWarning } from "../policy-warning.ts";
import { letsIn, type OtherBytes } from "./lets-in.ts";
import { type Observed, observe } from "./observe.ts";
import { type ProposedRule, proposedRules } from "./proposed-rules.ts";
import { proposedWaivers, type WaiverTerms } from "./proposed-waivers.ts";
import { SignerBook } from "./signer-book.ts";

export interface ProposalRequest extends WaiverTerms {
  /** The policy to begin with: everything in it stays. */
  readonly base: { readonly text: string; readonly policy: Policy };
  /** The archives to let in, with what is known of them. */
  readonly questions: readonly PolicyQuestion[];
  /** What belongs to a policy beside its text. */
  readonly surroundingsOf: (question: PolicyQuestion) => Omit<Ruling, "policy">;
  readonly known: KnownNames;
}

export interface Proposal {
  /** A whole policy, in YAML, ready for review. The same archives on the same day make the same text. */
  readonly text: string;
  /** What it adds. */
  readonly added: { readonly signers: number; readonly rules: number; readonly waivers: number };
  /** What the policy would still refuse, once it is enforced, and why. */
  readonly remaining: readonly { readonly ref: ArtifactRef; readonly reasons: readonly Reason[] }[];
  /** Which other bytes it would let in by the name of an archive, because the policy that it began with does. */
  readonly open: readonly { readonly ref: ArtifactRef; readonly lets: OtherBytes }[];
  /** What is dangerous in it, or does nothing. */
  readonly warnings: readonly PolicyWarning[];
}

const NAME = "the proposed policy";

/**
 * A policy that lets these archives in and refuses other bytes in their place: each package by whoever signed it, at the level that it had, what is unsigned by its digest and until a day,
 * and of everything else nothing. It was tried on the archives before it is answered. What the policy to begin with refuses for more than a want of evidence is left refused: that is
 * for a person to decide. Throws UNPROCESSABLE where there is more than a policy can hold. Pure.
 */
export function propose(request: ProposalRequest): Proposal {
  const { base, questions, surroundingsOf, now } = request;
  const under = (policy: Policy) => (question: PolicyQuestion) => ({ ...surroundingsOf(question), policy });
  const begun: Policy = { ...base.policy, mode: "enforce" };
  const book = new SignerBook(begun, now);
  const observed = observe(questions, under(begun), book);
  const rules = proposedRules(observed, book.policy);
  const parts = { rules, signers: signerEntries(observed, rules, book) };
  const { policy: withRules } = load(written(request, { ...parts, waivers: [] }), request);
  const waivers = proposedWaivers(observed, under(withRules), request);
  const text = written(request, { ...parts, waivers });
  const { policy, warnings } = load(text, request);
  return {
    text,
    added: { signers: parts.signers.size, rules: rules.length, waivers: waivers.length },
    remaining: remainingOf(questions, under(policy)),
    open: questions.flatMap((question) => letsIn(question, under(policy)(question)).map((lets) => ({ ref: question.ref, lets }))),
    warnings,
  };
}

interface Parts {
  readonly signers: ReadonlyMap<string, YamlEntry>;
  readonly rules: readonly ProposedRule[];
  readonly waivers: readonly YamlEntry[];
}

/** Only those whom a rule names: a signer that nothing names does nothing. */
function signerEntries(observed: readonly Observed[], rules: readonly ProposedRule[], book: SignerBook): ReadonlyMap<string, YamlEntry> {
  const used = [...new Set(rules.flatMap(({ signers }) => signers))].sort();
  return new Map(
    used.flatMap((name) => {
      const value = book.entries.get(name);
      return value ? [[name, { value, comments: [seenBy(name, observed, book)] }] as const] : [];
    }),
  );
}

/** An entry is made of printable text alone, so that what describes its signer is printable too; escaped all the same. */
function seenBy(name: string, observed: readonly Observed[], book: SignerBook): string {
  const signed = observed.filter((each) => each.kind === "signed" && each.signer === name);
  const packages = [...new Set(signed.map(({ question }) => question.ref.name))].sort();
  const signers = signed.flatMap(({ weighing }) => ownSignatures(weighing.signatures.verified).map(({ signer }) => signer));
  const signer = signers.find((each) => book.nameOf(each) === name);
  const more = packages.length > MOST_NAMES ? ` and ${packages.length - MOST_NAMES} more` : "";
  return printableLine(`${signer ? `${describeSigner(signer)}, ` : ""}who signed ${packages.slice(0, MOST_NAMES).join(", ")}${more}`, 400);
}

const MOST_NAMES = 12;

function written({ base, now }: ProposalRequest, { rules, signers, waivers }: Parts): string {
  const { values } = parseYamlText(base.text);
  const draft = new YamlDraft(base.text);
  if (isTree(values) && isAamConfiguration(values)) {
    // The other keys of an `aam` client's configuration are that client's business, and no policy's.
    draft.keepOnly(AAM_KEYS);
    draft.set("version", 1);
  }
  if (base.policy.mode !== "enforce") draft.set("mode", "enforce");
  const day = new Date(now).toISOString().slice(0, 10);
  const heading = `Assay plan proposed what is new here on ${day}, from what was seen: nobody has vouched for it until somebody has reviewed it.`;
  if (!base.text.includes(heading)) draft.addHeading([heading]);
  for (const [name, entry] of signers) draft.addToMap("signers", name, entry);
  addRules(draft, rules, base.policy);
  for (const waiver of waivers) draft.addToList("waivers", waiver);
  return draft.toString();
}

/** First match wins, so a rule for one package goes before the one that takes it now. */
function addRules(draft: YamlDraft, rules: readonly ProposedRule[], { rules: before }: Policy): void {
  const labels: (string | undefined)[] = before.map(({ label }) => label);
  for (const { entry, place } of rules) {
    const position = place.how === "add" ? labels.length : labels.indexOf(place.rule);
    if (place.how === "replace") {
      draft.removeFromList("rules", position);
      labels.splice(position, 1);
    }
    draft.addToList("rules", entry, position);
    labels.splice(position, 0, undefined);
  }
}

function load(text: string, { known, now }: ProposalRequest): LoadedPolicy {
  try {
    return loadPolicy({ file: NAME, text, now, known });
  } catch (error) {
    if (!(error instanceof PolicyInvalid)) throw error;
    throw new AssayError("UNPROCESSABLE", `a policy for all of it cannot be written: ${error.message}`, {
      help: "plan fewer locks at once; a policy has room for 1000 rules, 2000 patterns and a MiB of text",
      cause: error,
    });
  }
}

function remainingOf(questions: readonly PolicyQuestion[], rulingFor: (question: PolicyQuestion) => Ruling): Proposal["remaining"] {
  return questions.flatMap((question) => {
    const { verdict } = weigh(question, rulingFor(question));
    return verdict.kind === "refuse" ? [{ ref: question.ref, reasons: verdict.reasons }] : [];
  });
}
