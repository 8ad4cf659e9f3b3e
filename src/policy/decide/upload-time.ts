/** What is known of when an archive was uploaded. Milliseconds since the epoch. */
interface Times {
  /** As the index says: it can be made up. */
  readonly publishedAt: number | undefined;
  /** When we saw the archive listed first. */
  readonly firstSeenAt: number | undefined;
  /** When we saw the first archive of its package. */
  readonly packageFirstSeenAt: number | undefined;
}

/**
 * When an archive was published, or our first sight of it where that is later and we had seen the package before without it: a publish time is the index's word
 * and can be made up, what we saw cannot. Not our first sight of a whole package, or a new mirror would find everything new. Undefined where nobody knows.
 */
export function publishTime({ publishedAt, firstSeenAt, packageFirstSeenAt }: Times): number | undefined {
  const cameLater = firstSeenAt !== undefined && packageFirstSeenAt !== undefined && firstSeenAt > packageFirstSeenAt;
  return cameLater ? Math.max(publishedAt ?? firstSeenAt, firstSeenAt) : publishedAt;
}

/** An archive's place in the order of its package. */
export interface Upload {
  readonly at: number;
  /** The index's word, for archives that we saw at the same time. */
  readonly said: number;
}

/** `knownAt`: when it was surely there, because we had it. What nobody knows the time of counts as uploaded then. */
export function uploadOf(times: Times & { readonly knownAt: number }): Upload {
  const at = Math.min(publishTime(times) ?? times.knownAt, times.knownAt);
  return { at, said: Math.min(times.publishedAt ?? at, at) };
}

/** Negative where `left` was uploaded before `right`. */
export function compareUploads(left: Upload, right: Upload): number {
  return left.at - right.at || left.said - right.said;
}
