import type { IncomingMessage, ServerResponse } from "node:http";
import { AssayError } from "../core/errors.ts";
import type { HttpDeps } from "./deps.ts";
import { pageKey } from "./hot.ts";
import { ClientLeft } from "./pump.ts";
import { sendRepresentation } from "./representation.ts";
import { sendPage } from "./serve-page.ts";

/**
 * The short road for hits: what has been served before is answered from memory, ahead of the framework. Everything in `hot` went down the whole road,
 * under the policy of now, so nothing gets around the verdict here. Answers false where the request must take the long road; `longRoad` is for one that turns out to only later.
 */
export function answerHot(
  request: IncomingMessage,
  response: ServerResponse,
  deps: HttpDeps,
  { failed, longRoad }: { readonly failed: (error: unknown) => void; readonly longRoad: () => void },
): boolean {
  if (request.method !== "GET" && request.method !== "HEAD") return false;
  const target = request.url ?? "";
  const file = deps.hot.file(target, deps.clock.now());
  if (file) {
    sendRepresentation(request, response, file.representation).then(
      (sent) => {
        deps.uses.blob(file.digest);
        deps.counters.add(file.repository, "hits", 1);
        deps.counters.add(file.repository, "bytes_served", sent);
        deps.tally.answered(file.repository, "archive", response.statusCode);
        deps.tally.warned(file.repository, file.warnings);
      },
      (error: unknown) => {
        // Its bytes may have been evicted or damaged: what was not begun to be sent is fetched anew.
        if (!(error instanceof ClientLeft)) deps.hot.dropFile(target);
        if (isStoreCorrupt(error) && !response.headersSent) longRoad();
        else failed(error);
      },
    );
    return true;
  }
  const page = deps.hot.page(pageKey(request), deps.clock.now());
  if (!page) return false;
  sendPage(request, response, page, deps).then(() => deps.tally.answered(page.repository, "page", response.statusCode), failed);
  return true;
}

function isStoreCorrupt(error: unknown): boolean {
  return error instanceof AssayError && error.code === "STORE_CORRUPT";
}
