import type { IncomingMessage } from "node:http";
import type { Ecosystem, ProblemContext, Repository } from "../core/ports/ecosystem.ts";
import type { HttpDeps } from "./deps.ts";
import { originOf } from "./origin.ts";

/** Whose clients a problem is told to, and what they asked for. */
export interface AskedOf {
  readonly ecosystem: Pick<Ecosystem, "problemBody">;
  readonly context: ProblemContext;
}

/** Reads the request no further than it must: what is wrong with it may be its path or its Host. */
export function askedOf(
  request: IncomingMessage,
  repository: Repository,
  { ecosystems, publicUrl }: Pick<HttpDeps, "ecosystems" | "publicUrl">,
): AskedOf {
  const [target = ""] = (request.url ?? "").split("?", 1);
  const below = target.indexOf("/", 1);
  return {
    ecosystem: ecosystems[repository.ecosystem],
    context: { path: below < 0 ? "" : target.slice(below), base: `${originOrNothing(request, publicUrl)}/${repository.name}` },
  };
}

function originOrNothing(request: IncomingMessage, publicUrl: string | undefined): string {
  try {
    return originOf(request, publicUrl);
  } catch {
    return "";
  }
}
