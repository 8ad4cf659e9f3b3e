import type { IncomingMessage, ServerResponse } from "node:http";
import { AssayError } from "../core/errors.ts";
import { parseTile } from "../core/tlog/tile.ts";
import type { PublicLog } from "../mirror/log/public-log.ts";
import { servePlain } from "./serve-plain.ts";
import { parseTarget } from "./target.ts";

/** The first segment of the addresses of the decision log. */
export const LOG_NAME = "log";

/** A tile that is there never changes, whether it is full or not. */
const FOREVER = "public, max-age=31536000, immutable";
const ASK_AGAIN = "public, max-age=0, must-revalidate";

/** Answers `/log/checkpoint` and `/log/tile/…`, to read and nothing else. Throws NOT_FOUND, METHOD_NOT_ALLOWED, and what `PublicLog` throws. */
export async function serveLog(request: IncomingMessage, response: ServerResponse, log: PublicLog, pathCharacters: number): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    throw new AssayError("METHOD_NOT_ALLOWED", "the decision log can only be read");
  }
  const { segments } = parseTarget(request.url ?? "", pathCharacters);
  const [name, part, ...rest] = segments;
  if (name === LOG_NAME && part === "checkpoint" && rest.length === 0) {
    const body = Buffer.from(await log.checkpoint());
    return send(request, response, { contentType: "text/plain; charset=utf-8", body, caching: ASK_AGAIN });
  }
  const tile = name === LOG_NAME && part === "tile" ? parseTile(rest) : undefined;
  const body = tile && (await log.tile(tile));
  if (!body) throw new AssayError("NOT_FOUND", "the decision log has nothing at this path");
  return send(request, response, { contentType: "application/octet-stream", body, caching: FOREVER });
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { contentType, body, caching }: { readonly contentType: string; readonly body: Buffer; readonly caching: string },
): Promise<void> {
  return servePlain(request, response, { kind: "plain", status: 200, contentType, body, headers: { "Cache-Control": caching } });
}
