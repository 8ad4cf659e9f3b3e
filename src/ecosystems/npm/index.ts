import Negotiator from "negotiator";
import { AssayError } from "../../core/errors.ts";
import type { DocumentRequest } from "../../core/ports/documents.ts";
import type { Ecosystem, EcosystemAnswer, EcosystemRequest, EcosystemServices, Repository } from "../../core/ports/ecosystem.ts";
import { ABBREVIATED_TYPE, FULL_TYPE } from "./abbreviate.ts";
import { audit } from "./audit.ts";
import { checkSigned } from "./check-signed.ts";
import { attestationsRequest, keysRequests } from "./document-requests.ts";
import { type HeldPackument, heldPackument } from "./held-packument.ts";
import { identify } from "./identify.ts";
import { published } from "./published.ts";
import { listed, locate, recall, resolve, upstreamOf } from "./resolve.ts";
import { contradicts, type Rewrite, rewriteManifest, rewritePackument } from "./rewrite.ts";
import { type Route, routeOf } from "./routes.ts";
import { search } from "./search.ts";

/** The npm registry protocol, read side. One instance serves every npm repository of the process. */
export function createNpm(services: EcosystemServices): Ecosystem {
  return {
    id: "npm",
    // `dist.shasum` is all that versions published before 2017 may have.
    algorithms: ["sha1"],
    handle: async (repository, request) => answer(repository, request, routeOf(request), services),
    listed: (repository, name) => listed(repository, name, services),
    resolve: (repository, ref) => resolve(repository, ref, services),
    recall: (repository, ref, said) => recall(repository, ref, said, services),
    published: (repository, resolution) => published(repository, resolution, services),
    checkSigned,
    // Whatever form a client asks for, and its dist-tags, are made from the one packument.
    companions: ({ name, version }) => [[name], ["-", "npm", "v1", "attestations", `${name}@${version}`], ["-", "npm", "v1", "keys"]],
    archiveFormat: () => ({
      container: "tar.gz",
      // Archives made with `tar czf x.tgz .` have theirs at `./package.json`, and npm strips the dot as it would strip a folder.
      manifests: [
        { depth: 1, name: "package.json" },
        { depth: 2, name: "package.json" },
      ],
      // npm and pnpm drop links when they unpack; archives from before npm refused to pack them hold `node_modules/.bin` links.
      symlinks: "inside",
      // Both unpack without the first folder, so that `package/a.js` and `x/a.js` are one file: which one wins must not be theirs to say.
      droppedSegments: 1,
    }),
    identify: (ref, manifests) => identify(ref, manifests, services.limits.jsonDepth),
  };
}

async function answer(
  repository: Repository,
  request: EcosystemRequest,
  route: Route,
  services: EcosystemServices,
): Promise<EcosystemAnswer> {
  switch (route.kind) {
    case "packument":
      return packumentPage(repository, request, route.name, services);
    case "manifest":
      return manifestPage(repository, request, route, services);
    case "dist-tags":
      return distTagsPage(repository, route.name, services);
    case "archive":
      return { kind: "artifact", ref: await locate(repository, route.name, route.file, services), contentType: "application/octet-stream" };
    case "attestations":
      return documentPage(await attestationsOf(repository, route, services), services);
    case "keys":
      return documentPage(keysRequests(repository, services), services);
    case "search":
      return search(repository, request, services);
    case "audit":
      return audit(repository, route.path, request, services);
    case "ping":
      return plainJson(200, {});
    case "whoami":
      return plainJson(401, { error: "nobody is logged in: this mirror has no accounts" });
    default:
      return route satisfies never;
  }
}

