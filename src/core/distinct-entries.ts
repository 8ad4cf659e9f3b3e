import type { Complaints } from "./complaints.ts";
import type { Checksum } from "./digest.ts";
import { JsonShapeError } from "./json-fields.ts";
import type { LockEntry } from "./lock-file.ts";

/**
 * Each archive, version and uncovered package once, in the order of their first mention: locks name one package in many places. Where two places pin other digests of one thing,
 * which of them counts would be anybody's guess; that is told to `complaints`.
 */
export function distinctEntries(entries: readonly LockEntry[], complaints: Complaints): readonly LockEntry[] {
  const distinct = new Map<string, LockEntry>();
  for (const entry of entries) {
    const key = keyOf(entry);
    const first = distinct.get(key);
    distinct.set(key, first ? (complaints.collect(entry.at, () => merged(first, entry)) ?? first) : entry);
  }
  return [...distinct.values()];
}

function keyOf(entry: LockEntry): string {
  switch (entry.kind) {
    case "artifact":
      return ["artifact", entry.name, entry.version, entry.file].join("\0");
    case "version":
      return ["version", entry.name, entry.version].join("\0");
    case "uncovered":
      return ["uncovered", entry.name, entry.source, entry.reason].join("\0");
    default:
      return entry satisfies never;
  }
}

function merged(first: LockEntry, again: LockEntry): LockEntry {
  if (first.kind === "artifact" && again.kind === "artifact") {
    const more = again.pins.filter((pin) => !first.pins.some((known) => isMet(known, pin, { first, again })));
    return { ...first, pins: [...first.pins, ...more] };
  }
  if (first.kind === "version" && again.kind === "version") {
    const [left, right] = [first, again].map(({ anyOf }) =>
      anyOf
        .map(({ algorithm, hex }) => `${algorithm} ${hex}`)
        .toSorted()
        .join(", "),
    );
    if (left !== right)
      throw new JsonShapeError(`${again.at} pins other digests of ${first.name} ${first.version} than ${first.at}: ${right}, not ${left}`);
  }
  return first;
}

/** Throws JsonShapeError where both are of one algorithm and differ. */
function isMet(known: Checksum, pin: Checksum, { first, again }: { readonly first: LockEntry; readonly again: LockEntry }): boolean {
  if (known.algorithm !== pin.algorithm) return false;
  if (known.hex === pin.hex) return true;
  throw new JsonShapeError(
    `${again.at} pins ${pin.algorithm} ${pin.hex} for what ${first.at} pins as ${known.algorithm} ${known.hex}: one archive cannot be both`,
  );
}
