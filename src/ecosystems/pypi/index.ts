import type { ArtifactRef } from "../../core/artifact.ts";
import { AssayError } from "../../core/errors.ts";
import type { Ecosystem, EcosystemAnswer, EcosystemRequest, EcosystemServices, Repository } from "../../core/ports/ecosystem.ts";
import { archiveFormat } from "./archive-format.ts";
import { checkSigned } from "./check-signed.ts";
import { integrityAnswer, metadataFile, provenanceFile } from "./companions.ts";
import { type FileName, parseFileName } from "./file-name.ts";
import { identify } from "./identify.ts";
import { projectList } from "./project-list.ts";
import { projectPage } from "./project-page.ts";
import { published } from "./published.ts";
import { listed, recall, resolve } from "./resolve.ts";
import { parseRoute, type Route } from "./routes.ts";

/**
 * Mirrors of the Python package index: the simple repository API in HTML and JSON, archives with their companions, the Integrity API.
 * https://packaging.python.org/en/latest/specifications/simple-repository-api/
 */
export function createPypi(services: EcosystemServices): Ecosystem {
  return {
    id: "pypi",
    // What a page claims beyond SHA-256 and SHA-512 is computed for the archive it is claimed of.
    algorithms: [],
    handle: (repository, request) => handle(services, repository, request),
    listed: (repository, name) => listed(services, repository, name),
    resolve: (repository, ref) => resolve(services, repository, ref),
    recall: (repository, ref, said) => recall(services, repository, ref, said),
    published: (repository, resolution) => published(services, repository, resolution),
    checkSigned,
    companions: ({ name, file }) => [
      ["simple", name, ""],
      ["files", name, `${file}.metadata`],
      ["files", name, `${file}.provenance`],
    ],
    archiveFormat(ref) {
      const name = parseFileName(ref.file, ref.name);
      return name && archiveFormat(name);
    },
    identify(ref, manifests) {
      const name = parseFileName(ref.file, ref.name);
      return name ? identify(ref.name, name, manifests) : { kind: "other", detail: `no file of ${ref.name} can have this name` };
    },
  };
}

async function handle(services: EcosystemServices, repository: Repository, request: EcosystemRequest): Promise<EcosystemAnswer> {
  if (request.method === "POST")
    throw new AssayError("METHOD_NOT_ALLOWED", "a package index is only read here", { help: "use GET or HEAD" });
  const route = parseRoute(request.segments);
  switch (route.kind) {
    case "projects":
      return projectList(services, repository, request);
    case "project":
      return projectPage(services, repository, route.project, request);
    case "redirect":
      return redirect(route, request);
    case "archive":
      // Whatever the file is called, it is bytes to be saved: no browser may take it for a page of ours.
      return { kind: "artifact", ref: refOf(repository, route), contentType: "application/octet-stream" };
    case "metadata":
      return metadataFile(services, repository, refOf(repository, route));
    case "provenance":
      return provenanceFile(services, repository, refOf(repository, route));
    case "integrity":
      return integrityAnswer(services, repository, refOf(repository, route), request);
    default:
      return route satisfies never;
  }
}

/** The query goes along: a client that asked for a format by it still means it. */
function redirect(route: Extract<Route, { kind: "redirect" }>, request: EcosystemRequest): EcosystemAnswer {
  const query = request.query.size > 0 ? `?${request.query}` : "";
  return { kind: "redirect", status: 301, location: `${request.mount}${route.path}${query}` };
}

function refOf(repository: Repository, route: { readonly project: string; readonly name: FileName }): ArtifactRef {
  return { repository: repository.name, ecosystem: "pypi", name: route.project, version: route.name.version, file: route.name.file };
}
