import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ArtifactRef } from "../core/artifact.ts";
import { AssayError } from "../core/errors.ts";
import type { EcosystemRequest, Repository } from "../core/ports/ecosystem.ts";
import { askedOf } from "./asked-of.ts";
import { askerOf } from "./asker.ts";
import type { HttpDeps } from "./deps.ts";
import { problemOfRefusal, sendProblem } from "./problem.ts";
import { sendRepresentation } from "./representation.ts";

/** The address of an archive and this ending is that of its summary, in every ecosystem. */
const ENDING = ".vsa";
/** No archive of any ecosystem has an address with fewer segments below its repository's. */
const LEAST_SEGMENTS = 3;

/** DSSE's own. https://github.com/secure-systems-lab/dsse/blob/master/envelope.md */
const MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json";

/** The archive whose summary a request is for; undefined for any other request, as for a package or version whose name ends so. */
export async function summarizedArchive(
  request: EcosystemRequest,
  repository: Repository,
  deps: HttpDeps,
): Promise<ArtifactRef | undefined> {
  const { method, segments } = request;
  const last = segments.at(-1);
  if (method === "POST" || segments.length < LEAST_SEGMENTS || !last?.endsWith(ENDING) || last === ENDING) return undefined;
  const archive = [...segments.slice(0, -1), last.slice(0, -ENDING.length)];
  try {
    const answer = await deps.ecosystems[repository.ecosystem].handle(repository, { ...request, segments: archive });
    return answer.kind === "artifact" ? answer.ref : undefined;
  } catch (error) {
    if (error instanceof AssayError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

/** Answers with the signed summary of an archive, or with the refusal that the archive itself meets. Throws what `Summaries.of` throws. */
export async function serveSummary(
  request: IncomingMessage,
  response: ServerResponse,
  { repository, ref, origin }: { readonly repository: Repository; readonly ref: ArtifactRef; readonly origin: string },
  deps: HttpDeps,
): Promise<void> {
  const vouched = await deps.summaries.of(repository, ref, askerOf(request, response, deps.trustedProxies));
  if (vouched.kind === "refused") {
    const { admission } = vouched;
    if (admission.verdict.kind !== "refuse") throw new Error("an archive was refused by a verdict that admits it");
    sendProblem(response, problemOfRefusal(admission, admission.verdict, origin), {
      method: request.method ?? "GET",
      askedOf: askedOf(request, repository, deps),
    });
    return;
  }
  const { envelope } = vouched;
  const etag = `"${createHash("sha256").update(envelope).digest("hex").slice(0, 32)}"`;
  // Another policy or key makes another one, so caches must ask.
  const headers = [
    "Content-Type",
    MEDIA_TYPE,
    "ETag",
    etag,
    "Cache-Control",
    "public, max-age=0, must-revalidate",
    "X-Content-Type-Options",
    "nosniff",
  ];
  await sendRepresentation(request, response, { etag, sizeBytes: envelope.length, headers, body: envelope, open: undefined });
}
