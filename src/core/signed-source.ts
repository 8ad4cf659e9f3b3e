import { AssayError, isUpstreamFailure } from "./errors.ts";
import type { FindingCode } from "./evidence.ts";
import type { Checked } from "./finding.ts";
import type { SignedItem, SignedSource } from "./ports/ecosystem.ts";
import type { Upstream } from "./ports/upstream-client.ts";

/** An upstream's failure that is about what it answered, and not about reaching it. */
const WRONG_DOCUMENT: ReadonlyMap<string, FindingCode> = new Map([
  ["UPSTREAM_CONTENT_TYPE", "BUNDLE_MALFORMED"],
  ["UPSTREAM_MALFORMED", "BUNDLE_MALFORMED"],
  ["UPSTREAM_LIMIT", "BUNDLE_LIMIT"],
]);

/** What registries answer at an address that means nothing to them, beside 404. That of a proxy is not theirs. */
const MEANS_NOTHING: ReadonlySet<number | undefined> = new Set([400, 401, 403, 405, 406, 501]);

/** Whether an upstream's failure says that it knows no such address: by its status, or by a page for people. */
export function meansNothing(error: unknown): boolean {
  return error instanceof AssayError && (MEANS_NOTHING.has(error.upstreamStatus) || error.code === "UPSTREAM_CONTENT_TYPE");
}

/** Where something signed is asked for. */
export interface Place {
  readonly upstream: Upstream;
  /** Who says that there is something: "the packument". Left out where it is asked for on the chance. */
  readonly announcedBy?: string | undefined;
}

/**
 * Asks one place for what is signed, and puts its answer or its failure into the words of `SignedSource`. `ask` answers undefined where the place is well and
 * has nothing, which is no answer where something was announced; no items at all are nothing too: an empty list proves as little as a missing one.
 * Throws only what is not upstream's failure.
 */
export async function askSource(
  label: string,
  place: Place,
  ask: () => Promise<Checked<readonly SignedItem[]> | undefined>,
): Promise<SignedSource> {
  try {
    const answer = await ask();
    if (!answer) return place.announcedBy === undefined ? { label, kind: "absent" } : missing(label, place, "upstream does not have it");
    if (!answer.ok) return { label, kind: "malformed", ...answer.finding };
    return answer.value.length === 0 ? { label, kind: "absent" } : { label, kind: "published", items: answer.value };
  } catch (error) {
    if (!isUpstreamFailure(error)) throw error;
    // An address elsewhere that this Assay may not go to is as good as none.
    const isNowhere = meansNothing(error) || error.code === "UPSTREAM_ADDRESS";
    if (place.upstream.evidence === "as_served" && isNowhere) return missing(label, place, error.message);
    const code = WRONG_DOCUMENT.get(error.code);
    return code ? { label, kind: "malformed", code, detail: error.message } : { label, kind: "unavailable", detail: error.message };
  }
}

function missing(label: string, { upstream, announcedBy }: Place, why: string): SignedSource {
  const what = announcedBy === undefined ? why : `${announcedBy} announces it, but ${why}`;
  if (upstream.evidence === "as_served")
    return { label, kind: "absent", detail: `${what}; it counts as absent by \`evidence: as_served\`` };
  const wayOut = "if this upstream never hands on what its index announces, say `evidence: as_served` in its configuration";
  return { label, kind: "unavailable", detail: `${what}; ${wayOut}` };
}
