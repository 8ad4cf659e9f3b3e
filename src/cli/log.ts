import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../app/config.ts";
import { type Asker, DECISION_OUTCOMES, type DecisionEntry, type DecisionOutcome, type LoggedDecision } from "../core/decision.ts";
import { parseDuration } from "../core/duration.ts";
import { AssayError } from "../core/errors.ts";
import type { DecisionFilter } from "../core/ports/index-store.ts";
import { printable } from "../core/printable.ts";
import { parsePurl } from "../core/purl.ts";
import { quote } from "../core/quote.ts";
import { normalizeName } from "../ecosystems/pypi/project-name.ts";
import { openExistingIndex } from "../store/open-store.ts";
import { EXIT_DONE } from "./exit.ts";

export interface LogFlags {
  readonly purl?: string;
  readonly outcome?: string;
  readonly since?: string;
  readonly follow?: true;
  readonly json?: true;
}

interface LogCommand {
  readonly config: Config;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Writes a text to standard output, and answers once it took it: a log may be longer than memory. */
  readonly print: (text: string) => Promise<void>;
  /** Ends `--follow`. */
  readonly signal: AbortSignal;
}

const PAGE_ENTRIES = 500;
const FOLLOW_MS = 1_000;

/**
 * `assay log show`: the decision log of the data folder, oldest first, also while a mirror writes to it. As JSON it prints the entries byte for byte as they are kept, one
 * a line. Throws USAGE for flags that say nothing, BAD_REQUEST for a purl that is none, NOT_FOUND where there is no log yet.
 */
export async function showLog({ config, now, print, signal }: LogCommand, flags: LogFlags): Promise<number> {
  const filter = filterOf(flags, now);
  const index = await openExistingIndex({ dataDir: config.dataDir, clock: { now: Date.now } });
  try {
    let from = 0;
    while (!signal.aborted) {
      const entries = await index.decisions({ ...filter, from, limit: PAGE_ENTRIES });
      if (entries.length > 0) await print(entries.map(flags.json ? jsonLine : lines).join(""));
      from = (entries.at(-1)?.position ?? from - 1) + 1;
      if (entries.length === PAGE_ENTRIES) continue;
      if (!flags.follow) break;
      await sleep(FOLLOW_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    await index.close();
  }
  return EXIT_DONE;
}

function filterOf({ purl, outcome, since }: LogFlags, now: number): Omit<DecisionFilter, "from" | "limit"> {
  return {
    ...(purl === undefined ? {} : { package: packageOf(purl) }),
    ...(outcome === undefined ? {} : { outcome: outcomeOf(outcome) }),
    ...(since === undefined ? {} : { since: timeOf(since, now) }),
  };
}

function packageOf(purl: string): NonNullable<DecisionFilter["package"]> {
  const wanted = parsePurl(purl);
  return wanted.ecosystem === "pypi" ? { ...wanted, name: normalizeName(wanted.name) } : wanted;
}

function outcomeOf(text: string): DecisionOutcome {
  const outcome = DECISION_OUTCOMES.find((known) => known === text);
  if (!outcome) throw new AssayError("USAGE", `--outcome: expected one of ${DECISION_OUTCOMES.join(", ")}, got ${quote(text)}`);
  return outcome;
}

function timeOf(text: string, now: number): number {
  const agoMs = parseDuration(text);
  const time = agoMs === undefined && /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : now - (agoMs ?? Number.NaN);
  if (Number.isNaN(time)) {
    throw new AssayError(
      "USAGE",
      `--since: expected a time such as 2026-11-23T08:00Z or how long ago, such as 2h or 7d, got ${quote(text)}`,
    );
  }
  return time;
}

function jsonLine({ text }: LoggedDecision): string {
  return `${text}\n`;
}

const TIME_COLUMN = "2026-11-23 08:00:00Z  ".length;
const OUTCOME_COLUMN = "admit-with-warnings  ".length;

/** One line for an entry, and one below it for each thing that there was to say against the archive. */
function lines({ entry }: LoggedDecision): string {
  const time = `${entry.time.slice(0, 19).replace("T", " ")}Z`.padEnd(TIME_COLUMN);
  const again = entry.repeats === 0 ? "" : `, ${entry.repeats} times more`;
  const first = `${time}${entry.outcome.padEnd(OUTCOME_COLUMN)}${entry.purl}  (${describeAsker(entry.asker)}${again})`;
  return [first, ...remarks(entry).map((remark) => `${" ".repeat(TIME_COLUMN)}${remark}`)].map((line) => `${printable(line)}\n`).join("");
}

function remarks({ reasons, warnings, detail }: DecisionEntry): string[] {
  const all = [...reasons, ...warnings].map(({ code, rule, text }) => `${code} [${rule}] ${text}`);
  return detail === undefined ? all : [...all, detail];
}

function describeAsker(asker: Asker): string {
  if (asker.kind === "command") return `cli: ${asker.command}`;
  return [asker.address, ...(asker.userAgent === undefined ? [] : [asker.userAgent])].join(", ");
}
