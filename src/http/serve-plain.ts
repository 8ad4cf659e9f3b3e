import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { PlainAnswer } from "../core/ports/ecosystem.ts";
import { sendRepresentation } from "./representation.ts";

/** Sends what was made on the spot and is not kept. A good answer to GET has a validator, so that whoever has the same already is told so. */
export async function servePlain(request: IncomingMessage, response: ServerResponse, answer: PlainAnswer): Promise<void> {
  const { status, contentType, body } = answer;
  const headers = { "Content-Type": contentType, "X-Content-Type-Options": "nosniff" };
  if (status === 200 && (request.method === "GET" || request.method === "HEAD")) {
    const etag = `"${createHash("sha256").update(contentType).update("\0").update(body).digest("hex").slice(0, 32)}"`;
    const flat = Object.entries({ ...headers, ETag: etag, "Cache-Control": "no-cache", ...answer.headers }).flat();
    await sendRepresentation(request, response, { etag, sizeBytes: body.length, headers: flat, body, open: undefined });
    return;
  }
  // 204 has neither a body nor a length of it. https://www.rfc-editor.org/rfc/rfc9110#section-8.6
  const length = status === 204 ? {} : { "Content-Length": String(body.length) };
  response.writeHead(status, { ...headers, ...length, "Cache-Control": "no-store", ...answer.headers });
  response.end(request.method === "HEAD" || status === 204 ? undefined : body);
}
