import { isJsonObject } from "../../core/json.ts";
import type { Repository, Resolution, SignedSource } from "../../core/ports/ecosystem.ts";
import { askSource } from "../../core/signed-source.ts";
import { parsePackageName, parseVersion } from "./names.ts";
import type { AamServices } from "./services.ts";
import type { EvidenceSubject } from "./signatures/evidence.ts";
import { EVIDENCE_ENDINGS, type EvidenceEnding, evidenceFile } from "./signatures/folder-evidence.ts";
import { signatureAnswer } from "./signatures/registry-evidence.ts";
import { itemsOfAnswer, itemsOfFile } from "./signatures/signed-items.ts";
import { isFolder } from "./sources/sources-of.ts";

type Services = Pick<AamServices, "dialects" | "documents" | "index" | "limits">;

/** What is signed for a version: what its registry's `/signature` answers, or the three files beside its archive in a local registry. */
export async function published(services: Services, repository: Repository, resolution: Resolution): Promise<readonly SignedSource[]> {
  const { ref, upstream, url } = resolution;
  const [name, version] = [parsePackageName(ref.name), parseVersion(ref.version)];
  if (!name || !version) return [];
  const subject = { repository, upstream, name, version: { version, url } };
  if (!isFolder(upstream)) return [await fromRegistry(services, subject, resolution)];
  return Promise.all(EVIDENCE_ENDINGS.map((ending) => fromFile(services, subject, ending)));
}

async function fromRegistry(services: Services, subject: EvidenceSubject, { ref, upstream }: Resolution): Promise<SignedSource> {
  const label = `the signatures of ${ref.name}@${ref.version}`;
  const fields = (await services.index.file(ref))?.extra?.["fields"];
  const named = isJsonObject(fields) ? fields["signatures"] : undefined;
  const announcedBy = Array.isArray(named) && named.length > 0 ? "the package's metadata" : undefined;
  return askSource(label, { upstream, announcedBy }, async () => {
    const answer = await signatureAnswer(services, subject);
    return answer && itemsOfAnswer(answer.body, { source: label, maxDepth: services.limits.jsonDepth });
  });
}

function fromFile(services: Services, subject: EvidenceSubject, ending: EvidenceEnding): Promise<SignedSource> {
  return askSource(`the ${ending} file of ${subject.name}@${subject.version.version}`, subject, async () => {
    const file = await evidenceFile(services, subject, ending);
    return file && itemsOfFile(ending, file.body, services.limits.jsonDepth);
  });
}
