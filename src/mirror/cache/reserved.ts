import { randomUUID } from "node:crypto";
import type { Digest } from "../../core/digest.ts";
import type { CacheRecords } from "../../core/ports/cache-records.ts";

/** Longer than moving or hashing a large archive takes, on a disk that is busy too. */
const RESERVED_MS = 10 * 60_000;

/** Does `work` while nobody brings in or removes these bytes, in any process; answers false where somebody is at it. */
export async function reserved(
  records: Pick<CacheRecords, "reserve" | "unreserve">,
  digest: Digest,
  work: () => Promise<boolean>,
): Promise<boolean> {
  const owner = randomUUID();
  const reservation = await records.reserve(digest, owner, { sizeBytes: 0, maxBytes: undefined, ttlMs: RESERVED_MS });
  if (reservation.kind !== "reserved") return false;
  try {
    return await work();
  } finally {
    await records.unreserve(digest, owner);
  }
}
