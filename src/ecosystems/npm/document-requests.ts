import { AssayError } from "../../core/errors.ts";
import { parseJsonObject } from "../../core/json.ts";
import type { Limits } from "../../core/limits.ts";
import type { DocumentRequest } from "../../core/ports/documents.ts";
import type { EcosystemServices, Repository } from "../../core/ports/ecosystem.ts";
import type { Upstream } from "../../core/ports/upstream-client.ts";
import { upstreamsToAsk } from "../../core/upstreams-to-ask.ts";
import { ABBREVIATED_TYPE, FULL_TYPE } from "./abbreviate.ts";
import { listingOf } from "./listing.ts";
import { escapedName } from "./names.ts";
import { checkPackument, openPackument } from "./packument.ts";

/**
 * Always for the full packument: only that one says when a version was published. The abbreviated one is made from it.
 * Throws UPSTREAM_NOT_ALLOWED.
 */
export function packumentRequests(repository: Repository, name: string, services: EcosystemServices): DocumentRequest[] {
  const { limits, log } = services;
  return upstreamsToAsk(services, repository, name).map((upstream) => ({
    repository: repository.name,
    key: `packument/${name}`,
    package: name,
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

export function keysRequests(repository: Repository, { limits }: EcosystemServices): DocumentRequest[] {
  return repository.upstreams.map((upstream) => companionRequest(repository, upstream, { path: "-/npm/v1/keys", list: "keys", limits }));
}

/** Of one upstream alone: no other may speak for its packages, nor hear of them. */
export function attestationsRequest(
  repository: Repository,
  upstream: Upstream,
  { name, version }: { readonly name: string; readonly version: string },
  { limits }: EcosystemServices,
): DocumentRequest {
  const path = `-/npm/v1/attestations/${escapedName(name)}@${encodeURIComponent(version)}`;
  return { ...companionRequest(repository, upstream, { path, list: "attestations", limits }), package: name };
}

/** A small JSON object that is passed on as it is, and kept for ever as evidence; `list` is the member that makes it such a document. */
function companionRequest(
  repository: Repository,
  upstream: Upstream,
  { path, list, limits }: { readonly path: string; readonly list: string; readonly limits: Limits },
): DocumentRequest {
  return {
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
  };
}

/** Registries on plain file servers name no type, or a general one; a page for people is never a document. */
function requireJson(contentType: string, source: string): void {
  if (["", FULL_TYPE, ABBREVIATED_TYPE, "text/json", "text/plain", "application/octet-stream"].includes(contentType)) return;
  throw new AssayError("UPSTREAM_CONTENT_TYPE", `expected ${source} as JSON, got ${JSON.stringify(contentType.slice(0, 100))}`);
}
