/** What a look through the store looks at, in this order. */
export const SCRUB_CHECKS = ["database", "archives", "documents", "journal", "decisions"] as const;
export type ScrubCheck = (typeof SCRUB_CHECKS)[number];

/**
 * `clean` and `found` are of a whole check. Of one thing: `damaged` and stays so, `missing`, `restored` from upstream, or `lost`, since nobody has it any more.
 */
export const SCRUB_OUTCOMES = ["clean", "found", "damaged", "missing", "restored", "lost"] as const;
export type ScrubOutcome = (typeof SCRUB_OUTCOMES)[number];

/** A look through the store, with the place that it has come to. */
export interface ScrubRun {
  readonly id: number;
  readonly startedAt: number;
  readonly check: ScrubCheck;
  readonly progress: ScrubProgress;
}

export interface ScrubProgress {
  /** What was looked at last; empty at the beginning. */
  readonly position: string;
  readonly checked: number;
  readonly bytes: number;
}

export interface ScrubResult {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly check: ScrubCheck;
  /** What it is about; undefined in the line of a whole check. May hold foreign text. */
  readonly subject?: string;
  readonly outcome: ScrubOutcome;
  readonly detail: string;
}

/** Something in the index that is not what it should be. */
export interface IndexFault {
  readonly subject: string;
  readonly detail: string;
  /** Number of a document that can be let go, to be fetched again. */
  readonly document?: number;
}

export interface CheckedPage {
  readonly checked: number;
  readonly bytes: number;
  readonly faults: readonly IndexFault[];
  /** Where the next page begins; undefined after the last one. */
  readonly next: string | undefined;
}

/**
 * The looks through the store and what they found, which stays; and the looks at the index itself. Throws STORE_FULL, STORE_IO, STORE_CORRUPT, BUSY.
 * Safe to call concurrently, from several processes.
 */
export interface ScrubRecords {
  /** The run that was not finished, or a new one. */
  begin(now: number): Promise<ScrubRun>;
  advance(runId: number, check: ScrubCheck, progress: ScrubProgress): Promise<void>;
  add(runId: number, result: ScrubResult): Promise<void>;
  results(runId: number): Promise<readonly ScrubResult[]>;
  finish(runId: number, now: number): Promise<void>;
  /** When a run was finished last. */
  lastFinishedAt(): Promise<number | undefined>;

  /** Whether the database is sound: its pages, indexes and references. Does not hold up this process. */
  checkDatabase(): Promise<readonly IndexFault[]>;
  /** Reads a page of documents, journal lines or decisions, each by its reader, from `position` on. */
  checkPage(check: Exclude<ScrubCheck, "database" | "archives">, position: string): Promise<CheckedPage>;
  /** Lets go of a document's body: it is fetched again when it is used. */
  dropDocument(document: number): Promise<void>;
}
