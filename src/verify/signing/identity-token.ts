import { AssayError } from "../../core/errors.ts";
import { isJsonObject, type JsonObject } from "../../core/json.ts";
import { Secret } from "../../core/secret.ts";
import { readStrictJson } from "../../core/strict-json.ts";

const MAX_BYTES = 64 * 1024;
const MAX_DEPTH = 16;
/** A token that ends while the certificate is asked for is of no use. */
const LEAST_LIFE_MS = 5_000;

/** An OpenID Connect identity token. Whoever has it can sign as who it names, so it prints as `[secret]`. Made only by `parse`. */
export class IdentityToken extends Secret {
  /** No other secret passes for one. */
  readonly kind = "identity-token";

  private constructor(text: string) {
    super(text);
  }

  /**
   * Reads what the token says of itself, so that a wrong one is told before anybody is asked; whether it is genuine is for the instance to say. `source` says where it comes from.
   * Throws UNAUTHORIZED for text that is no such token, for one that is past its time, and for an e-mail address that its issuer has not verified.
   */
  static parse(text: string, source: string, now: number): IdentityToken {
    const fail = (why: string): AssayError =>
      new AssayError("UNAUTHORIZED", `the identity token from ${source} cannot be used: ${why}`, {
        help: "give an OpenID Connect identity token (a JWT) with the audience that the instance asks for, usually sigstore",
      });
    const token = text.trim();
    const claims = claimsOf(token);
    if (!claims) throw fail("it is no JSON Web Token");
    const { exp, email, email_verified: isVerified, sub } = claims;
    if (typeof exp === "number" && exp * 1000 < now + LEAST_LIFE_MS) throw fail(`it ends at ${new Date(exp * 1000).toISOString()}`);
    if (typeof email === "string" && isVerified !== true) throw fail("its issuer has not verified the e-mail address in it");
    if (typeof email !== "string" && typeof sub !== "string") throw fail("it names nobody: it has neither sub nor email");
    return new IdentityToken(token);
  }
}

function claimsOf(token: string): JsonObject | undefined {
  const [header, payload, signature, ...more] = token.split(".");
  if (!header || !payload || signature === undefined || more.length > 0 || !/^[\w.-]+$/.test(token)) return undefined;
  const read = readStrictJson(Buffer.from(payload, "base64url"), {
    maxBytes: MAX_BYTES,
    maxDepth: MAX_DEPTH,
    what: "the token",
    malformed: "BUNDLE_MALFORMED",
  });
  return read.ok && isJsonObject(read.value) ? read.value : undefined;
}
