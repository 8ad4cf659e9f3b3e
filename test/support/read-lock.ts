import { DEFAULT_LIMITS } from "../../src/core/limits.ts";
import type { LockFile, LockReader, LockSurroundings } from "../../src/core/lock-file.ts";

/** What a reader makes of a text. */
export class ReadText {
  readonly #reader: LockReader;

  constructor(reader: LockReader) {
    this.#reader = reader;
  }

  /** The lock; fails the test where it cannot be used. */
  lock(text: string, surroundings: LockSurroundings = {}): LockFile {
    const reading = this.#reader.read(Buffer.from(text), surroundings, DEFAULT_LIMITS);
    if (!reading.ok) throw new Error(reading.problems.map((problem) => problem.text).join("\n"));
    return reading.lock;
  }

  /** Its entries, a line each: what is pinned, or why nothing is. */
  entries(text: string, surroundings: LockSurroundings = {}): readonly string[] {
    return this.lock(text, surroundings).entries.map((entry) => {
      const digests = (pins: readonly { readonly algorithm: string; readonly hex: string }[], joint: string) =>
        pins.map(({ algorithm, hex }) => `${algorithm}:${hex.slice(0, 6)}`).join(joint);
      if (entry.kind === "artifact") return `${entry.name}@${entry.version} ${entry.file} ${digests(entry.pins, " and ")}`;
      if (entry.kind === "version") return `${entry.name}@${entry.version} ${digests(entry.anyOf, " or ")}`;
      return `${entry.name} not covered (${entry.source}): ${entry.reason}`;
    });
  }

  /** What is wrong with it, a line each. */
  problems(text: string | Buffer, surroundings: LockSurroundings = {}, limits = DEFAULT_LIMITS): string {
    const reading = this.#reader.read(Buffer.from(text), surroundings, limits);
    return reading.ok ? "" : reading.problems.map((problem) => problem.text).join("\n");
  }
}
