/** Where the roots and keys of one name come from and how fresh they are: for people, health checks and metrics. Times in milliseconds since the epoch. */
export interface TrustStatus {
  /** `public`, or a key of `trust` in the configuration. */
  readonly name: string;
  /** `none`: there is no Sigstore root of this name, or not yet. */
  readonly from: "built in" | "file" | "tuf" | "none";
  /** The same in words, with the path or the mirror. */
  readonly source: string;
  /** Of the Sigstore root's text. */
  readonly sha256?: string;
  /** The TUF mirror that it is refreshed from; left out where it is refreshed from none. */
  readonly mirror?: string;
  /** When this root came from a mirror, and when a mirror last said that it has none newer. */
  readonly refreshedAt?: number;
  readonly checkedAt?: number;
  /** When the first of the TUF repository's files ends. What it vouched for stays good; but that it is the newest can then no longer be told. */
  readonly expiresAt?: number;
  /** How the last refresh failed, where it did. */
  readonly failure?: { readonly at: number; readonly detail: string };
  /** Why it counts as stale; left out where it does not. Stale or not, it is used. */
  readonly stale?: string;
}
