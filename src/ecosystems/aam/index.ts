import { AssayError } from "../../core/errors.ts";
import type { Ecosystem, EcosystemAnswer, EcosystemRequest, EcosystemServices, Repository } from "../../core/ports/ecosystem.ts";
import { checkSigned } from "./check-signed.ts";
import { AAM_FORMAT, identify } from "./identify.ts";
import { type KnownPackage, knownPackage, tagsOf } from "./known-package.ts";
import { withMarks } from "./marks.ts";
import { archiveFile, type PackageName, type Version } from "./names.ts";
import { negotiate } from "./negotiate.ts";
import type { PackageVersion } from "./package.ts";
import { packageList } from "./package-list.ts";
import { baseOf, distTags, jsonBody, jsonPage, packageDocument, versionDocument } from "./page.ts";
import { problemBody } from "./problem.ts";
import { published } from "./published.ts";
import { registryDocument } from "./registry-document.ts";
import { listed, requireUpstreams, resolve } from "./resolve.ts";
import { packageNotFound, parseRoute, versionNotFound } from "./routes.ts";
import { signatureDocument } from "./signatures/signature-document.ts";

/** AAM packages: the read side of the UAAPS HTTP registry protocol, from upstreams that speak it and from local registries in either layout. */
export function createAam(services: EcosystemServices): Ecosystem {
  return {
    id: "aam",
    algorithms: [],
    handle: (repository, request) => handle(services, repository, request),
    listed: (repository, name) => listed(services, repository, name),
    resolve: (repository, ref) => resolve(services, repository, ref),
    tags: (repository, ref) => tagsOf(services, repository, ref),
    published: (repository, resolution) => published(services, repository, resolution),
    checkSigned,
    archiveFormat: (ref) => (ref.file.endsWith(".aam") ? AAM_FORMAT : undefined),
    identify: (ref, manifests) => identify(ref, manifests, services.limits),
    problemBody,
  };
}

async function handle(services: EcosystemServices, repository: Repository, request: EcosystemRequest): Promise<EcosystemAnswer> {
  if (request.method === "POST") {
    throw new AssayError("METHOD_NOT_ALLOWED", `${repository.name} is a mirror: it answers GET and HEAD`, {
      help: "publish to the registry itself, not to its mirror",
    });
  }
  const route = parseRoute(request.segments);
  // Clients that download an archive name no media type of ours, so nothing is negotiated for it.
  if (route.kind === "tarball") return tarball(repository, route.name, route.version);
  const contentType = negotiate(request.accept);
  if (route.kind === "registry") {
    return { kind: "plain", status: 200, contentType, body: jsonBody(registryDocument(repository)), headers: { Vary: "Accept" } };
  }
  if (route.kind === "packages") {
    requireUpstreams(repository);
    return packageList(services, repository, request, contentType);
  }

  const found = await knownPackage(services, repository, route.name);
  if (!found) requireUpstreams(repository);
  if (!found) throw packageNotFound(route.name);
  const known = await withMarks(services, repository, found);
  const { name, freshness } = { name: route.name, freshness: known.freshness };
  switch (route.kind) {
    case "package":
      return jsonPage(packageDocument(known, baseOf(request)), { contentType, freshness, name });
    case "dist-tags":
      return jsonPage({ name, "dist-tags": distTags(known) }, { contentType, freshness, name });
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

function tarball(repository: Repository, name: PackageName, version: Version): EcosystemAnswer {
  const file = archiveFile(name, version);
  return {
    kind: "artifact",
    ref: { repository: repository.name, ecosystem: "aam", name, version, file },
    contentType: "application/gzip",
    // The file name is of the grammar's characters, so it needs no escaping.
    headers: { "Content-Disposition": `attachment; filename="${file}"` },
  };
}

function versionOf(known: KnownPackage, version: Version): PackageVersion {
  const found = known.package.versions.get(version);
  if (!found) throw versionNotFound(known.package.name, version);
  return found;
}
