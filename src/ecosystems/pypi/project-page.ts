import { AssayError } from "../../core/errors.ts";
import type { HeldDocument } from "../../core/ports/documents.ts";
import type { EcosystemRequest, EcosystemServices, PageAnswer, Repository } from "../../core/ports/ecosystem.ts";
import { onlyAsked } from "../../core/upstreams-to-ask.ts";
import { linksFrom } from "./links.ts";
import { type ServedPage, withMarks } from "./marks.ts";
import { negotiateSimple } from "./negotiate.ts";
import { admissionsByFile, fromAdmissions, withAdmitted } from "./rewrite.ts";
import { renderSimpleHtml } from "./simple-html.ts";
import { renderSimpleJson } from "./simple-json.ts";
import { parseSimplePage, projectRequests } from "./simple-page.ts";

/** Answers `/simple/NAME/`. Throws NOT_FOUND, NOT_ACCEPTABLE, UPSTREAM_NOT_CONFIGURED and what `Documents` throws. */
export async function projectPage(
  services: EcosystemServices,
  repository: Repository,
  project: string,
  request: EcosystemRequest,
): Promise<PageAnswer> {
  const representation = negotiateSimple(request.accept, request.query);
  const document = await services.documents.get(projectRequests(services, repository, project)).catch(absentWhenOffline);
  const { page, freshness } = document
    ? await listedPage(services, repository, project, document)
    : await admittedPage(services, repository, project);
  const links = linksFrom(request, project);
  const render = representation.serialization === "json" ? renderSimpleJson : renderSimpleHtml;
  const serial = String(page.lastSerial);
  return {
    kind: "page",
    contentType: representation.contentType,
    body: render(page, links),
    freshness,
    name: project,
    varies: { accept: !request.query.has("format"), origin: page.files.some((file) => typeof file.provenance === "string") },
    ...(/^[0-9]{1,20}$/.test(serial) ? { headers: { "X-PyPI-Last-Serial": serial } } : {}),
  };
}

async function listedPage(
  services: EcosystemServices,
  repository: Repository,
  project: string,
  document: HeldDocument,
): Promise<ServedPage> {
  const admitted = await services.index.admitted(repository.name, project);
  const page = withAdmitted(parseSimplePage(document, project, services.limits), admissionsByFile(admitted), services.log);
  const { upstream, validatedAt, freshUntil, stale } = document;
  const freshness = { validatedAt, freshUntil, ...(stale === undefined ? {} : { stale }) };
  return withMarks(services, repository, { page, freshness }, { upstream, admitted });
}

/** What upstream lost, we still have: the admitted files of a project that is gone, so that they can still be found and installed. */
async function admittedPage(services: EcosystemServices, repository: Repository, project: string): Promise<ServedPage> {
  const admitted = await services.index.admitted(repository.name, project);
  const admissions = admissionsByFile(admitted);
  if (admissions.size === 0) throw noSuchProject(services, repository, project);
  const page = fromAdmissions(project, admissions, await services.index.files(repository.name, project));
  const validatedAt = [...admissions.values()].reduce((newest, { decidedAt }) => Math.max(newest, decidedAt), 0);
  const stale = "no upstream has this project now; the files listed are those admitted before";
  return withMarks(
    services,
    repository,
    { page, freshness: { validatedAt, freshUntil: validatedAt, stale } },
    { upstream: undefined, admitted },
  );
}

export function noSuchProject(services: EcosystemServices, repository: Repository, project: string): AssayError {
  if (repository.upstreams.length > 0) {
    const who = `no upstream of ${repository.name} has the project ${project}`;
    return new AssayError("NOT_FOUND", `${who}${onlyAsked(services, repository, project)}`);
  }
  return new AssayError("UPSTREAM_NOT_CONFIGURED", `the repository ${repository.name} has no upstream to ask for ${project}`);
}

/**
 * Offline, a page that was never fetched is as good as gone: admitted files can come without it, in an imported bundle. Any other failure
 * may pass, and half a page would meanwhile make clients choose older versions.
 */
function absentWhenOffline(error: unknown): undefined {
  if (!(error instanceof AssayError) || error.code !== "OFFLINE") throw error;
}
