import { createHash, randomBytes } from "node:crypto";
import { type Digest, parseDigest } from "./digest.ts";
import { matchGlob, parseGlob } from "./glob.ts";

/** What a token may do besides reading, which needs none. `admin` approves, reads every audit log, and does all that the others do. */
export const TOKEN_SCOPES = ["publish", "yank", "admin"] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** A token as it is kept: everything but its secret. */
export interface AccessToken {
  /** Names it in lists; no secret. */
  readonly id: string;
  /** Whom it was made for. Packages belong to owners, so one person's tokens share them; the audit log names the owner. */
  readonly owner: string;
  readonly scopes: readonly TokenScope[];
  /** Repositories that it is good for. */
  readonly repositories: readonly string[];
  /** Patterns of package names that it is good for, whoever published them first. Empty: new names, and those of its owner. */
  readonly packages: readonly string[];
  /** Milliseconds since the epoch. `expiresAt` is left out for one that does not expire. */
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
}

const PREFIX = "aam_";
/** The prefix, and 32 bytes in base64url. */
const SECRET = /^aam_[A-Za-z0-9_-]{43}$/;
/** Ends what a `*` stands for in a package pattern. */
export const PACKAGE_STOPS = "/";

/** A new secret, to be shown once. */
export function newTokenSecret(): string {
  return `${PREFIX}${randomBytes(32).toString("base64url")}`;
}

/** What a token is kept and found by: with 32 random bytes in it, a plain hash tells nobody the secret. Undefined for text that is no token. */
export function tokenSha256(secret: string): Digest | undefined {
  return SECRET.test(secret) ? parseDigest(createHash("sha256").update(secret).digest("hex")) : undefined;
}

/** Whether the token may do this in a repository at all; names are for `coversName` and the package's owner. */
export function hasScope({ scopes, repositories }: AccessToken, repository: string, scope: TokenScope): boolean {
  return repositories.includes(repository) && (scopes.includes(scope) || scopes.includes("admin"));
}

/** Whether the token was made for this name: by a pattern, or as an admin's. Undefined where it leaves that to the package's owner. */
export function coversName({ scopes, packages }: AccessToken, name: string): boolean | undefined {
  if (packages.length > 0) return packages.some((pattern) => matchesPattern(pattern, name));
  return scopes.includes("admin") ? true : undefined;
}

function matchesPattern(pattern: string, name: string): boolean {
  const glob = parseGlob(pattern, PACKAGE_STOPS);
  return glob.ok && matchGlob(glob.value, name);
}
