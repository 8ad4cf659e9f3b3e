import type { Checked } from "../../core/finding.ts";
import type { EcosystemServices, Repository, Resolution, SignedItem, SignedSource } from "../../core/ports/ecosystem.ts";
import { askSource } from "../../core/signed-source.ts";
import { parseAttestations } from "./attestations.ts";
import { attestationsRequest, keysRequests } from "./document-requests.ts";
import { keptSignedDist, type SignedDist } from "./signed-dist.ts";

/**
 * What is signed for a version, as its packument says: the registry's own signatures, which stand in it, and attestations, which have an address of their
 * own. That is asked only where the packument says that there are any, and then an answer without any is no answer.
 */
export async function published(
  repository: Repository,
  resolution: Resolution,
  services: EcosystemServices,
): Promise<readonly SignedSource[]> {
  const row = await services.index.file(resolution.ref);
  const signed = keptSignedDist(row?.extra);
  if (signed.attested || signed.signatures) keepKeys(repository, resolution, services);
  return [registrySignatures(resolution, signed), await attestations(repository, resolution, signed, services)];
}

/**
 * Clients verify with the registry's keys what they get from us, so those must be to be had for as long as the archive is. Our own verdict has its own source of
 * keys, which may be a better one, and does not wait for these.
 */
function keepKeys(repository: Repository, { upstream }: Resolution, services: EcosystemServices): void {
  services.documents.get(keysRequests({ ...repository, upstreams: [upstream] }, services)).catch((error: unknown) => {
    services.log.info({ repository: repository.name, err: error }, "the registry's keys could not be had, to be kept for clients");
  });
}

/** npm signs the text `name@version:integrity`, with the integrity that the packument gives. */
function registrySignatures({ ref, publishedAt }: Resolution, { signatures = [], integrity, malformed }: SignedDist): SignedSource {
  const label = `the registry's signatures of ${ref.name}@${ref.version}`;
  if (malformed !== undefined) return { label, kind: "malformed", detail: malformed };
  if (signatures.length === 0) return { label, kind: "absent" };
  const items = signatures.map(
    (signature, index): SignedItem => ({
      kind: "registry-signature",
      label: `registry signature ${index + 1}`,
      ...signature,
      message: `${ref.name}@${ref.version}:${integrity}`,
      ...(publishedAt === undefined ? {} : { publishedAt }),
    }),
  );
  return { label, kind: "published", items };
}

async function attestations(
  repository: Repository,
  { ref, upstream }: Resolution,
  { attested, registry }: SignedDist,
  services: EcosystemServices,
): Promise<SignedSource> {
  const label = `the attestations of ${ref.name}@${ref.version}`;
  if (!attested) return { label, kind: "absent" };
  // Any of them may have signed that it published this. Which keys count is a matter of the trust that is bound to the upstream: the name only keeps one
  // registry's word from passing for another's.
  const registries = [
    upstream.url.href,
    ...(registry === undefined ? [] : [registry]),
    ...(services.knownRegistries ?? []).map(({ href }) => href),
  ];
  const ask = async (): Promise<Checked<readonly SignedItem[]> | undefined> => {
    const document = await services.documents.get([attestationsRequest(repository, upstream, ref, services)]);
    const parsed = document && parseAttestations(document.body, { source: label, maxDepth: services.limits.jsonDepth });
    if (!parsed?.ok) return parsed;
    const items = parsed.value.map(
      ({ label: each, predicateType, bundle }): SignedItem => ({
        kind: "sigstore",
        label: each,
        bundle,
        context: { predicateType, registries },
      }),
    );
    // The packument says that there are some, so a list without any is no answer.
    return items.length === 0 ? undefined : { ok: true, value: items };
  };
  return askSource(label, { upstream, announcedBy: "the packument" }, ask);
}
