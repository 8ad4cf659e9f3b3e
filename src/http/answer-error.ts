import type { IncomingMessage, ServerResponse } from "node:http";
import { AssayError } from "../core/errors.ts";
import type { Log } from "../core/ports/log.ts";
import type { AskedOf } from "./asked-of.ts";
import { problemOfError, sendProblem } from "./problem.ts";
import { ClientLeft } from "./pump.ts";

/** What a request comes to that threw: an error answer while nothing has gone out, a cut connection after that. */
export function answerError(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  { log, askedOf }: { readonly log: Log; readonly askedOf?: AskedOf | undefined },
): void {
  if (error instanceof ClientLeft) return;
  const fields = { err: error, method: request.method, requestId: response.getHeader("x-request-id") };
  if (!(error instanceof AssayError)) log.error(fields, "unexpected error");
  // The client is told no path of this machine, so the log must have it.
  else if (error.code.startsWith("STORE_")) log.error(fields, "the store failed");
  else if (response.headersSent)
    log.warn({ ...fields, err: undefined, code: error.code }, "a connection was cut: the archive it carried failed");
  // Short of its Content-Length, so that no client takes what it got for the whole.
  // HTTP/1.0 without a length shows no cut but a reset: there the end of the connection is the end of the body.
  if (response.headersSent && request.httpVersion === "1.0") request.socket.resetAndDestroy();
  else if (response.headersSent) response.destroy();
  else sendProblem(response, problemOfError(error), { method: request.method ?? "GET", askedOf });
}
