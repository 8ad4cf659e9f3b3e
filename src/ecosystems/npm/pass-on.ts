import { AssayError, type ErrorCode } from "../../core/errors.ts";
import { type JsonValue, parseJson } from "../../core/json.ts";
import type { EcosystemServices, Repository } from "../../core/ports/ecosystem.ts";
import type { DocumentQuery, Upstream } from "../../core/ports/upstream-client.ts";
import { FULL_TYPE } from "./abbreviate.ts";

/** What one upstream is asked. */
export type PassedOn = Pick<DocumentQuery, "method" | "requestBody" | "contentType">;

export interface PassedOnAnswer {
  readonly upstream: Upstream;
  readonly body: Buffer;
  readonly value: JsonValue;
}

/**
 * What comes to the same as having no such thing. Offline there never will be an answer, and npm, which asks again after a 504, goes on at once after a 404 and without a word (an
 * empty list of advisories would say that somebody looked).
 */
const HAS_NONE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["UPSTREAM_STATUS", "OFFLINE"]);

/**
 * The first answer to a request that is passed on and not kept. `queryFor` says what an upstream is asked; undefined where it must not hear of it.
 * Throws NOT_FOUND where no upstream has such a thing or none is ever asked, and what the upstream client throws for one that fails.
 */
export async function passOn(
  repository: Repository,
  path: string,
  { upstream: client, limits }: Pick<EcosystemServices, "upstream" | "limits">,
  queryFor: (upstream: Upstream) => PassedOn | undefined,
): Promise<PassedOnAnswer> {
  let why = "";
  for (const upstream of repository.upstreams) {
    const query = queryFor(upstream);
    if (!query) continue;
    const url = new URL(`./${path}`, upstream.url);
    try {
      const answer = await client.fetch(upstream, { url, accept: FULL_TYPE, maxBytes: limits.sidecarBytes, ...query });
      if (answer.kind !== "document") continue;
      const { body } = answer.response;
      return { upstream, body, value: parseJson(body, { maxDepth: limits.jsonDepth, source: url.pathname }) };
    } catch (error) {
      // Registries without audits say so by 405, 400 or 501 as well as by 404. Nothing is installed by these answers, so asking the next is safe.
      if (!(error instanceof AssayError) || !HAS_NONE.has(error.code)) throw error;
      why = `: ${error.message}`;
    }
  }
  throw new AssayError("NOT_FOUND", `no upstream of ${repository.name} answers ${path.replace(/\?.*$/, "")}${why}`);
}

/** Whether a package may be spoken of with this upstream. */
export function mayHear(services: Pick<EcosystemServices, "upstreamsFor">, repository: Repository, upstream: Upstream) {
  return (name: string): boolean => services.upstreamsFor(repository, name).includes(upstream);
}
