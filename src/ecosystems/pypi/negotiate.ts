import Negotiator from "negotiator";
import { AssayError } from "../../core/errors.ts";

/** One way to write a page. */
interface Representation {
  readonly serialization: "json" | "html";
  readonly contentType: string;
}

const TEXT_HTML: Representation = { serialization: "html", contentType: "text/html; charset=utf-8" };
const JSON_V1: Representation = { serialization: "json", contentType: "application/vnd.pypi.simple.v1+json" };
const HTML_V1: Representation = { serialization: "html", contentType: "application/vnd.pypi.simple.v1+html; charset=utf-8" };

/**
 * What a client may ask for and what it then gets, best first for clients that do not mind. `latest` is an alias: the answer names the real version.
 * https://packaging.python.org/en/latest/specifications/simple-repository-api/#content-types
 */
const SIMPLE_OFFERS: ReadonlyMap<string, Representation> = new Map([
  ["text/html", TEXT_HTML],
  ["application/vnd.pypi.simple.v1+json", JSON_V1],
  ["application/vnd.pypi.simple.v1+html", HTML_V1],
  ["application/vnd.pypi.simple.latest+json", JSON_V1],
  ["application/vnd.pypi.simple.latest+html", HTML_V1],
]);

/** Of the Integrity API; the first is its default. */
export const INTEGRITY_TYPE = "application/vnd.pypi.integrity.v1+json";
const INTEGRITY_OFFERS: ReadonlyMap<string, string> = new Map([
  [INTEGRITY_TYPE, INTEGRITY_TYPE],
  ["application/json", "application/json"],
]);

/** Browsers send some 200 characters, pip 130. */
const MAX_ACCEPT_CHARACTERS = 2048;

/** The representation of a simple page for an Accept header, or for `?format=`, which overrides it. Throws NOT_ACCEPTABLE, BAD_REQUEST. */
export function negotiateSimple(accept: string | undefined, query: URLSearchParams): Representation {
  // Form decoding has made a space of the `+` in the media type, unless the client wrote it as %2B.
  const format = query.get("format")?.replaceAll(" ", "+");
  return format === undefined ? negotiate(accept, SIMPLE_OFFERS) : (SIMPLE_OFFERS.get(format) ?? notAcceptable(SIMPLE_OFFERS));
}

/** The media type of an answer of the Integrity API. Throws NOT_ACCEPTABLE, BAD_REQUEST. */
export function negotiateIntegrity(accept: string | undefined): string {
  return negotiate(accept, INTEGRITY_OFFERS);
}

function negotiate<Offer>(accept: string | undefined, offers: ReadonlyMap<string, Offer>): Offer {
  if (accept !== undefined && accept.length > MAX_ACCEPT_CHARACTERS) {
    throw new AssayError("BAD_REQUEST", `the Accept header is longer than ${MAX_ACCEPT_CHARACTERS} characters`);
  }
  // An empty header says nothing, like none at all. https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1
  const header = accept?.trim() ? accept : "*/*";
  const type = new Negotiator({ headers: { accept: header } }).mediaType([...offers.keys()]);
  const offer = type === undefined ? undefined : offers.get(type);
  return offer ?? notAcceptable(offers);
}

function notAcceptable(offers: ReadonlyMap<string, unknown>): never {
  throw new AssayError("NOT_ACCEPTABLE", "none of the media types asked for can be served", {
    help: `ask for one of ${[...offers.keys()].join(", ")}`,
  });
}
