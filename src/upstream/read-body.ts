import { AssayError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { ExchangeAnswer } from "./exchange.ts";
import { translateError, truncated } from "./translate-error.ts";
import { describeUrl, UpstreamFailure } from "./upstream-failure.ts";

/** Milliseconds of waiting after which a body must have come at `MIN_BYTES_PER_SECOND` on average. */
const PACE_GRACE_MS = 60_000;
/** A byte every few seconds breaks no idle timeout, and would hold a connection for ever. */
const MIN_BYTES_PER_SECOND = 1024;

/**
 * The bytes of an answer as they were sent, at most `maxBytes`. Throws UPSTREAM_LIMIT, at once where the announced length is past it,
 * UPSTREAM_TIMEOUT, UPSTREAM_TRUNCATED, UPSTREAM_LENGTH. Only time spent waiting for upstream counts, none of the reader's.
 */
export async function* readBody(answer: ExchangeAnswer, maxBytes: number, clock: Clock): AsyncGenerator<Buffer, void, void> {
  const { body, headers, url } = answer;
  let receivedBytes = 0;
  try {
    if ((headers.contentLength ?? 0) > maxBytes) throw tooLong(url, maxBytes);
    const source = body[Symbol.asyncIterator]();
    let waitedMs = 0;
    for (;;) {
      const askedAt = clock.now();
      const step = await source.next();
      if (step.done) return;
      const chunk: Buffer = step.value;
      receivedBytes += chunk.length;
      waitedMs += clock.now() - askedAt;
      if (receivedBytes > maxBytes) throw tooLong(url, maxBytes);
      if (waitedMs > PACE_GRACE_MS && receivedBytes < (waitedMs / 1000) * MIN_BYTES_PER_SECOND) {
        throw new UpstreamFailure(
          "UPSTREAM_TIMEOUT",
          `the answer comes at less than ${MIN_BYTES_PER_SECOND} bytes/s: ${describeUrl(url)}`,
          {
            mayPass: false,
          },
        );
      }
      yield chunk;
    }
  } catch (error) {
    const failure = translateError(error, "body", url);
    // On a connection that upstream meant to close anyway, undici reports every cut as a wrong length.
    if (failure.code === "UPSTREAM_LENGTH" && receivedBytes < (headers.contentLength ?? 0)) throw truncated(url, failure);
    throw failure;
  } finally {
    body.destroy(); // Ends the connection unless the body was read to its end.
  }
}

export function tooLong(url: URL, maxBytes: number): AssayError {
  return new AssayError("UPSTREAM_LIMIT", `longer than ${maxBytes} bytes: ${describeUrl(url)}`, {
    help: "raise the limit for this kind of file under `limits` if that is right",
  });
}
