import type { Digest } from "../core/digest.ts";
import type { Policy, WaivableCheck, Waiver } from "../core/policy.ts";
import { type Coordinates, matchPurl } from "./purl-pattern.ts";

/**
 * The waiver that sets `check` aside for this artifact now. One that pins a digest holds for those bytes only, so not where `digest` is undefined because
 * there are no bytes yet.
 */
export function waiverFor(
  policy: Policy,
  coordinates: Coordinates,
  check: WaivableCheck,
  digest: Digest | undefined,
  now: number,
): Waiver | undefined {
  return policy.waivers.find(
    (waiver) =>
      waiver.waive.includes(check) &&
      now < waiver.expiresAt &&
      (waiver.digest === undefined || waiver.digest === digest) &&
      matchPurl(waiver.purl, coordinates),
  );
}
