import { isUpstreamFailure } from "./errors.ts";
import type { FindingCode } from "./evidence.ts";
import type { Checked } from "./finding.ts";
import type { SignedItem, SignedSource } from "./ports/ecosystem.ts";

/** An upstream's failure that is about what it answered, and not about reaching it. */
const WRONG_DOCUMENT: ReadonlyMap<string, FindingCode> = new Map([
  ["UPSTREAM_CONTENT_TYPE", "BUNDLE_MALFORMED"],
  ["UPSTREAM_MALFORMED", "BUNDLE_MALFORMED"],
  ["UPSTREAM_LIMIT", "BUNDLE_LIMIT"],
]);

/**
 * Asks one place for what is signed, and puts its answer or its failure into the words of `SignedSource`. `ask` answers undefined where the place is well and
 * has nothing; no items at all are nothing too: an empty list proves as little as a missing one. Throws only what is not upstream's failure.
 */
export async function askSource(label: string, ask: () => Promise<Checked<readonly SignedItem[]> | undefined>): Promise<SignedSource> {
  try {
    const answer = await ask();
    if (!answer) return { label, kind: "absent" };
    if (!answer.ok) return { label, kind: "malformed", ...answer.finding };
    return answer.value.length === 0 ? { label, kind: "absent" } : { label, kind: "published", items: answer.value };
  } catch (error) {
    if (!isUpstreamFailure(error)) throw error;
    const code = WRONG_DOCUMENT.get(error.code);
    return code ? { label, kind: "malformed", code, detail: error.message } : { label, kind: "unavailable", detail: error.message };
  }
}
