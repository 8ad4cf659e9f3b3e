import { type Checked, found, passed } from "../../core/finding.ts";
import { JsonFields, JsonShapeError } from "../../core/json-fields.ts";
import { quote } from "../../core/quote.ts";
import type { Statement } from "../../core/statement.ts";

export const PUBLISH_PREDICATE = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1";

export interface ExpectedPublish {
  readonly name: string;
  readonly version: string;
  /** URL of the registry that the signing key belongs to: the upstream's own, or the one that an internal mirror mirrors. */
  readonly registry: URL;
}

/**
 * Whether a registry's publish statement is about this version on this registry. PREDICATE_MISMATCH where it is not, PREDICATE_MALFORMED where it does not
 * say, PREDICATE_UNSUPPORTED for another statement. https://github.com/npm/attestation/tree/main/specs/publish/v0.1
 */
export function checkPublishStatement({ predicateType, predicate }: Statement, expected: ExpectedPublish): Checked<void> {
  if (predicateType !== PUBLISH_PREDICATE)
    return found("PREDICATE_UNSUPPORTED", `expected a publish statement, got ${quote(predicateType)}`);
  try {
    const fields = new JsonFields(predicate ?? undefined, "predicate");
    const rows = [
      ["name", fields.text("name"), expected.name],
      ["version", fields.text("version"), expected.version],
      ["registry", placeOf(fields.text("registry")), placeOf(expected.registry.href)],
    ] as const;
    const wrong = rows.find(([, stated, wanted]) => stated !== wanted);
    if (!wrong) return passed(undefined);
    const [what, stated, wanted] = wrong;
    return found("PREDICATE_MISMATCH", `the registry signed that it published the ${what} ${quote(stated)}, expected ${quote(wanted)}`);
  } catch (error) {
    if (error instanceof JsonShapeError) return found("PREDICATE_MALFORMED", error.message);
    throw error;
  }
}

/** Registries are named with and without a final slash. */
function placeOf(url: string): string {
  return URL.canParse(url) ? new URL(url).href.replace(/\/$/, "") : url;
}
