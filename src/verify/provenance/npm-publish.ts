import { type Checked, found, passed } from "../../core/finding.ts";
import { quote } from "../../core/quote.ts";
import type { NpmPublishPredicate } from "./predicate.ts";

export interface ExpectedPublish {
  readonly name: string;
  readonly version: string;
  /** URL of the registry that the signing key belongs to: the upstream's own, or the one that an internal mirror mirrors. */
  readonly registry: URL;
}

/** Whether a publish statement is about this version on this registry. PREDICATE_MISMATCH otherwise. */
export function checkNpmPublish(predicate: NpmPublishPredicate, expected: ExpectedPublish): Checked<void> {
  const rows = [
    ["name", predicate.name, expected.name],
    ["version", predicate.version, expected.version],
    ["registry", placeOf(predicate.registry), placeOf(expected.registry.href)],
  ] as const;
  const wrong = rows.find(([, stated, wanted]) => stated !== wanted);
  if (!wrong) return passed(undefined);
  const [what, stated, wanted] = wrong;
  return found("PREDICATE_MISMATCH", `the registry signed that it published the ${what} ${quote(stated)}, expected ${quote(wanted)}`);
}

/** Registries are named with and without a final slash. */
function placeOf(url: string): string {
  return URL.canParse(url) ? new URL(url).href.replace(/\/$/, "") : url;
}
