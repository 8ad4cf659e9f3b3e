import { LRUCache } from "lru-cache";
import { networkOf } from "../core/address-range.ts";
import type { Digest } from "../core/digest.ts";
import { AssayError } from "../core/errors.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";

/** Different unknown tokens from one network within the time below. A job that is set up wrongly sends the same one again and again, and shuts nobody out. */
const MAX_GUESSES = 20;
const WINDOW_MS = 60_000;
/** Networks that are remembered; past it the one that has been silent longest is forgotten. */
const MAX_NETWORKS = 4096;

interface Guesses {
  readonly tokens: Set<Digest>;
  readonly until: number;
}

/** Counts tokens that nobody made, so that nobody can try many: the secret is long enough by itself, and the log of an operator must not be all guesses. */
export class TokenGuesses {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #byNetwork = new LRUCache<string, Guesses>({ max: MAX_NETWORKS });

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Call before a token is looked up. Throws RATE_LIMITED for every token, right or wrong, from where too many wrong ones came. */
  check(address: string): void {
    const guesses = this.#current(networkOf(address));
    if (!guesses || guesses.tokens.size < MAX_GUESSES) return;
    throw new AssayError("RATE_LIMITED", `more than ${MAX_GUESSES} unknown tokens came from this address`, {
      help: "wait a minute; the operator can list a reverse proxy in trusted_proxies, so that its clients are told apart",
      retryAfterSeconds: (guesses.until - this.#clock.now()) / 1000,
    });
  }

  /** Call with each token that is not known. */
  add(address: string, token: Digest): void {
    const network = networkOf(address);
    const { tokens, until } = this.#current(network) ?? { tokens: new Set(), until: this.#clock.now() + WINDOW_MS };
    tokens.add(token);
    this.#byNetwork.set(network, { tokens, until });
    if (tokens.size === MAX_GUESSES) this.#log.warn({ network }, "tokens are being guessed: none is looked up from there for a minute");
  }

  #current(network: string): Guesses | undefined {
    const guesses = this.#byNetwork.get(network);
    return guesses && this.#clock.now() < guesses.until ? guesses : undefined;
  }
}
