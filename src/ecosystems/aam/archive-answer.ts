import type { EcosystemAnswer, Repository } from "../../core/ports/ecosystem.ts";
import { archiveFile, type PackageName, type Version } from "./names.ts";

/**
 * The archive of a version, under the name that its dialect saves it by. In the store it has one name, so both dialects serve the same archive by the same verdict.
 * `savedAs` is of the grammars' characters only, so it needs no escaping.
 */
export function archiveAnswer(
  repository: Repository,
  { name, version }: { readonly name: PackageName; readonly version: Version },
  savedAs: string,
): EcosystemAnswer {
  return {
    kind: "artifact",
    ref: { repository: repository.name, ecosystem: "aam", name, version, file: archiveFile(name, version) },
    contentType: "application/gzip",
    headers: { "Content-Disposition": `attachment; filename="${savedAs}"` },
  };
}
