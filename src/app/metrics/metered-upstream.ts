import { AssayError } from "../../core/errors.ts";
import type { UpstreamClient } from "../../core/ports/upstream-client.ts";

/** Hears what each request to an upstream came to: `document`, `not-modified`, `absent`, `archive`, or an error's code. */
export type HearUpstream = (request: {
  readonly upstream: string;
  readonly kind: "document" | "archive";
  readonly outcome: string;
  /** Whether upstream said anything, be it that it has no such thing. */
  readonly answered: boolean;
  readonly seconds: number;
}) => void;

/** The same client, measured from the call to the answer: turns that were waited for and tries that failed count in. Of an archive, to its first byte. */
export function meteredUpstream(client: UpstreamClient, heard: HearUpstream): UpstreamClient {
  const measured = async <T>(
    upstream: string,
    kind: "document" | "archive",
    work: Promise<T>,
    outcomeOf: (result: T) => string,
  ): Promise<T> => {
    const startedAt = performance.now();
    const tell = (outcome: string, answered: boolean): void =>
      heard({ upstream, kind, outcome, answered, seconds: (performance.now() - startedAt) / 1000 });
    try {
      const result = await work;
      tell(outcomeOf(result), true);
      return result;
    } catch (error) {
      tell(error instanceof AssayError ? error.code : "INTERNAL", false);
      throw error;
    }
  };
  return {
    fetch: (upstream, query) => measured(upstream.id, "document", client.fetch(upstream, query), ({ kind }) => kind),
    open: (upstream, url, options) => measured(upstream.id, "archive", client.open(upstream, url, options), () => "archive"),
    load: () => client.load(),
    close: () => client.close(),
  };
}
