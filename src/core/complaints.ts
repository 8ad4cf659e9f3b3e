import { JsonShapeError } from "./json-fields.ts";
import type { LockFile, LockProblem, LockReading } from "./lock-file.ts";

/** Far more than anybody mends in one go. A hostile lock can be wrong in every one of millions of lines. */
const MOST_PROBLEMS = 1000;

/** Collects what is wrong with a lock, so that one run tells all of it. */
export class Complaints {
  readonly #problems: LockProblem[] = [];
  #depth = 0;

  /** What `read` makes of the value at `at`; undefined where it throws JsonShapeError, whose message is kept. May be called within `read`; one problem past the bound ends the outermost call. */
  collect<T>(at: string, read: () => T): T | undefined {
    this.#depth++;
    try {
      return read();
    } catch (error) {
      if (!(error instanceof JsonShapeError)) throw error;
      const isFull = this.#problems.length >= MOST_PROBLEMS;
      if (isFull && this.#depth > 1) throw error;
      if (!isFull) this.#problems.push({ at, text: error.message });
      return undefined;
    } finally {
      this.#depth--;
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
