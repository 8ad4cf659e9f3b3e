import type { Checked } from "../../core/finding.ts";
import type { EcosystemServices, Repository, Resolution, SignedItem, SignedSource } from "../../core/ports/ecosystem.ts";
import { askSource } from "../../core/signed-source.ts";
import { parseProvenance } from "./attestations.ts";
import { provenanceLink } from "./listing.ts";
import { provenanceDocument } from "./provenance-document.ts";

/**
 * What is signed for a file: the attestations in the provenance object that its page names, and nothing else. A page that names none and an object without attestations
 * are `absent`; an object that is not where the page says is no answer. https://peps.python.org/pep-0740/
 */
export async function published(
  services: EcosystemServices,
  repository: Repository,
  { ref, upstream }: Resolution,
): Promise<readonly SignedSource[]> {
  const source = `the provenance of ${ref.file}`;
  const row = await services.index.file(ref);
  if (!row || provenanceLink(row) === undefined) return [{ label: source, kind: "absent" }];
  const ask = async (): Promise<Checked<readonly SignedItem[]> | undefined> => {
    const document = await provenanceDocument(services, repository, ref, { row, upstream });
    if (!document) return undefined;
    const parsed = parseProvenance(document.body, { source, maxDepth: services.limits.jsonDepth });
    if (!parsed.ok) return parsed;
    return { ok: true, value: parsed.value.map(({ label, bundle, context }) => ({ kind: "sigstore", label, bundle, context })) };
  };
  return [await askSource(source, { upstream, announcedBy: "the simple index" }, ask)];
}
