import { setImmediate as nextTurn } from "node:timers/promises";
import { AssayError } from "../../core/errors.ts";
import { escapeHtml } from "../../core/html-text.ts";
import { isJsonObject, parseJsonObject } from "../../core/json.ts";
import type { Limits } from "../../core/limits.ts";
import type { HeldDocument } from "../../core/ports/documents.ts";
import type { EcosystemRequest, EcosystemServices, PageAnswer, Repository } from "../../core/ports/ecosystem.ts";
import { htmlParser } from "./html-parser.ts";
import { negotiateSimple } from "./negotiate.ts";
import { normalizeName, parseProjectName } from "./project-name.ts";
import { HTML_TYPES, JSON_TYPES, SIMPLE_ACCEPT, unexpectedType } from "./simple-page.ts";

const SOURCE = "the simple index's list of projects";

/** The list of a public index has 40 MB. HTML of that size takes seconds to read, so other requests get their turn between pieces. */
const PIECE_BYTES = 256 * 1024;

/** Of a link's text; no project's name is that long. */
const MAX_TEXT_CHARACTERS = 300;

/** Answers `/simple/`: upstream's list, with links to our pages. Throws NOT_FOUND, NOT_ACCEPTABLE and what `Documents` throws. */
export async function projectList(services: EcosystemServices, repository: Repository, request: EcosystemRequest): Promise<PageAnswer> {
  const representation = negotiateSimple(request.accept, request.query);
  const document = await services.documents.get(
    repository.upstreams.map((upstream) => ({
      repository: repository.name,
      key: "simple/",
      upstream,
      url: upstream.url,
      accept: SIMPLE_ACCEPT,
      maxBytes: services.limits.documentBytes,
      read: ({ body, contentType }) => requireProjectList(body, contentType, services.limits),
    })),
  );
  if (!document) throw new AssayError("NOT_FOUND", `no upstream of ${repository.name} has a list of projects`);
  const { validatedAt, freshUntil, stale } = document;
  return {
    kind: "page",
    contentType: representation.contentType,
    body: representation.serialization === "json" ? await jsonList(document, services.limits) : await htmlList(document, services.limits),
    freshness: { validatedAt, freshUntil, ...(stale === undefined ? {} : { stale }) },
    varies: { accept: !request.query.has("format"), origin: false },
  };
}

function requireProjectList(body: Buffer, contentType: string, limits: Limits): undefined {
  if (JSON_TYPES.includes(contentType)) {
    namesInJson(body, limits);
    return;
  }
  if (!HTML_TYPES.includes(contentType)) throw unexpectedType(SOURCE, contentType);
  const head = body.subarray(0, PIECE_BYTES).toString("utf8");
  if (!head.includes("pypi:repository-version") && namesInPiece(head, limits).length === 0) {
    throw new AssayError("UPSTREAM_MALFORMED", `${SOURCE} is HTML, but lists no project`);
  }
}

/** The JSON list holds names and no address, so it is passed on as it is, without being taken apart and put together again. */
async function jsonList(document: HeldDocument, limits: Limits): Promise<Buffer> {
  if (JSON_TYPES.includes(document.contentType)) return document.body;
  const projects = (await namesInHtml(document.body, limits)).map((name) => ({ name }));
  return Buffer.from(JSON.stringify({ meta: { "api-version": "1.0" }, projects }));
}

async function htmlList(document: HeldDocument, limits: Limits): Promise<Buffer> {
  const isJson = JSON_TYPES.includes(document.contentType);
  const names = isJson ? namesInJson(document.body, limits) : await namesInHtml(document.body, limits);
  const links = names.map((name) => `<a href="${normalizeName(name)}/">${escapeHtml(name)}</a><br>`).join("\n");
  const head =
    '<!DOCTYPE html>\n<html>\n<head>\n<meta name="pypi:repository-version" content="1.0">\n<title>Simple index</title>\n</head>\n<body>';
  return Buffer.from(`${head}\n${links}\n</body>\n</html>\n`);
}

function namesInJson(body: Buffer, limits: Limits): string[] {
  const { projects } = parseJsonObject(body, { maxDepth: limits.jsonDepth, source: SOURCE });
  if (!Array.isArray(projects)) throw new AssayError("UPSTREAM_MALFORMED", `${SOURCE} is JSON, but lists no projects`);
  return projects.map((project) => (isJsonObject(project) ? project["name"] : undefined)).filter(isProjectName);
}

function isProjectName(name: unknown): name is string {
  return typeof name === "string" && parseProjectName(name) !== undefined;
}

async function namesInHtml(body: Buffer, limits: Limits): Promise<string[]> {
  const names: string[] = [];
  const parser = nameParser(names, limits);
  const decoder = new TextDecoder();
  for (let start = 0; start < body.length; start += PIECE_BYTES) {
    parser.write(decoder.decode(body.subarray(start, start + PIECE_BYTES), { stream: true }));
    await nextTurn();
  }
  parser.end(decoder.decode());
  return names;
}

function namesInPiece(html: string, limits: Limits): string[] {
  const names: string[] = [];
  nameParser(names, limits).end(html);
  return names;
}

/** Adds to `names` the text of every link to a project: it is the project's name, and its address ends in that name and a slash (PEP 503). */
function nameParser(names: string[], limits: Limits): ReturnType<typeof htmlParser> {
  let folder: string | undefined;
  let text = "";
  return htmlParser(
    {
      opened(tag, attributes) {
        if (tag !== "a") return;
        folder = /([^/]{1,200})\/$/.exec(attributes["href"]?.slice(-250) ?? "")?.[1];
        text = "";
      },
      text(piece) {
        if (folder !== undefined && text.length < MAX_TEXT_CHARACTERS) text += piece;
      },
      closed(tag) {
        if (tag !== "a" || folder === undefined) return;
        const name = parseProjectName(text.trim());
        if (name !== undefined && name === normalizeName(folder)) names.push(text.trim());
        folder = undefined;
      },
    },
    { maxDepth: limits.jsonDepth, source: SOURCE },
  );
}
