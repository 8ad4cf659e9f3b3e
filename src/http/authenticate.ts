import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type AccessToken, tokenSha256 } from "../core/access-token.ts";
import { AssayError } from "../core/errors.ts";
import { isLoopbackHost } from "../core/loopback.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Tokens } from "../core/ports/tokens.ts";
import type { TokenGuesses } from "./token-guesses.ts";

export interface AuthenticateDeps {
  readonly tokens: Pick<Tokens, "find">;
  readonly publicUrl: string | undefined;
  readonly clock: Clock;
  readonly guesses: TokenGuesses;
}

const SCHEME = /^Bearer +(\S{1,200})$/i;

/**
 * Whose request it is, by its `Authorization: Bearer aam_…`. `address` is who sent it. Throws UNAUTHORIZED for none, an unknown, a revoked and an expired token; RATE_LIMITED after
 * too many unknown ones; FORBIDDEN for one that came over plain
 * http from another machine, where others could read it: it is not even looked up then. What was sent never gets into a message or a log.
 */
export async function authenticate(
  request: IncomingMessage,
  address: string,
  { tokens, publicUrl, clock, guesses }: AuthenticateDeps,
): Promise<AccessToken> {
  const { authorization } = request.headers;
  if (authorization === undefined)
    throw unauthorized("this needs a token", "send Authorization: Bearer aam_…; `assay token create` makes one");
  requireSafeWay(request.socket.remoteAddress ?? "", publicUrl);
  const [, secret = ""] = SCHEME.exec(authorization) ?? [];
  const secretSha256 = tokenSha256(secret);
  if (!secretSha256)
    throw unauthorized("the Authorization header holds no token of this registry", "expected Bearer and aam_ with 43 characters");
  guesses.check(address);
  const kept = await tokens.find(secretSha256);
  // The index compared the hashes already, in a time that tells nothing of the secret; this one does not rest on that.
  if (!kept || !timingSafeEqual(Buffer.from(kept.secretSha256, "hex"), Buffer.from(secretSha256, "hex"))) {
    guesses.add(address, secretSha256);
    throw unauthorized("this token is not known here", "`assay token create` makes one");
  }
  const { token } = kept;
  if (token.revokedAt !== undefined) throw unauthorized(`the token ${token.id} was revoked`, "ask for another one");
  if (token.expiresAt !== undefined && token.expiresAt <= clock.now())
    throw unauthorized(`the token ${token.id} has expired`, "ask for another one");
  return token;
}

/** Throws FORBIDDEN where a token may have been read on its way. Behind a `public_url` of https, the proxy in front of us took it in safely. */
export function requireSafeWay(remoteAddress: string, publicUrl: string | undefined): void {
  if (isLoopbackHost(remoteAddress) || publicUrl?.startsWith("https:")) return;
  throw new AssayError("FORBIDDEN", "a token was sent over plain http from another machine, where others can read it", {
    help: "revoke it, put a reverse proxy with https in front, and set public_url",
    detailCode: "FORBIDDEN",
  });
}

function unauthorized(message: string, help: string): AssayError {
  return new AssayError("UNAUTHORIZED", message, { help, detailCode: "UNAUTHORIZED" });
}
