import { AssayError } from "../../core/errors.ts";
import type { Limits } from "../../core/limits.ts";
import type { DocumentRequest } from "../../core/ports/documents.ts";
import type { EcosystemServices, Repository } from "../../core/ports/ecosystem.ts";
import { upstreamsToAsk } from "../../core/upstreams-to-ask.ts";
import { listingOf } from "./listing.ts";
import { parseSimpleHtml } from "./simple-html.ts";
import { parseSimpleJson } from "./simple-json.ts";
import { type SimpleProject, withoutQuarantined } from "./simple-project.ts";

/** JSON first: HTML has no size, upload time or versions. `text/html` last is for indexes that know nothing else. */
export const SIMPLE_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/** Plain JSON is what indexes made of static files answer. */
export const JSON_TYPES: readonly string[] = ["application/vnd.pypi.simple.v1+json", "application/json"];
export const HTML_TYPES: readonly string[] = ["application/vnd.pypi.simple.v1+html", "text/html"];

/** The project's page at every upstream that may be asked for it, in their order. `project` is normalised. Throws UPSTREAM_NOT_ALLOWED. */
export function projectRequests(services: EcosystemServices, repository: Repository, project: string): DocumentRequest[] {
  const { limits } = services;
  return upstreamsToAsk(services, repository, project).map((upstream) => ({
    repository: repository.name,
    key: `simple/${project}`,
    package: project,
    upstream,
    url: new URL(`${project}/`, upstream.url),
    accept: SIMPLE_ACCEPT,
    maxBytes: limits.documentBytes,
    read: (document) => listingOf(parseSimplePage(document, project, limits)),
  }));
}

/**
 * Reads a project's page in either serialization. Files of a quarantined project are left out.
 * Throws UPSTREAM_CONTENT_TYPE, UPSTREAM_MALFORMED, UPSTREAM_LIMIT.
 */
export function parseSimplePage(
  document: { readonly body: Buffer; readonly contentType: string; readonly url: URL },
  project: string,
  limits: Limits,
): SimpleProject {
  const { body, contentType, url } = document;
  if (JSON_TYPES.includes(contentType)) return withoutQuarantined(parseSimpleJson(body, url, project, limits));
  if (HTML_TYPES.includes(contentType)) return withoutQuarantined(parseSimpleHtml(body, url, project, limits));
  throw unexpectedType(`the simple index of ${project}`, contentType);
}

export function unexpectedType(source: string, contentType: string): AssayError {
  return new AssayError(
    "UPSTREAM_CONTENT_TYPE",
    `${source} is of type ${JSON.stringify(contentType.slice(0, 100))}, expected the simple API in JSON or HTML`,
  );
}
