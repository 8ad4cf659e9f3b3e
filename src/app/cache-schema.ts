import { boolean, duration, list, map, parsedBy, parsedText, wordOr } from "../core/schema.ts";
import type { MinFree } from "../mirror/cache/space.ts";
import { parsePurlPattern } from "../policy/purl-pattern.ts";
import { parseSize } from "./size.ts";

const MIB = 1024 ** 2;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** `cache:` of the configuration. */
export function cacheSchema() {
  const size = parsedBy("off, or a size with a unit from 1MiB, such as 50GiB", (value) => sizeFrom(value, MIB));
  const age = duration(MINUTE_MS, 3650 * DAY_MS, "1m to 3650d");
  return map({
    max_size: wordOr("off", size),
    max_age: wordOr("off", age),
    min_free: parsedBy("a size with a unit such as 2GiB, or a share of the disk such as 5%", parseMinFree),
    pin: list(parsedText("a package pattern such as pkg:npm/%40acme/*", parsePurlPattern), 10_000),
    keep_refused_evidence: boolean(),
    gc_every: wordOr("off", duration(MINUTE_MS, 365 * DAY_MS, "1m to 365d")),
  });
}

/** `scrub:` of the configuration. */
export function scrubSchema() {
  return map({
    every: wordOr("off", duration(MINUTE_MS, 3650 * DAY_MS, "1m to 3650d")),
    rate: parsedBy("a size to read in a second, from 1MiB, such as 50MB", (value) => sizeFrom(value, MIB)),
  });
}

function sizeFrom(value: unknown, minBytes: number): number | undefined {
  const bytes = typeof value === "string" ? parseSize(value) : undefined;
  return bytes !== undefined && bytes >= minBytes ? bytes : undefined;
}

function parseMinFree(value: unknown): MinFree | undefined {
  if (value === 0) return { bytes: 0 };
  if (typeof value !== "string") return undefined;
  const percent = /^(\d{1,2}(?:\.\d{1,3})?)%$/.exec(value)?.[1];
  if (percent !== undefined) return { share: Number(percent) / 100 };
  const bytes = parseSize(value);
  return bytes === undefined ? undefined : { bytes };
}
