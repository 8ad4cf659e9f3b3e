import { AssayError } from "../../core/errors.ts";
import { escapeHtml } from "../../core/html-text.ts";
import type { Limits } from "../../core/limits.ts";
import { parseFileName } from "./file-name.ts";
import { type Attributes, type HtmlHandler, htmlParser } from "./html-parser.ts";
import type { PageLinks } from "./links.ts";
import {
  claimsOf,
  firstOfEachName,
  limitFiles,
  metadataPromise,
  parseApiVersion,
  resolveLink,
  type SimpleFile,
  type SimpleProject,
  servedApiVersion,
} from "./simple-project.ts";

/** What is read out of an HTML page, before it is understood. */
interface Marks {
  readonly anchors: Attributes[];
  /** `content` of each `meta`, by lowercase `name`. */
  readonly metas: Map<string, string[]>;
  baseHref?: string;
  serial?: string;
  heading: string;
}

/** Text of the first heading that is looked at: "Links for <name>", which every generator writes. */
const MAX_HEADING_CHARACTERS = 300;

/** `meta` elements of one name. PEP 708 lets a page have several. */
const MAX_METAS = 100;

/** Strongest first: an HTML page has room for one. */
const FRAGMENT_ALGORITHMS = ["sha256", "sha512", "sha384", "blake2b_256", "sha224", "sha1", "md5"];

/**
 * Reads a project's page in HTML (PEP 503). Throws UPSTREAM_MALFORMED for HTML that is no such page, such as an error page sent with
 * status 200; UPSTREAM_LIMIT for too many links or too deep nesting.
 */
export function parseSimpleHtml(body: Buffer, url: URL, project: string, limits: Limits): SimpleProject {
  const source = `the simple index of ${project}`;
  const marks = readMarks(body, source, limits);
  const base = (marks.baseHref !== undefined && resolveLink(marks.baseHref, url)) || url;
  const files = firstOfEachName(marks.anchors.map((anchor) => parseAnchor(anchor, base, project)).filter((file) => file !== undefined));
  const apiVersion = first(marks, "pypi:repository-version");
  if (apiVersion === undefined && files.length === 0 && !/^\s*links for\s/i.test(marks.heading)) {
    throw new AssayError("UPSTREAM_MALFORMED", `${source} is HTML, but no page of a simple index`);
  }
  const status = first(marks, "pypi:project-status");
  const reason = first(marks, "pypi:project-status-reason");
  return {
    name: project,
    apiMinor: parseApiVersion(apiVersion ?? "1.0", source),
    files,
    ...(status ? { status: { status, ...(reason ? { reason } : {}) } } : {}),
    tracks: linksOf(marks, "pypi:tracks", url),
    alternateLocations: linksOf(marks, "pypi:alternate-locations", url),
    ...(marks.serial === undefined ? {} : { lastSerial: marks.serial }),
    unknown: {},
    unknownMeta: {},
  };
}

function readMarks(body: Buffer, source: string, limits: Limits): Marks {
  const marks: Marks = { anchors: [], metas: new Map(), heading: "" };
  let inHeading = false;
  const handler: HtmlHandler = {
    opened(tag, attributes) {
      if (tag === "a") limitFiles(marks.anchors.push(attributes), limits.listedFiles, source);
      else if (tag === "base") marks.baseHref ??= attributes["href"] ?? "";
      else if (tag === "meta") addMeta(marks, attributes);
      else if (tag === "h1" || tag === "title") inHeading = marks.heading === "";
    },
    closed(tag) {
      if (tag === "h1" || tag === "title") inHeading = false;
    },
    text(text) {
      if (inHeading && marks.heading.length < MAX_HEADING_CHARACTERS) marks.heading += text;
    },
    comment(text) {
      // bandersnatch and PyPI leave the page's serial here.
      const [, serial] = /^SERIAL ([0-9]{1,20})$/.exec(text.slice(0, 40).trim()) ?? [];
      if (serial !== undefined) marks.serial = serial;
    },
  };
  htmlParser(handler, { maxDepth: limits.jsonDepth, source }).end(body.toString("utf8"));
  return marks;
}

function addMeta(marks: Marks, attributes: Attributes): void {
  const name = attributes["name"]?.toLowerCase();
  const content = attributes["content"];
  if (!name?.startsWith("pypi:") || content === undefined) return;
  marks.metas.set(name, [...(marks.metas.get(name) ?? []), content].slice(0, MAX_METAS));
}

function first(marks: Marks, name: string): string | undefined {
  return marks.metas.get(name)?.[0];
}

