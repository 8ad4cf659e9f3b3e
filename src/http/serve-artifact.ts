import type { IncomingMessage, ServerResponse } from "node:http";
import { AssayError } from "../core/errors.ts";
import type { AdmittedBlob } from "../core/ports/blob-store.ts";
import type { EcosystemAnswer, Repository } from "../core/ports/ecosystem.ts";
import { printableLine } from "../core/printable-line.ts";
import type { Admission, Admit } from "../core/verdict.ts";
import type { FlightReader } from "../mirror/flight.ts";
import { askedOf } from "./asked-of.ts";
import { askerOf } from "./asker.ts";
import type { HttpDeps } from "./deps.ts";
import type { HotFile } from "./hot.ts";
import { problemOfRefusal, sendProblem } from "./problem.ts";
import { pump } from "./pump.ts";
import { type FlatHeaders, sendRepresentation } from "./representation.ts";

type ArtifactAnswer = Extract<EcosystemAnswer, { kind: "artifact" }>;

/** Bodies up to this size are kept in memory, ready to be sent. */
const BODY_IN_MEMORY_BYTES = 4 * 1024 * 1024;

const WARNING_CHARACTERS = 500;

/** An archive that was let go between its verdict and its first byte is asked for so often, in all. */
const MOST_TRIES = 3;

/** A verdict is asked for again after this time, even on a hit: what it rests on includes the clock. */
const VERDICT_HOLDS_MS = 60_000;

/**
 * The one place that sends archive bytes, for every verb and every path that names an archive: admitted bytes, a refusal, or the first part of an
 * archive that is still on its way. Throws what `obtain` throws, for the error answer; after bytes have gone out it cuts the connection instead.
 */
export async function serveArtifact(
  request: IncomingMessage,
  response: ServerResponse,
  repository: Repository,
  answer: ArtifactAnswer,
  origin: string,
  deps: HttpDeps,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await serveOnce(request, response, repository, answer, origin, deps);
    } catch (error) {
      const isGone = error instanceof AssayError && error.code === "STORE_CORRUPT";
      if (!isGone || response.headersSent || tries === MOST_TRIES) throw error;
    }
  }
}

async function serveOnce(
  request: IncomingMessage,
  response: ServerResponse,
  repository: Repository,
  answer: ArtifactAnswer,
  origin: string,
  deps: HttpDeps,
): Promise<void> {
  const madeAt = deps.hot.moment;
  const asker = askerOf(request, response, deps.trustedProxies);
  const obtained = await deps.mirror.obtain(repository, answer.ref, asker);
  switch (obtained.kind) {
    case "held":
      deps.counters.add(repository.name, "hits", 1);
      return serveAdmitted(request, response, { ...obtained, madeAt }, answer, deps);
    case "refused":
      return refuse(request, response, obtained.admission, repository, origin, deps);
    case "arriving": {
      const ready = await obtained.flight.ready();
      if (ready.kind === "flowing") return serveArriving(request, response, ready.reader, answer, deps);
      if (ready.admission.verdict.kind === "refuse") return refuse(request, response, ready.admission, repository, origin, deps);
      const held = await deps.mirror.held(repository, answer.ref, asker);
      if (held?.kind === "held") return serveAdmitted(request, response, { ...held, madeAt }, answer, deps);
      if (held?.kind === "refused") return refuse(request, response, held.admission, repository, origin, deps);
      throw new AssayError("STORE_CORRUPT", "an archive that was admitted a moment ago is not in the store", { help: "ask again" });
    }
    default:
      return obtained satisfies never;
  }
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  admission: Admission,
  repository: Repository,
  origin: string,
  deps: HttpDeps,
): void {
  if (admission.verdict.kind !== "refuse") throw new Error("refuse was called with an admission that admits");
  deps.counters.add(repository.name, "refusals", 1);
  deps.tally.refused(repository.name, admission.verdict.reasons[0].code);
  sendProblem(response, problemOfRefusal(admission, admission.verdict, origin), {
    method: request.method ?? "GET",
    askedOf: askedOf(request, repository, deps),
  });
}

