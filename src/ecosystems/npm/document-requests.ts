import { AssayError } from "../../core/errors.ts";
import { parseJsonObject } from "../../core/json.ts";
import type { DocumentRequest } from "../../core/ports/documents.ts";
import type { EcosystemServices, Repository } from "../../core/ports/ecosystem.ts";
import { ABBREVIATED_TYPE, FULL_TYPE } from "./abbreviate.ts";
import { listingOf } from "./listing.ts";
import { escapedName } from "./names.ts";
import { checkPackument, openPackument } from "./packument.ts";

/** Always for the full packument: only that one says when a version was published. The abbreviated one is made from it. */
export function packumentRequests(repository: Repository, name: string, services: EcosystemServices): DocumentRequest[] {
  const { limits, log } = services;
  return repository.upstreams.map((upstream) => ({
    repository: repository.name,
    key: `packument/${name}`,
    upstream,
    url: new URL(`./${escapedName(name)}`, upstream.url),
    accept: FULL_TYPE,
    maxBytes: limits.documentBytes,
    read({ body, contentType }) {
      requireJson(contentType, `the packument of ${name}`);
      const packument = openPackument(body, { name, registry: upstream.url, limits });
      checkPackument(packument, limits);
      const [first] = packument.leftOut;
      if (first) {
        log.warn(
          { repository: repository.name, package: name, versions: packument.leftOut.length, ...first },
          "left out versions of a packument",
        );
      }
      return listingOf(packument, limits);
    },
  }));
}

export function keysRequests(repository: Repository, services: EcosystemServices): DocumentRequest[] {
  return companionRequests(repository, "-/npm/v1/keys", "keys", services);
}

export function attestationsRequests(
  repository: Repository,
  name: string,
  version: string,
  services: EcosystemServices,
): DocumentRequest[] {
  const path = `-/npm/v1/attestations/${escapedName(name)}@${encodeURIComponent(version)}`;
  return companionRequests(repository, path, "attestations", services);
}

/** A small JSON object that is passed on as it is, and kept for ever as evidence; `list` is the member that makes it such a document. */
function companionRequests(repository: Repository, path: string, list: string, { limits }: EcosystemServices): DocumentRequest[] {
  return repository.upstreams.map((upstream) => ({
    repository: repository.name,
    key: path,
    upstream,
    url: new URL(`./${path}`, upstream.url),
    accept: FULL_TYPE,
    maxBytes: limits.sidecarBytes,
    keepWhenAbsent: true,
    read({ body, contentType }) {
      requireJson(contentType, path);
      const document = parseJsonObject(body, { maxDepth: limits.jsonDepth, source: path });
      if (!Array.isArray(document[list])) throw new AssayError("UPSTREAM_MALFORMED", `${path} holds no list of ${list}`);
      return undefined;
    },
  }));
}

/** Registries on plain file servers name no type, or a general one; a page for people is never a document. */
function requireJson(contentType: string, source: string): void {
  if (["", FULL_TYPE, ABBREVIATED_TYPE, "text/json", "text/plain", "application/octet-stream"].includes(contentType)) return;
  throw new AssayError("UPSTREAM_CONTENT_TYPE", `expected ${source} as JSON, got ${JSON.stringify(contentType.slice(0, 100))}`);
}
