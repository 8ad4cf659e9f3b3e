import { AssayError } from "../core/errors.ts";
import { formatPurl, parsePurl } from "../core/purl.ts";
import type { Admission } from "../core/verdict.ts";
import type { HttpDeps } from "./deps.ts";

/** The answer of `/api/v1/artifacts`: what is known of each archive that a package URL names. */
interface ArtifactsAnswer {
  readonly artifacts: readonly (Omit<Admission, "decidedAt"> & { readonly purl: string; readonly decidedAt: string })[];
}

/**
 * The newest journal line of each archive that `purl` names, in every repository of its ecosystem: evidence, verdict, reasons. Asks no upstream.
 * Throws BAD_REQUEST for a purl that is none or names no version, NOT_FOUND where nothing is known.
 */
export async function answerArtifacts(purl: string | undefined, deps: HttpDeps): Promise<ArtifactsAnswer> {
  if (purl === undefined) throw new AssayError("BAD_REQUEST", "expected ?purl=, for instance ?purl=pkg:npm/left-pad@1.3.0");
  const wanted = parsePurl(purl);
  if (wanted.version === undefined)
    throw new AssayError("BAD_REQUEST", `expected a purl with a version, got ${JSON.stringify(purl.slice(0, 200))}`);
  const admissions: Admission[] = [];
  for (const repository of deps.repositories.filter(({ ecosystem }) => ecosystem === wanted.ecosystem)) {
    const files = await deps.index.files(repository.name, wanted.name);
    for (const { version, file } of files) {
      if (version !== wanted.version || (wanted.file !== undefined && file !== wanted.file)) continue;
      const ref = { repository: repository.name, ecosystem: repository.ecosystem, name: wanted.name, version, file };
      const admission = await deps.index.admission(ref);
      if (admission) admissions.push(admission);
    }
  }
  if (admissions.length === 0) {
    throw new AssayError("NOT_FOUND", `nothing was fetched for ${purl.slice(0, 200)} yet`, { help: "install it once through this mirror" });
  }
  return {
    artifacts: admissions.map((admission) => ({
      purl: formatPurl(admission.ref),
      ...admission,
      decidedAt: new Date(admission.decidedAt).toISOString(),
    })),
  };
}