async function serveAdmitted(
  request: IncomingMessage,
  response: ServerResponse,
  held: { readonly blob: AdmittedBlob; readonly admission: Admission; readonly verdict: Admit; readonly madeAt: number },
  answer: ArtifactAnswer,
  deps: HttpDeps,
): Promise<void> {
  deps.uses.blob(held.blob.digest);
  const file = await hotFile(held, answer, deps);
  deps.hot.keepFile(request.url ?? "", file);
  const sent = await sendRepresentation(request, response, file.representation);
  deps.counters.add(answer.ref.repository, "bytes_served", sent);
  deps.tally.warned(answer.ref.repository, file.warnings);
}

async function hotFile(
  held: { readonly blob: AdmittedBlob; readonly verdict: Admit; readonly madeAt: number },
  answer: ArtifactAnswer,
  deps: HttpDeps,
): Promise<HotFile> {
  const { blob } = held;
  return {
    repository: answer.ref.repository,
    digest: blob.digest,
    warnings: held.verdict.warnings,
    goodUntil: deps.clock.now() + VERDICT_HOLDS_MS,
    madeAt: held.madeAt,
    representation: {
      etag: `"sha256-${blob.digest}"`,
      sizeBytes: blob.sizeBytes,
      headers: admittedHeaders(held, answer),
      body: blob.sizeBytes <= BODY_IN_MEMORY_BYTES ? await readWhole(blob, deps) : undefined,
      open: () => deps.readers.open(blob),
    },
  };
}

function admittedHeaders(held: { readonly blob: AdmittedBlob; readonly verdict: Admit }, answer: ArtifactAnswer): FlatHeaders {
  const { digest } = held.blob;
  const headers = [
    ...["Content-Type", answer.contentType],
    ...["ETag", `"sha256-${digest}"`],
    ...["Accept-Ranges", "bytes"],
    ...["Cache-Control", "public, max-age=31536000, immutable"],
    ...["X-Content-Type-Options", "nosniff"],
    ...["X-Checksum-SHA256", digest],
    ...["Repr-Digest", `sha-256=:${Buffer.from(digest, "hex").toString("base64")}:`],
    ...Object.entries(answer.headers ?? {}).flat(),
  ];
  if (held.verdict.warnings.length > 0) {
    const text = held.verdict.warnings.map((warning) => `${warning.code}: ${warning.text}`).join("; ");
    headers.push("X-Assay-Warning", printableLine(text, WARNING_CHARACTERS));
  }
  return headers;
}

async function readWhole(blob: AdmittedBlob, deps: HttpDeps): Promise<Buffer> {
  const reader = await deps.readers.open(blob);
  try {
    const body = Buffer.allocUnsafeSlow(blob.sizeBytes);
    let filled = 0;
    while (filled < body.length) {
      const got = await reader.read(body.subarray(filled), filled);
      if (got === 0) throw new Error("an admitted blob ended before its size");
      filled += got;
    }
    return body;
  } finally {
    await reader.close();
  }
}

/**
 * The first part of an archive whose verdict is still open. No validator and no ranges yet: its digest is only claimed so far. A Range is answered
 * with the whole, which RFC 9110 allows; asking for the end alone would mean waiting in silence for the verdict.
 */
async function serveArriving(
  request: IncomingMessage,
  response: ServerResponse,
  reader: FlightReader,
  answer: ArtifactAnswer,
  deps: HttpDeps,
): Promise<void> {
  try {
    response.writeHead(200, [
      ...["Content-Type", answer.contentType],
      ...["Cache-Control", "no-store"],
      ...["X-Content-Type-Options", "nosniff"],
      ...(reader.sizeBytes === undefined ? [] : ["Content-Length", String(reader.sizeBytes)]),
      ...Object.entries(answer.headers ?? {}).flat(),
    ]);
    if (request.method === "HEAD") {
      response.end();
      return;
    }
    response.flushHeaders();
    deps.counters.add(answer.ref.repository, "bytes_served", await pump(response, reader, 0, undefined));
    response.end();
  } finally {
    await reader.close();
  }
}
