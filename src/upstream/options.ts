import type { Upstream } from "../core/ports/upstream-client.ts";

export type UpstreamAuth =
  | { readonly kind: "bearer"; readonly token: string }
  | { readonly kind: "basic"; readonly username: string; readonly password: string };

export interface UpstreamTimeouts {
  /** Milliseconds to resolve the name, connect and shake hands. */
  readonly connectMs: number;
  /** Milliseconds from the request to the whole of the answer's headers. */
  readonly headersMs: number;
  /** Milliseconds of silence between two pieces of a body. */
  readonly idleMs: number;
}

/** When to stop asking an origin that does not answer. */
export interface CircuitOptions {
  /** Failures in a row that open the circuit. */
  readonly failures: number;
  /** Milliseconds until one request may try again. */
  readonly openMs: number;
}

/** How one upstream is reached. Made by app from the configuration. */
export interface UpstreamOptions {
  readonly upstream: Upstream;
  /** Sent to the upstream's own origin only; CONFIG_INVALID where that is plain http off this machine. */
  readonly auth?: UpstreamAuth;
  /** PEM text. Certificates trusted besides the usual ones, on the upstream's own origin and on `fileOrigins`. */
  readonly ca?: string;
  /** `http://[user:password@]host:port` of a proxy that every connection of this upstream goes through. */
  readonly proxy?: URL;
  readonly timeouts: UpstreamTimeouts;
  /** Further attempts after a failure that may pass. */
  readonly retries: number;
  /** Requests at once: so many documents, and so many archives besides, since an index must not wait behind long downloads. */
  readonly concurrency: number;
  /** Origins (`https://files.example`) that file URLs and redirects may name; exempt from the address filter, never sent credentials. */
  readonly fileOrigins: readonly string[];
  /** Default DEFAULT_CIRCUIT. */
  readonly circuit?: CircuitOptions;
}

/** Below the 15 s after which pip gives up on silence, so that its user sees our reason and not a broken connection. */
export const DEFAULT_TIMEOUTS: UpstreamTimeouts = { connectMs: 5_000, headersMs: 12_000, idleMs: 30_000 };
export const DEFAULT_RETRIES = 2;
export const DEFAULT_CONCURRENCY = 64;
/** Ten, not two or three: a registry that fails for one package, asked with retries, must not take the others with it. */
export const DEFAULT_CIRCUIT: CircuitOptions = { failures: 10, openMs: 10_000 };
