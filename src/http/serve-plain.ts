import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { EcosystemAnswer } from "../core/ports/ecosystem.ts";
import { sendRepresentation } from "./representation.ts";

type PlainAnswer = Extract<EcosystemAnswer, { kind: "plain" }>;

/** Sends what was made on the spot and is not kept. A good answer to GET has a validator, so that whoever has the same already is told so. */
export async function servePlain(request: IncomingMessage, response: ServerResponse, answer: PlainAnswer): Promise<void> {
  const { status, contentType, body } = answer;
  const headers = { "Content-Type": contentType, "X-Content-Type-Options": "nosniff" };
  if (status === 200 && request.method !== "POST") {
    const etag = `"${createHash("sha256").update(contentType).update("\0").update(body).digest("hex").slice(0, 32)}"`;
    const flat = Object.entries({ ...headers, ETag: etag, "Cache-Control": "no-cache", ...answer.headers }).flat();
    await sendRepresentation(request, response, { etag, sizeBytes: body.length, headers: flat, body, open: undefined });
    return;
  }
  response.writeHead(status, { ...headers, "Content-Length": String(body.length), "Cache-Control": "no-store", ...answer.headers });
  response.end(request.method === "HEAD" ? undefined : body);
}
