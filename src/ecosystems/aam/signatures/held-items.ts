import type { Checked } from "../../../core/finding.ts";
import type { HeldDocument } from "../../../core/ports/documents.ts";
import type { HeldItem, Repository, Resolution, SignedItem } from "../../../core/ports/ecosystem.ts";
import { parsePackageName, parseVersion } from "../names.ts";
import type { AamServices } from "../services.ts";
import { isFolder } from "../sources/sources-of.ts";
import { EVIDENCE_ENDINGS, evidenceFile } from "./folder-evidence.ts";
import { signatureAnswer } from "./registry-evidence.ts";
import { itemsOfAnswer, itemsOfFile } from "./signed-items.ts";

/** What is held of what `published` answered when the archive was admitted, under the same labels. What cannot be read is left out. Throws what `Documents` throws. */
export async function heldItems(
  services: Pick<AamServices, "dialects" | "documents" | "limits">,
  repository: Repository,
  { ref, upstream, url }: Pick<Resolution, "ref" | "upstream" | "url">,
): Promise<readonly HeldItem[]> {
  const [name, version] = [parsePackageName(ref.name), parseVersion(ref.version)];
  if (!name || !version) return [];
  const subject = { repository, upstream, name, version: { version, url }, settled: true };
  const { jsonDepth: maxDepth } = services.limits;
  if (!isFolder(upstream)) {
    const answer = await signatureAnswer(services, subject);
    return itemsIn(answer, (body) => itemsOfAnswer(body, { source: `the signatures of ${ref.name}@${ref.version}`, maxDepth }));
  }
  const files = EVIDENCE_ENDINGS.map(async (ending) =>
    itemsIn(await evidenceFile(services, subject, ending), (body) => itemsOfFile(ending, body, maxDepth)),
  );
  return (await Promise.all(files)).flat();
}

function itemsIn(document: HeldDocument | undefined, read: (body: Buffer) => Checked<readonly SignedItem[]>): readonly HeldItem[] {
  if (!document) return [];
  const items = read(document.body);
  return items.ok ? items.value.map((item) => ({ item, fetchedAt: document.fetchedAt })) : [];
}
