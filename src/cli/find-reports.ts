import type { Asker } from "../core/decision.ts";
import { AssayError } from "../core/errors.ts";
import { parsePurl } from "../core/purl.ts";
import { quote } from "../core/quote.ts";
import type { ArtifactReport } from "../mirror/explain/report.ts";
import type { Explainer } from "../mirror/explain.ts";

export interface FindOptions {
  /** Nobody is asked: what is not known here is an error. */
  readonly offline: boolean;
  readonly repository: string | undefined;
  /** Who asks, for the decision log. */
  readonly asker: Asker;
}

/**
 * The reports on what a purl names, by the road where nothing is known yet. Throws BAD_REQUEST for a purl that is none or means too much, NOT_FOUND, OFFLINE, and what
 * fetching throws.
 */
export async function* findReports(
  explainer: Explainer,
  purl: string,
  { offline, repository, asker }: FindOptions,
): AsyncGenerator<ArtifactReport> {
  const wanted = parsePurl(purl);
  if (!offline) {
    yield* explainer.obtained(wanted, asker, repository);
    return;
  }
  let isKnown = false;
  for await (const report of explainer.known(wanted, repository)) {
    isKnown = true;
    yield report;
  }
  if (isKnown) return;
  throw new AssayError("OFFLINE", `nothing was fetched for ${quote(purl)} yet, and offline nobody is asked for it`, {
    help: "leave --offline out to fetch and check it now",
  });
}
