import type { Checksum } from "../../core/digest.ts";
import type { Reason } from "../../core/verdict.ts";
import { mismatch } from "../../verify/checksum.ts";

/** Why an archive that is admitted is still not what a lock means. `got` is its own digest, of the pin's algorithm. */
export function pinReason(pin: Checksum, got: string): Reason {
  return {
    code: "CHECKSUM_MISMATCH",
    rule: "always",
    verifier: "checksum",
    text: mismatch(pin, got),
    help: "the lock and the mirror mean other bytes by this name and version: find out which of them are the maker's before you change the lock",
  };
}
