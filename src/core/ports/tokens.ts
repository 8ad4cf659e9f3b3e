import type { AccessToken } from "../access-token.ts";
import type { Digest } from "../digest.ts";

/** A token with the hash that it is found by. */
export interface KeptToken {
  readonly token: AccessToken;
  readonly secretSha256: Digest;
}

/** Who may change hosted repositories. Secrets are never kept. Every write is durable when it resolves. Throws STORE_FULL, STORE_IO, STORE_CORRUPT, BUSY. Safe to call concurrently, from several processes. */
export interface Tokens {
  add(kept: KeptToken): Promise<void>;
  /** Also where it was revoked or has expired: the caller looks. */
  find(secretSha256: Digest): Promise<KeptToken | undefined>;
  /** Oldest first. */
  all(): Promise<readonly AccessToken[]>;
  /** Answers false where there is no such token, or it was revoked before. */
  revoke(id: string, at: number): Promise<boolean>;
  close(): Promise<void>;
}
