import type { IncomingHttpHeaders } from "undici/types/header.js";
import { AssayError } from "../core/errors.ts";
import { describeUrl } from "./upstream-failure.ts";

/** The headers that mean something to us, parsed. Nothing else of an upstream's headers goes further than this file. */
export interface ResponseHeaders {
  /** Lowercase media type without parameters; empty where none was sent. */
  readonly contentType: string;
  /** Lowercase content-coding; undefined for none or `identity`. Several, as sent: nobody decodes those. */
  readonly contentCoding: string | undefined;
  readonly contentLength: number | undefined;
  /** As sent, with quotes. */
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly location: string | undefined;
  readonly acceptsRanges: boolean;
  readonly contentRange: { readonly first: number; readonly last: number; readonly total: number } | undefined;
  readonly retryAfterSeconds: number | undefined;
  /** The next page and the length of a list (RFC 8288; X-Total-Count). */
  readonly link: string | undefined;
  readonly totalCount: string | undefined;
  /** `x-checksum-<algorithm>`, by algorithm. */
  readonly checksums: Readonly<Record<string, string>>;
}

const CHECKSUM_ALGORITHMS = ["sha256", "sha512", "sha1", "md5"];
/** Characters of a header that is kept. Validators come back to us from the index and are sent again. */
const MAX_VALUE_CHARACTERS = 2048;
const MAX_RETRY_AFTER_SECONDS = 24 * 60 * 60;

/** Throws UPSTREAM_MALFORMED for a Content-Length that is not one number: two readers of it would see two bodies. */
export function readHeaders(headers: IncomingHttpHeaders, url: URL, nowMs: number): ResponseHeaders {
  const value = (name: string): string | undefined => fieldValue(headers[name]);
  const coding = value("content-encoding")?.toLowerCase();
  const checksums: Record<string, string> = {};
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const checksum = value(`x-checksum-${algorithm}`);
    if (checksum !== undefined) checksums[algorithm] = checksum;
  }
  return {
    contentType: (value("content-type")?.split(";", 1)[0] ?? "").trim().toLowerCase(),
    contentCoding: coding === "" || coding === "identity" ? undefined : coding,
    contentLength: contentLength(headers["content-length"], url),
    etag: value("etag"),
    lastModified: value("last-modified"),
    location: value("location"),
    acceptsRanges: value("accept-ranges")?.toLowerCase() === "bytes",
    contentRange: contentRange(value("content-range")),
    retryAfterSeconds: retryAfter(value("retry-after"), nowMs),
    link: value("link"),
    totalCount: value("x-total-count"),
    checksums,
  };
}

/** A header that was sent once, is of a sane length and holds only what may be sent again; anything else counts as not sent. */
function fieldValue(value: string | string[] | undefined): string | undefined {
  if (typeof value !== "string" || value.length > MAX_VALUE_CHARACTERS) return undefined;
  return /^[\x20-\x7e]*$/.test(value) ? value.trim() : undefined;
}

function contentLength(value: string | string[] | undefined, url: URL): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string" || !/^\d{1,15}$/.test(value)) {
    throw new AssayError("UPSTREAM_MALFORMED", `the Content-Length is not one number: ${describeUrl(url)}`);
  }
  return Number(value);
}

function contentRange(value: string | undefined): ResponseHeaders["contentRange"] {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(value ?? "");
  return match ? { first: Number(match[1]), last: Number(match[2]), total: Number(match[3]) } : undefined;
}

/** Seconds, or an HTTP date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function retryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const seconds = /^\d{1,9}$/.test(value) ? Number(value) : Math.ceil((Date.parse(value) - nowMs) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 0), MAX_RETRY_AFTER_SECONDS);
}
