import { formatYaml } from "../../core/format-yaml.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Policy, Rule, SignerRule } from "../../core/policy.ts";
import { asList, asTree, valueAt } from "../../core/schema.ts";
import { loadPolicy, PolicyInvalid } from "../load-policy.ts";

/** Times of day make no difference to what is suggested, and schemas are made anew for each `now`. */
const DAY_MS = 86_400_000;

/** Entries for a policy, as they are written. */
export interface Fragment {
  readonly signers?: Readonly<Record<string, JsonObject>>;
  readonly rules?: readonly JsonObject[];
  readonly waivers?: readonly JsonObject[];
}

/**
 * Reads entries as the policy's own file would be read with them in it, through their text. Signers that they name and the policy has are the policy's. Undefined
 * where the loader does not take them: what nobody could paste is not suggested.
 */
export function loadFragment(fragment: Fragment, policy: Policy, now: number): Pick<Policy, "signers" | "rules" | "waivers"> | undefined {
  const named = (fragment.rules ?? []).flatMap((rule) =>
    ["any", "all"].flatMap((quantifier) => asList(valueAt(asTree(rule), ["signed_by", quantifier]))),
  );
  const standIns = Object.fromEntries(named.filter((name) => typeof name === "string").map((name) => [name, { key: name }]));
  const text = formatYaml({ version: 1, ...fragment, signers: { ...standIns, ...fragment.signers } });
  try {
    const { signers, rules, waivers } = loadPolicy({ file: "suggestion", text, now: now - (now % DAY_MS) }).policy;
    const added = new Map([...signers].filter(([name]) => Object.hasOwn(fragment.signers ?? {}, name)));
    return {
      signers: added,
      rules: rules.map((rule) => withSigners(rule, (name) => added.get(name) ?? policy.signers.get(name))),
      waivers,
    };
  } catch (error) {
    if (error instanceof PolicyInvalid) return undefined;
    throw error;
  }
}

function withSigners(rule: Rule, find: (name: string) => SignerRule | undefined): Rule {
  const { signedBy } = rule.settings;
  if (!signedBy) return rule;
  const signers = signedBy.signers.flatMap(({ name }) => find(name) ?? []);
  return { ...rule, settings: { ...rule.settings, signedBy: { ...signedBy, signers } } };
}
