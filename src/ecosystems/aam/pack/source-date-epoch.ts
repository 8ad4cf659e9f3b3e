import { AssayError } from "../../../core/errors.ts";
import { quote } from "../../../core/quote.ts";

/** The time field of a gzip header has 32 bits. */
const MAX_SECONDS = 0xffff_ffff;

/**
 * The one time that a package has for all its files, in seconds since the epoch: what `SOURCE_DATE_EPOCH` says, or 0. Section 12.1;
 * https://reproducible-builds.org/specs/source-date-epoch/. Throws BAD_REQUEST for anything but a whole number that a gzip header can hold.
 */
export function parseSourceDateEpoch(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  if (/^\d{1,10}$/.test(text) && Number(text) <= MAX_SECONDS) return Number(text);
  throw new AssayError("BAD_REQUEST", `SOURCE_DATE_EPOCH: expected whole seconds since 1970 up to ${MAX_SECONDS}, got ${quote(text)}`, {
    help: "unset it to pack with the time 0, or set it to the time of the commit: git log -1 --format=%ct",
  });
}
