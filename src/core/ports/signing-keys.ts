/** A public key that this Assay signs with, or signed with once. */
export interface PublishedKey {
  /** As `keyIdOf` makes it. */
  readonly id: string;
  /** SubjectPublicKeyInfo in PEM. */
  readonly pem: string;
  /** Milliseconds since the epoch. `validUntil` is there once another key took its place. */
  readonly validFrom: number;
  readonly validUntil?: number;
}

export interface SigningKey {
  readonly keyId: string;
  /** Signs these bytes (Ed25519). */
  sign(bytes: Uint8Array): Buffer;
}

/** The keys that this Assay signs its verdicts with. No private key leaves it. Safe to use concurrently, from several processes. */
export interface SigningKeys {
  /**
   * Every key, the one that signs first; made on first use. Throws CONFIG_INVALID where others than the owner could read or replace them, STORE_CORRUPT where what is
   * on disk is no key ring, STORE_FULL, STORE_IO.
   */
  published(): Promise<readonly [PublishedKey, ...PublishedKey[]]>;
  /** The key that signs now. Throws what `published` throws; CONFIG_INVALID where its private half is gone or can be read by others. */
  signer(): Promise<SigningKey>;
  /** Puts a new key in place of the one that signs, whose private half is removed. Answers the new one. Throws what `published` throws; BUSY where another process does the same. */
  rotate(): Promise<PublishedKey>;
}