async function packumentPage(
  repository: Repository,
  request: EcosystemRequest,
  name: string,
  services: EcosystemServices,
): Promise<EcosystemAnswer> {
  const held = await heldPackument(repository, name, services);
  const abbreviated = held.abbreviated || prefersAbbreviated(request.accept);
  warnOfContradictions(repository, held, services);
  return {
    kind: "page",
    name,
    contentType: abbreviated ? ABBREVIATED_TYPE : FULL_TYPE,
    body: rewritePackument(held.packument, rewriteFor(request, held, abbreviated, services)),
    freshness: held.freshness,
    varies: { accept: true, origin: true },
  };
}

async function manifestPage(
  repository: Repository,
  request: EcosystemRequest,
  { name, selector }: { name: string; selector: string },
  services: EcosystemServices,
): Promise<EcosystemAnswer> {
  const held = await heldPackument(repository, name, services);
  const { releases } = held.packument;
  const release = releases.get(selector) ?? releases.get(held.marks.tags.get(selector) ?? "");
  if (!release) throw new AssayError("NOT_FOUND", `${name} has no version or tag ${JSON.stringify(selector.slice(0, 100))}`);
  return {
    kind: "page",
    name,
    contentType: FULL_TYPE,
    body: rewriteManifest(held.packument, release, rewriteFor(request, held, false, services)),
    freshness: held.freshness,
    varies: { accept: false, origin: true },
  };
}

async function distTagsPage(repository: Repository, name: string, services: EcosystemServices): Promise<EcosystemAnswer> {
  const held = await heldPackument(repository, name, services);
  return {
    kind: "page",
    name,
    contentType: FULL_TYPE,
    body: Buffer.from(JSON.stringify(Object.fromEntries(held.marks.tags))),
    freshness: held.freshness,
    varies: { accept: false, origin: false },
  };
}

/**
 * Asked of the upstream that the package is from and of no other, like the archive: what another one has attested is not about it. Of an archive that is held,
 * what it was admitted by.
 */
async function attestationsOf(
  repository: Repository,
  subject: { readonly name: string; readonly version: string },
  services: EcosystemServices,
): Promise<readonly DocumentRequest[]> {
  const upstream = await upstreamOf(repository, subject, services);
  if (!upstream) return [];
  const admitted = await services.index.admitted(repository.name, subject.name);
  const settled = admitted.some(({ ref }) => ref.version === subject.version);
  return [{ ...attestationsRequest(repository, upstream, subject, services), settled }];
}

async function documentPage(requests: readonly DocumentRequest[], services: EcosystemServices): Promise<EcosystemAnswer> {
  const held = await services.documents.get(requests);
  if (!held) throw new AssayError("NOT_FOUND", "no upstream has this document");
  const { validatedAt, freshUntil, stale } = held;
  return {
    kind: "page",
    contentType: FULL_TYPE,
    body: held.body,
    freshness: { validatedAt, freshUntil, ...(stale === undefined ? {} : { stale }) },
    varies: { accept: false, origin: false },
  };
}

function rewriteFor(request: EcosystemRequest, held: HeldPackument, abbreviated: boolean, services: EcosystemServices): Rewrite {
  return { base: `${request.origin}${request.mount}`, abbreviated, admitted: held.admitted, marks: held.marks, limits: services.limits };
}

/** Full for everybody who does not ask for the abbreviated form, unknown types included: registries never answer 406 here. */
function prefersAbbreviated(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  return new Negotiator({ headers: { accept } }).mediaType([FULL_TYPE, ABBREVIATED_TYPE]) === ABBREVIATED_TYPE;
}

function warnOfContradictions(repository: Repository, { packument, admitted }: HeldPackument, { log }: EcosystemServices): void {
  for (const [version, admission] of admitted) {
    const release = packument.releases.get(version);
    if (!release || !contradicts(release, admission)) continue;
    log.warn(
      { repository: repository.name, package: packument.name, version, sha256: admission.digest },
      "upstream now claims other bytes for a version than were admitted: the admitted digests are shown",
    );
  }
}

function plainJson(status: number, value: unknown): EcosystemAnswer {
  return { kind: "plain", status, contentType: FULL_TYPE, body: Buffer.from(JSON.stringify(value)) };
}
