import type { IncomingMessage, ServerResponse } from "node:http";
import type { ManagementRequest, PlainAnswer, Repository } from "../core/ports/ecosystem.ts";
import { askerOf } from "./asker.ts";
import { authenticate } from "./authenticate.ts";
import type { HttpDeps } from "./deps.ts";
import { originOf } from "./origin.ts";
import { readForm } from "./read-form.ts";
import { readBody } from "./request-body.ts";
import { parseTargetBelow } from "./target.ts";
import type { TokenGuesses } from "./token-guesses.ts";

const FORM_IDLE_MS = 30_000;
/** Bytes of a body that is no form: a tag, a message, a comment. */
const BODY_BYTES = 64 * 1024;
/** A client that was answered before it had sent all may go on for this long, so that it comes to read the answer. */
const LINGER_MS = 10_000;

/** Answers what changes a hosted repository, or asks how it was changed; undefined for what only reads packages. Throws what `Ecosystem.manage` throws. */
export async function answerManagement(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  repository: Repository,
  deps: HttpDeps & { readonly guesses: TokenGuesses },
): Promise<PlainAnswer | undefined> {
  const ecosystem = deps.ecosystems[repository.ecosystem];
  if (!repository.hosted || !ecosystem.manage) return undefined;
  outgoing.once("finish", () => lingerOn(incoming));
  const { segments, query } = parseTargetBelow(repository.name, incoming.url ?? "", deps.limits.pathCharacters);
  const asker = askerOf(incoming, outgoing, deps.trustedProxies);
  const request: ManagementRequest = {
    method: incoming.method ?? "",
    segments,
    query,
    accept: incoming.headers.accept,
    origin: originOf(incoming, deps.publicUrl),
    mount: `/${repository.name}`,
    token: () => authenticate(incoming, asker.address, deps),
    body: () => readBody(incoming, BODY_BYTES, "send nothing but the fields that this change has"),
    form: () => readForm(incoming, { fieldBytes: deps.limits.bundleBytes, idleMs: FORM_IDLE_MS }),
    requestContentType: incoming.headers["content-type"],
    asker,
  };
  return ecosystem.manage(repository, request);
}

/** Takes and forgets what a client still sends of a body that was answered already, and then cuts it off: an upload need not end by itself. */
function lingerOn(incoming: IncomingMessage): void {
  if (incoming.complete) return;
  const cut = setTimeout(() => incoming.socket.destroy(), LINGER_MS);
  cut.unref();
  incoming.once("close", () => clearTimeout(cut));
  incoming.once("end", () => clearTimeout(cut));
  incoming.resume();
}
