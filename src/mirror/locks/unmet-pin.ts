import type { Checksum } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import type { BlobStore } from "../../core/ports/blob-store.ts";
import type { Admission, Reason } from "../../core/verdict.ts";
import { digestsOf } from "../digests-of.ts";
import { pinReason } from "./pin-reason.ts";

/**
 * The first pin of a lock that admitted bytes do not meet. What was claimed of them was compared when they were admitted; only a digest that nobody claimed then is computed now.
 * Throws NOT_FOUND where they left the store meanwhile, and what `digestsOf` throws.
 */
export async function unmetPin(
  { digest, sizeBytes, claims }: Pick<Admission, "digest" | "sizeBytes" | "claims">,
  pins: readonly Checksum[],
  blobs: Pick<BlobStore, "find" | "open">,
): Promise<Reason | undefined> {
  const open = pins.filter((pin) => !claims.some(({ algorithm, hex }) => algorithm === pin.algorithm && hex === pin.hex));
  const wrong = open.find(({ algorithm, hex }) => algorithm === "sha256" && hex !== digest);
  if (wrong) return pinReason(wrong, digest);
  const others = open.filter(({ algorithm }) => algorithm !== "sha256");
  if (others.length === 0) return undefined;
  const blob = await blobs.find(digest, sizeBytes);
  if (!blob) throw new AssayError("NOT_FOUND", `the bytes under sha256 ${digest} left the store meanwhile`, { help: "run it again" });
  const digests = await digestsOf(
    blob,
    others.map(({ algorithm }) => algorithm),
    blobs,
  );
  const unmet = others.find(({ algorithm, hex }) => digests[algorithm] !== hex);
  return unmet && pinReason(unmet, digests[unmet.algorithm] ?? "");
}
