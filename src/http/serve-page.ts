import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { PageAnswer } from "../core/ports/ecosystem.ts";
import { printableLine } from "../core/printable-line.ts";
import type { HttpDeps } from "./deps.ts";
import { acceptsGzip, type HotPage, pageKey, subjectKey } from "./hot.ts";
import { type FlatHeaders, sendRepresentation } from "./representation.ts";

const gzipped = promisify(gzip);

/** Smaller bodies gain nothing from gzip. */
const GZIP_FROM_BYTES = 1024;

const STALE_REASON_CHARACTERS = 200;

/**
 * Turns a page into what is sent and kept: its bytes and their gzip, each with a validator of its own.
 * `madeAt` is `Hot.moment` before anything was read for it: what was admitted meanwhile may be missing from it.
 */
export async function hotPage(repository: string, page: PageAnswer, madeAt: number, deps: HttpDeps): Promise<HotPage> {
  const digest = createHash("sha256").update(page.contentType).update("\0").update(page.body).digest("hex").slice(0, 32);
  const small = page.body.length < GZIP_FROM_BYTES ? undefined : await gzipped(page.body);
  return {
    repository,
    subject: subjectKey(repository, page.name ?? ""),
    madeAt,
    freshUntil: page.freshness.freshUntil,
    plain: {
      etag: `"${digest}"`,
      sizeBytes: page.body.length,
      headers: headersOf(page, `"${digest}"`, deps),
      body: page.body,
      open: undefined,
    },
    gzip: small && {
      etag: `"${digest}-gzip"`,
      sizeBytes: small.length,
      headers: [...headersOf(page, `"${digest}-gzip"`, deps), "Content-Encoding", "gzip"],
      body: small,
      open: undefined,
    },
  };
}

/** Keeps the page for the next request of the same kind and sends it. */
export async function servePage(request: IncomingMessage, response: ServerResponse, page: HotPage, deps: HttpDeps): Promise<void> {
  deps.hot.keepPage(pageKey(request), page);
  await sendPage(request, response, page, deps);
}

export async function sendPage(request: IncomingMessage, response: ServerResponse, page: HotPage, deps: HttpDeps): Promise<void> {
  const representation = page.gzip && acceptsGzip(request) ? page.gzip : page.plain;
  const sent = await sendRepresentation(request, response, representation);
  deps.counters.add(page.repository, "documents_served", 1);
  deps.counters.add(page.repository, "bytes_served", sent);
}

/**
 * Clients ask again each time and mostly get a 304: an index page decides what is installed, so it must not outlive the policy in a client's cache.
 * A page that upstream could not confirm says so, in the words of RFC 7234's Warning and in our own header.
 */
function headersOf(page: PageAnswer, etag: string, deps: HttpDeps): FlatHeaders {
  const { freshness } = page;
  const headers = [
    ...["Content-Type", page.contentType],
    ...["ETag", etag],
    ...["Cache-Control", "public, max-age=0, must-revalidate"],
    ...["Vary", page.varies.accept ? "Accept, Accept-Encoding" : "Accept-Encoding"],
    ...["X-Content-Type-Options", "nosniff"],
    ...Object.entries(page.headers ?? {}).flat(),
  ];
  if (freshness.stale === undefined) return headers;
  const ageSeconds = Math.max(0, Math.round((deps.clock.now() - freshness.validatedAt) / 1000));
  return [
    ...headers,
    ...["Age", String(ageSeconds)],
    ...["Warning", '110 - "Response is Stale"'],
    ...["X-Assay-Stale", printableLine(freshness.stale, STALE_REASON_CHARACTERS)],
  ];
}
