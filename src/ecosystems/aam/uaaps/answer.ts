import { AssayError } from "../../../core/errors.ts";
import type { EcosystemAnswer, EcosystemRequest, Repository } from "../../../core/ports/ecosystem.ts";
import { archiveAnswer } from "../archive-answer.ts";
import { distTags } from "../facts.ts";
import type { KnownPackage } from "../known-package.ts";
import { markedPackage, versionOf } from "../marks.ts";
import { tagNotFound } from "../missing.ts";
import { archiveFile } from "../names.ts";
import type { PackageVersion } from "../package.ts";
import { baseOf, jsonBody, jsonPage } from "../page.ts";
import { requireUpstreams } from "../resolve.ts";
import type { AamServices } from "../services.ts";
import { signatureDocument } from "../signatures/signature-document.ts";
import { packageDocument, versionDocument } from "./documents.ts";
import { errorPage } from "./error-page.ts";
import { negotiate } from "./negotiate.ts";
import { packageList } from "./package-list.ts";
import { registryDocument } from "./registry-document.ts";
import { parseRoute } from "./routes.ts";

/** A GET or HEAD of the UAAPS HTTP registry protocol. Throws what `Ecosystem.handle` throws. */
export async function answerUaaps(services: AamServices, repository: Repository, request: EcosystemRequest): Promise<EcosystemAnswer> {
  const route = parseRoute(request.segments);
  // Clients that download an archive, and people who read a page, name no media type of ours, so nothing is negotiated for these.
  if (route.kind === "tarball") return archiveAnswer(repository, route, archiveFile(route.name, route.version));
  if (route.kind === "error-page") return errorPage(route.code);
  const contentType = negotiate(request.accept);
  if (route.kind === "registry") {
    return { kind: "plain", status: 200, contentType, body: jsonBody(registryDocument(repository)), headers: { Vary: "Accept" } };
  }
  if (route.kind === "packages") {
    requireUpstreams(repository);
    return packageList(services, repository, request, contentType);
  }

  const known = await markedPackage(services, repository, route.name, "version" in route ? route.version : undefined);
  const { name } = route;
  const { freshness } = known;
  switch (route.kind) {
    case "package":
      return jsonPage(packageDocument(known, baseOf(request)), { contentType, freshness, name });
    case "dist-tags":
      return jsonPage({ name, "dist-tags": Object.fromEntries(distTags(known)) }, { contentType, freshness, name });
    case "tag":
      return jsonPage(versionDocument(known, versionTagged(known, route.tag), baseOf(request)), { contentType, freshness, name });
    case "version":
      return jsonPage(versionDocument(known, versionOf(known, route.version), baseOf(request)), { contentType, freshness, name });
    case "signature": {
      const signature = await signatureDocument(services, repository, known, versionOf(known, route.version));
      return jsonPage(signature.body, { contentType, freshness: signature.freshness, name });
    }
    default:
      return route satisfies never;
  }
}

/**
 * The version that a tag leads a new install to. Throws GONE for one that its registry yanked: a lock file may still name it, but here it is the server that would
 * choose it. One that we would refuse is answered, so that the install meets the refusal and its reason.
 */
function versionTagged(known: KnownPackage, tag: string): PackageVersion {
  const { name, versions, distTags: said } = known.package;
  const named = said.get(tag);
  if (!named) throw tagNotFound(name, tag);
  const chosen = distTags(known).get(tag);
  const version = chosen && versions.get(chosen);
  if (version && (!version.yanked || version.refused)) return version;
  throw new AssayError("GONE", `${name}@${named}, which the tag ${tag} names, was yanked, so that nothing new resolves to it`, {
    help: "ask for an exact version; a lock file that names it can still install it",
    detailCode: "PACKAGE_YANKED",
  });
}
