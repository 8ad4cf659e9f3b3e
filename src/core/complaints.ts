import { JsonShapeError } from "./json-fields.ts";
import type { LockFile, LockProblem, LockReading } from "./lock-file.ts";

/** Collects what is wrong with a lock, so that one run tells all of it. */
export class Complaints {
  readonly #problems: LockProblem[] = [];

  /** What `read` makes of the value at `at`; undefined where it throws JsonShapeError, whose message is kept. */
  collect<T>(at: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof JsonShapeError)) throw error;
      this.#problems.push({ at, text: error.message });
      return undefined;
    }
  }

  /** The lock, unless there is something wrong with it. */
  readingOf(lock: LockFile | undefined): LockReading {
    const [first, ...others] = this.#problems;
    if (first) return { ok: false, problems: [first, ...others] };
    if (!lock) throw new Error("a lock came to nothing, and nothing is wrong with it");
    return { ok: true, lock };
  }
}
