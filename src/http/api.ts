import { AssayError } from "../core/errors.ts";
import { parsePurl } from "../core/purl.ts";
import { quote } from "../core/quote.ts";
import type { ArtifactReport } from "../mirror/explain/report.ts";
import type { HttpDeps } from "./deps.ts";

/** The answer of `/api/v1/artifacts`: what is known of each archive that a package URL names. */
export interface ArtifactsAnswer {
  readonly artifacts: readonly ArtifactReport[];
}

/** A release has some dozens of files. */
const MOST_ARCHIVES = 500;

/**
 * A report on each archive that `purl` names and that was fetched once, in every repository of its ecosystem. Asks no upstream.
 * Throws BAD_REQUEST for a purl that is none, names no version or too many files, NOT_FOUND where nothing is known.
 */
export async function answerArtifacts(purl: string | undefined, { explainer }: Pick<HttpDeps, "explainer">): Promise<ArtifactsAnswer> {
  if (purl === undefined) throw new AssayError("BAD_REQUEST", "expected ?purl=, for instance ?purl=pkg:npm/left-pad@1.3.0");
  const wanted = parsePurl(purl);
  if (wanted.version === undefined) throw new AssayError("BAD_REQUEST", `expected a purl with a version, got ${quote(purl)}`);
  const artifacts: ArtifactReport[] = [];
  for await (const report of explainer.known(wanted)) {
    if (artifacts.length === MOST_ARCHIVES) {
      throw new AssayError("BAD_REQUEST", `${quote(purl)} names more than ${MOST_ARCHIVES} archives`, {
        help: "add ?file_name= to the purl",
      });
    }
    artifacts.push(report);
  }
  if (artifacts.length > 0) return { artifacts };
  throw new AssayError("NOT_FOUND", `nothing was fetched for ${quote(purl)} yet`, { help: "install it once through this mirror" });
}