function linksOf(marks: Marks, name: string, base: URL): string[] {
  const links = (marks.metas.get(name) ?? []).map((link) => resolveLink(link, base)?.href);
  return links.filter((link) => link !== undefined);
}

/** The file behind a link; undefined for links to anything else, such as the parent folder. */
function parseAnchor(attributes: Attributes, base: URL, project: string): SimpleFile | undefined {
  const url = attributes["href"] === undefined ? undefined : resolveLink(attributes["href"], base);
  const name = url && parseFileName(lastSegment(url), project);
  if (!name) return undefined;
  const hashes = parseFragment(url.hash);
  url.hash = "";
  const requiresPython = attributes["data-requires-python"];
  const yanked = attributes["data-yanked"];
  const provenance = attributes["data-provenance"];
  return {
    name,
    url: url.href,
    hashes,
    claims: claimsOf(hashes, project),
    ...(requiresPython ? { requiresPython } : {}),
    yanked: yanked === "" ? true : (yanked ?? false),
    ...metadataPromise(parseFragment(attributes["data-core-metadata"] ?? attributes["data-dist-info-metadata"] ?? "")["sha256"], project),
    ...(provenance === undefined ? {} : { provenance: resolveLink(provenance, base)?.href ?? null }),
    unknown: {},
  };
}

function lastSegment(url: URL): string {
  const segment = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(segment);
  } catch {
    // A broken encoding is no file name, nor is its raw text, which has a percent sign.
    return segment;
  }
}

/** `#sha256=<hex>`; setuptools' `egg=` and the like stand beside it now and then. */
function parseFragment(fragment: string): Record<string, string> {
  const hashes: Record<string, string> = {};
  for (const [key, value] of new URLSearchParams(fragment.replace(/^#/, ""))) {
    // Some indexes write an empty digest for none.
    if (FRAGMENT_ALGORITHMS.includes(key) && value !== "") hashes[key] ??= value;
  }
  return hashes;
}

/** Writes a project's page in HTML. */
export function renderSimpleHtml(project: SimpleProject, links: PageLinks): Buffer {
  const { status, tracks, alternateLocations, lastSerial } = project;
  const metas: [name: string, content: string][] = [
    ["pypi:repository-version", servedApiVersion(project)],
    ...(status ? [["pypi:project-status", status.status] as [string, string]] : []),
    ...(status?.reason ? [["pypi:project-status-reason", status.reason] as [string, string]] : []),
    ...tracks.map((link): [string, string] => ["pypi:tracks", link]),
    ...alternateLocations.map((link): [string, string] => ["pypi:alternate-locations", link]),
  ];
  const lines = [
    "<!DOCTYPE html>",
    "<html>",
    "<head>",
    ...metas.map(([name, content]) => `<meta name="${name}" content="${escapeHtml(content)}">`),
    `<title>Links for ${escapeHtml(project.name)}</title>`,
    "</head>",
    "<body>",
    `<h1>Links for ${escapeHtml(project.name)}</h1>`,
    ...project.files.map((file) => renderAnchor(file, links)),
    "</body>",
    "</html>",
    // Only digits: a comment has no way to escape what would end it.
    ...(/^[0-9]{1,20}$/.test(String(lastSerial)) ? [`<!--SERIAL ${lastSerial}-->`] : []),
  ];
  return Buffer.from(`${lines.join("\n")}\n`);
}

function renderAnchor(file: SimpleFile, links: PageLinks): string {
  const algorithm = FRAGMENT_ALGORITHMS.find((name) => file.hashes[name]);
  const fragment = algorithm === undefined ? "" : `#${algorithm}=${file.hashes[algorithm]}`;
  const metadata = file.metadataSha256 === undefined ? undefined : `sha256=${file.metadataSha256}`;
  const attributes: [name: string, value: string | undefined][] = [
    ["href", links.archive(file.name) + fragment],
    ["data-requires-python", file.requiresPython],
    // Both names: older pips know only the second. https://peps.python.org/pep-0714/
    ["data-core-metadata", metadata],
    ["data-dist-info-metadata", metadata],
    ["data-yanked", file.yanked === true ? "" : file.yanked || undefined],
    ["data-provenance", file.provenance ? links.provenance(file.name) : undefined],
  ];
  const written = attributes.filter(([, value]) => value !== undefined).map(([name, value]) => ` ${name}="${escapeHtml(value ?? "")}"`);
  return `<a${written.join("")}>${escapeHtml(file.name.file)}</a><br>`;
}
