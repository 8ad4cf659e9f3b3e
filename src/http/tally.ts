import type { ErrorCode } from "../core/errors.ts";
import type { Reason, ReasonCode } from "../core/verdict.ts";

/** What a request was for; `other` where it came to neither. */
export const ANSWER_KINDS = ["archive", "page", "other"] as const;
export type AnswerKind = (typeof ANSWER_KINDS)[number];

/** Past the last status of HTTP. */
const STATUSES = 600;

/** What was answered of one repository since this process started. */
export interface RepositoryTally {
  /** Requests by their HTTP status. */
  readonly answers: Readonly<Record<AnswerKind, Float64Array>>;
  /** Refusals by their first reason, which is the one that clients show. */
  readonly refusals: Map<ReasonCode, number>;
  /** Archives that were served although there was something to say against them: once for each thing. */
  readonly warnings: Map<ReasonCode, number>;
  /** The same for what the policy would have refused, were its mode not audit. */
  readonly wouldRefuse: Map<ReasonCode, number>;
  readonly errors: Map<ErrorCode, number>;
  /** Archives that were refused after their first part had gone out: the connection was cut, and the reason waits for the next request. */
  cut: number;
}

/** Counts answers. Numbers in memory and nothing else: it stands on the way of hits. Labels are repositories of the configuration and codes of closed lists. */
export class Tally {
  readonly #repositories = new Map<string, RepositoryTally>();

  answered(repository: string, kind: AnswerKind, status: number): void {
    const counts = this.#of(repository).answers[kind];
    if (status < STATUSES) counts[status] = (counts[status] ?? 0) + 1;
  }

  /** An archive was served with these warnings. */
  warned(repository: string, warnings: readonly Reason[]): void {
    if (warnings.length === 0) return;
    const tally = this.#of(repository);
    for (const { code, setAside } of warnings) {
      increment(tally.warnings, code);
      if (setAside === "audit") increment(tally.wouldRefuse, code);
    }
  }

  refused(repository: string, code: ReasonCode): void {
    increment(this.#of(repository).refusals, code);
  }

  failed(repository: string, code: ErrorCode): void {
    increment(this.#of(repository).errors, code);
  }

  cut(repository: string): void {
    this.#of(repository).cut++;
  }

  all(): ReadonlyMap<string, RepositoryTally> {
    return this.#repositories;
  }

  #of(repository: string): RepositoryTally {
    const known = this.#repositories.get(repository);
    if (known) return known;
    const tally: RepositoryTally = {
      answers: { archive: new Float64Array(STATUSES), page: new Float64Array(STATUSES), other: new Float64Array(STATUSES) },
      refusals: new Map(),
      warnings: new Map(),
      wouldRefuse: new Map(),
      errors: new Map(),
      cut: 0,
    };
    this.#repositories.set(repository, tally);
    return tally;
  }
}

function increment<Code>(counts: Map<Code, number>, code: Code): void {
  counts.set(code, (counts.get(code) ?? 0) + 1);
}
