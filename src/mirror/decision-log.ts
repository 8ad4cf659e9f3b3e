import { LRUCache } from "lru-cache";
import { type ArtifactRef, artifactKey } from "../core/artifact.ts";
import type { Asker, DecisionEntry } from "../core/decision.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { Log } from "../core/ports/log.ts";
import { formatPurl } from "../core/purl.ts";
import type { Admission } from "../core/verdict.ts";
import { decisionEntry, newsIn } from "./decision-entry.ts";
import { EvidenceUnavailable } from "./judge.ts";

interface DecisionLogDeps {
  readonly index: Pick<Index, "appendDecision" | "newestDecision">;
  readonly clock: Clock;
  readonly log: Log;
}

/** A client that is told no asks again, and again: within this time its further tries are one entry. */
const REPEATS_MS = 5 * 60_000;
const SWEEP_MS = 60_000;
/** Askers with their refusals that are told apart at once. Past it the one heard longest ago is written down and forgotten. */
const MAX_WINDOWS = 10_000;

/** A refusal that an asker was told, and how often it was told again since. */
interface Window {
  readonly ref: ArtifactRef;
  readonly until: number;
  entry: DecisionEntry;
  repeats: number;
}

/**
 * Writes down what askers were told. An admission is news only where the log last said something else of the archive, so that hits write nothing; a refusal, and that
 * nothing could be decided, is written for each who was told it. What the road comes to is written with its journal line, by `admit`.
 *
 * A verdict that cannot be written down is told all the same, and the log of this process has it: a full disk must not take away what is held.
 */
export class DecisionLog {
  readonly #deps: DecisionLogDeps;
  readonly #windows: LRUCache<string, Window>;
  /** Who was told an admission by the entry that was written with it. */
  readonly #written = new WeakMap<Admission, Asker>();
  readonly #timer: NodeJS.Timeout;

  constructor(deps: DecisionLogDeps) {
    this.#deps = deps;
    this.#windows = new LRUCache({
      max: MAX_WINDOWS,
      dispose: (window, _, reason) => void (reason === "evict" && this.#end(window)),
    });
    this.#timer = setInterval(() => void this.sweep(), SWEEP_MS);
    this.#timer.unref();
  }

  /** The entry of an archive that went down the road for `asker`. The caller writes it together with its journal line. */
  fetched(asker: Asker, admission: Admission): DecisionEntry {
    return this.#withJournalLine(asker, admission, "fetched");
  }

  /** An archive that was fetched for `asker` came to the refusal that the journal has already. Never throws. */
  async fetchedAgain(asker: Asker, admission: Admission): Promise<void> {
    const { ref, verdict, policy } = admission;
    this.#written.set(admission, asker);
    await this.#deny(ref, decisionEntry({ asker, facts: admission, verdict, policy, basis: "fetched", now: this.#deps.clock.now() }));
  }

  /** The entry of an archive that was verified again for `asker`, from what is kept. The caller writes it together with its journal line. */
  reverified(asker: Asker, admission: Admission): DecisionEntry {
    return this.#withJournalLine(asker, admission, "held");
  }

  /** `asker` is told a verdict about what is held, or one that somebody else's fetch came to. Never throws. */
  async told(asker: Asker, admission: Admission): Promise<void> {
    if (this.#written.get(admission) === asker) return;
    const { ref, verdict, policy } = admission;
    const entry = decisionEntry({ asker, facts: admission, verdict, policy, basis: "held", now: this.#deps.clock.now() });
    if (verdict.kind === "refuse") return this.#deny(ref, entry);
    await this.#attempt(ref, async () => {
      if (await this.#isNews(ref, entry)) await this.#deps.index.appendDecision(ref, entry);
    });
  }

  /** `asker` is told an error, which is a decision only where evidence could not be had. Never throws. */
  async failed(asker: Asker, error: unknown, basis: DecisionEntry["basis"]): Promise<void> {
    if (!(error instanceof EvidenceUnavailable)) return;
    const { facts, policy, detail } = error;
    const verdict = { kind: "undecided", detail } as const;
    await this.#deny(facts.ref, decisionEntry({ asker, facts, verdict, policy, basis, now: this.#deps.clock.now() }));
  }

  /** Writes down the repeats whose time is over. */
  async sweep(): Promise<void> {
    const now = this.#deps.clock.now();
    for (const [key, window] of [...this.#windows]) {
      if (now < window.until) continue;
      this.#windows.delete(key);
      await this.#end(window);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const windows = [...this.#windows.values()];
    this.#windows.clear();
    for (const window of windows) await this.#end(window);
  }

  #withJournalLine(asker: Asker, admission: Admission, basis: DecisionEntry["basis"]): DecisionEntry {
    const { verdict, policy } = admission;
    const entry = decisionEntry({ asker, facts: admission, verdict, policy, basis, now: this.#deps.clock.now() });
    this.#written.set(admission, asker);
    if (verdict.kind === "refuse") this.#open(admission.ref, entry);
    return entry;
  }

  async #deny(ref: ArtifactRef, entry: DecisionEntry): Promise<void> {
    await this.#attempt(ref, async () => {
      const known = this.#windows.get(windowKey(ref, entry));
      const isOpen = known && this.#deps.clock.now() < known.until;
      if (isOpen && !(await this.#isNews(ref, entry))) {
        known.repeats++;
        known.entry = entry;
        return;
      }
      if (known) await this.#end(known);
      this.#open(ref, entry);
      await this.#deps.index.appendDecision(ref, entry);
    });
  }

  /** Whether the log last said something else of the archive. */
  async #isNews(ref: ArtifactRef, entry: DecisionEntry): Promise<boolean> {
    const before = await this.#deps.index.newestDecision(ref);
    return !before || newsIn(before) !== newsIn(entry);
  }

  #open(ref: ArtifactRef, entry: DecisionEntry): void {
    this.#windows.set(windowKey(ref, entry), { ref, until: this.#deps.clock.now() + REPEATS_MS, entry, repeats: 0 });
  }

  async #end({ ref, entry, repeats }: Window): Promise<void> {
    if (repeats > 0) await this.#attempt(ref, () => this.#deps.index.appendDecision(ref, { ...entry, repeats }));
  }

  async #attempt(ref: ArtifactRef, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#deps.log.error({ err: error, purl: formatPurl(ref) }, "a decision could not be written to the decision log");
    }
  }
}

/** By address, not by what a client calls itself: that it could change with each request, and fill the log. */
function windowKey(ref: ArtifactRef, entry: DecisionEntry): string {
  const { asker } = entry;
  return `${asker.kind === "client" ? asker.address : asker.command}\0${artifactKey(ref)}\0${newsIn(entry)}`;
}
