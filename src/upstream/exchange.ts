import type { Dispatcher } from "undici";
import { AssayError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import { CircuitBreaker, type Health } from "./circuit-breaker.ts";
import type { Destinations, Standing } from "./destination.ts";
import { DEFAULT_CIRCUIT, type UpstreamAuth, type UpstreamOptions } from "./options.ts";
import { type ResponseHeaders, readHeaders } from "./response-headers.ts";
import { translateError } from "./translate-error.ts";
import type { Transport } from "./transport.ts";
import { describeUrl } from "./upstream-failure.ts";

export interface ExchangeRequest {
  readonly url: URL;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** An archive, as opposed to a document. */
  readonly bulk: boolean;
}

export interface ExchangeAnswer {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Must be read or destroyed. Throws what undici throws. */
  readonly body: Dispatcher.ResponseData["body"];
  /** Where the answer came from, after redirects. */
  readonly url: URL;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Of these a gateway says that nobody is behind it. A plain 500 may be about one package, so it opens no circuit. */
const ORIGIN_DOWN = new Set([502, 503, 504]);
/** Bytes of an unwanted body worth reading to keep its connection, and milliseconds. */
const DRAIN_BYTES = 64 * 1024;
const DRAIN_MS = 500;

/** One request with its redirects, each hop checked anew. One for each upstream. */
export class Exchange {
  readonly #options: UpstreamOptions;
  readonly #destinations: Destinations;
  readonly #transport: Transport;
  readonly #breaker: CircuitBreaker;
  readonly #maxRedirects: number;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(
    options: UpstreamOptions,
    parts: { destinations: Destinations; transport: Transport; maxRedirects: number; clock: Clock; log: Log },
  ) {
    this.#options = options;
    this.#destinations = parts.destinations;
    this.#transport = parts.transport;
    this.#maxRedirects = parts.maxRedirects;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#breaker = new CircuitBreaker(options.circuit ?? DEFAULT_CIRCUIT, parts.clock);
  }

  /** Origins that are left alone now. */
  get openCircuits(): number {
    return this.#breaker.open;
  }

  /** Answers any status but a redirect. Throws UPSTREAM_ADDRESS, UPSTREAM_CIRCUIT_OPEN, UPSTREAM_REDIRECT, and what the connection fails with. */
  async run(request: ExchangeRequest): Promise<ExchangeAnswer> {
    let url = withoutExtras(request.url);
    // Once a hop has left the upstream's origin, somebody else chose the rest of the way: no credentials after that, even back home.
    let trusted = true;
    for (let redirects = 0; ; redirects++) {
      const standing = await this.#destinations.standingOf(url);
      trusted &&= standing === "own";
      const answer = await this.#hop(request, url, standing, trusted);
      if (!REDIRECTS.has(answer.status)) return answer;
      await discard(answer);
      if (redirects >= this.#maxRedirects) {
        throw new AssayError("UPSTREAM_REDIRECT", `more than ${this.#maxRedirects} redirects from ${describeUrl(request.url)}`);
      }
      url = redirectTarget(request, answer);
    }
  }

  #hop(request: ExchangeRequest, url: URL, standing: Standing, withCredentials: boolean): Promise<ExchangeAnswer> {
    const authorization = withCredentials && this.#options.auth ? { authorization: authorizationOf(this.#options.auth) } : {};
    const headers = { "user-agent": "assay", ...request.headers, ...authorization };
    const startedAt = this.#clock.now();
    return this.#breaker.run(
      url.origin,
      async () => {
        try {
          const response = await this.#transport.send({ ...request, url, standing, headers });
          this.#log.debug({ url: describeUrl(url), status: response.statusCode, ms: this.#clock.now() - startedAt }, "upstream answered");
          return answerOf(response, url, this.#clock.now());
        } catch (error) {
          throw translateError(error, "headers", url);
        }
      },
      healthOf,
    );
  }
}

function answerOf(response: Dispatcher.ResponseData, url: URL, nowMs: number): ExchangeAnswer {
  const { statusCode: status, body } = response;
  body.on("error", () => {}); // Whoever reads the body sees its error. A body that nobody reads any more must not end the process.
  try {
    return { status, headers: readHeaders(response.headers, url, nowMs), body, url };
  } catch (error) {
    body.destroy();
    throw error;
  }
}

function healthOf(outcome: { result: ExchangeAnswer } | { error: unknown }): Health {
  if ("result" in outcome) return ORIGIN_DOWN.has(outcome.result.status) ? "failed" : "well";
  const { error } = outcome;
  return error instanceof AssayError && (error.code === "UPSTREAM_UNREACHABLE" || error.code === "UPSTREAM_TIMEOUT") ? "failed" : "unclear";
}

/** Throws UPSTREAM_REDIRECT. Where it may lead is for `Destinations` to say. */
function redirectTarget(request: ExchangeRequest, { headers, url, status }: ExchangeAnswer): URL {
  const fail = (why: string): never => {
    throw new AssayError("UPSTREAM_REDIRECT", `${describeUrl(url)} answers with a redirect (${status}) that cannot be followed: ${why}`);
  };
  if (headers.location === undefined || !URL.canParse(headers.location, url.href)) return fail("its Location is missing or no URL");
  const target = withoutExtras(new URL(headers.location, url));
  if (url.protocol === "https:" && target.protocol === "http:") return fail(`it leaves https for ${describeUrl(target)}`);
  // A request body is the user's (npm audit sends what is installed): it goes where the operator said, and not on from there.
  if (request.method === "POST" && (target.origin !== url.origin || status < 307)) return fail("it is the answer to a POST");
  return target;
}

/** Credentials in a URL that came from outside are not ours to send; fragments are not sent at all. */
function withoutExtras(url: URL): URL {
  const plain = new URL(url);
  plain.username = "";
  plain.password = "";
  plain.hash = "";
  return plain;
}

function authorizationOf(auth: UpstreamAuth): string {
  return auth.kind === "bearer" ? `Bearer ${auth.token}` : `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`;
}

/** Reads what is left of a short body that nobody wants, so that its connection can be used again; ends the connection where that takes long. */
export async function discard({ body }: Pick<ExchangeAnswer, "body">): Promise<void> {
  await body.dump({ limit: DRAIN_BYTES, signal: AbortSignal.timeout(DRAIN_MS) }).catch(() => {});
}
