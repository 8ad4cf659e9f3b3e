import type { IncomingMessage, ServerResponse } from "node:http";
import Negotiator from "negotiator";
import { AssayError } from "../core/errors.ts";
import { answerArtifacts } from "./api.ts";
import type { HttpDeps } from "./deps.ts";
import { explainPage, PAGE_SECURITY_POLICY, problemPage } from "./explain-page.ts";
import { problemOfError } from "./problem.ts";

const OFFERS = ["application/json", "text/html"];

/** Answers `/api/v1/artifacts`: JSON, or a page where somebody asks with a browser. Throws what `answerArtifacts` throws, for those who asked for JSON. */
export async function serveExplanation(
  request: IncomingMessage,
  response: ServerResponse,
  purl: string | undefined,
  deps: Pick<HttpDeps, "explainer">,
): Promise<void> {
  if (new Negotiator(request).mediaType(OFFERS) !== "text/html") {
    return send(request, response, 200, "application/json", JSON.stringify(await answerArtifacts(purl, deps)));
  }
  const { status, html } = await pageFor(purl, deps);
  send(request, response, status, "text/html; charset=utf-8", html);
}

async function pageFor(
  purl: string | undefined,
  deps: Pick<HttpDeps, "explainer">,
): Promise<{ readonly status: number; readonly html: string }> {
  try {
    return { status: 200, html: explainPage((await answerArtifacts(purl, deps)).artifacts) };
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    const problem = problemOfError(error);
    return { status: problem.status, html: problemPage(problem) };
  }
}

/** The verdict is of now, so nobody is to keep it. */
function send(request: IncomingMessage, response: ServerResponse, status: number, contentType: string, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(status, {
    "Content-Type": contentType,
    "Content-Length": String(body.length),
    "Cache-Control": "no-store",
    Vary: "Accept",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": PAGE_SECURITY_POLICY,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
