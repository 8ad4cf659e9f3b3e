import type { IncomingMessage } from "node:http";
import { AssayError } from "../core/errors.ts";
import { ClientLeft } from "./pump.ts";

const OPERATOR = "the operator can raise limits.request_body";

/** Reads a request body whole. `help` says what to do about one that is larger. Throws PAYLOAD_TOO_LARGE past `maxBytes`, on the announced length already, and ClientLeft. */
export async function readBody(request: IncomingMessage, maxBytes: number, help = OPERATOR): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes, help);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge(maxBytes, help);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof AssayError ? error : new ClientLeft(); // A request's stream fails for no other reason.
  }
  return Buffer.concat(chunks);
}

function tooLarge(maxBytes: number, help: string): AssayError {
  return new AssayError("PAYLOAD_TOO_LARGE", `the request body is larger than ${maxBytes} bytes`, { help });
}
