import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { AssayError } from "../../core/errors.ts";
import { parseJson } from "../../core/json.ts";
import type { EcosystemAnswer, EcosystemRequest, EcosystemServices, Repository } from "../../core/ports/ecosystem.ts";
import type { DocumentQuery } from "../../core/ports/upstream-client.ts";
import { FULL_TYPE } from "./abbreviate.ts";

/** What npm's clients send with a search; nothing else is passed on. */
const SEARCH_PARAMETERS = ["text", "size", "from", "quality", "popularity", "maintenance"] as const;
const MAX_PARAMETER_CHARACTERS = 512;

const decompress = promisify(gunzip);

/** Not kept: searches are as many as people can think of. Throws NOT_FOUND where no upstream has a search. */
export async function search(repository: Repository, request: EcosystemRequest, services: EcosystemServices): Promise<EcosystemAnswer> {
  const parameters = new URLSearchParams();
  for (const key of SEARCH_PARAMETERS) {
    const value = request.query.get(key);
    if (value !== null) parameters.set(key, value.slice(0, MAX_PARAMETER_CHARACTERS));
  }
  return ask(repository, `-/v1/search?${parameters}`, {}, services);
}

/**
 * Passes the names and versions of an audit on, and the advisories back. Throws NOT_FOUND where no upstream audits: npm then installs without.
 * Throws PAYLOAD_TOO_LARGE, BAD_REQUEST for a body that is not JSON.
 */
export async function audit(
  repository: Repository,
  path: string,
  request: EcosystemRequest,
  services: EcosystemServices,
): Promise<EcosystemAnswer> {
  const maxBytes = services.limits.requestBodyBytes;
  const requestBody = await plainBody(await request.body(), maxBytes);
  return ask(repository, path, { method: "POST", requestBody, contentType: FULL_TYPE }, services);
}

/** npm sends audits gzip-compressed; its Content-Encoding does not travel with the body, so what goes on is plain. */
async function plainBody(body: Buffer, maxBytes: number): Promise<Buffer> {
  const isGzip = body[0] === 0x1f && body[1] === 0x8b;
  let plain = body;
  try {
    if (isGzip) plain = await decompress(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof RangeError) throw new AssayError("PAYLOAD_TOO_LARGE", `the request body unpacks to more than ${maxBytes} bytes`);
    throw new AssayError("BAD_REQUEST", "the request body is broken gzip", { cause: error });
  }
  if (plain.length > maxBytes) throw new AssayError("PAYLOAD_TOO_LARGE", `the request body is larger than ${maxBytes} bytes`);
  return plain;
}

async function ask(
  repository: Repository,
  path: string,
  query: Pick<DocumentQuery, "method" | "requestBody" | "contentType">,
  { upstream: client, limits }: EcosystemServices,
): Promise<EcosystemAnswer> {
  let why = "";
  for (const upstream of repository.upstreams) {
    const url = new URL(`./${path}`, upstream.url);
    try {
      const answer = await client.fetch(upstream, { url, accept: FULL_TYPE, maxBytes: limits.sidecarBytes, ...query });
      if (answer.kind !== "document") continue;
      parseJson(answer.response.body, { maxDepth: limits.jsonDepth, source: url.pathname });
      return { kind: "plain", status: 200, contentType: FULL_TYPE, body: answer.response.body };
    } catch (error) {
      // Registries without audits say so by 405, 400 or 501 as well as by 404. Nothing is installed by these answers, so asking the next is safe.
      if (!(error instanceof AssayError) || error.code !== "UPSTREAM_STATUS") throw error;
      why = `: ${error.message}`;
    }
  }
  throw new AssayError("NOT_FOUND", `no upstream of ${repository.name} answers ${path.replace(/\?.*$/, "")}${why}`);
}
