import type { Config } from "../app/config.ts";
import type { Asker, DecisionEntry, LoggedDecision } from "../core/decision.ts";
import { printable } from "../core/printable.ts";
import { openExistingIndex } from "../store/open-store.ts";
import { EXIT_DONE } from "./exit.ts";
import { logEntries } from "./log-entries.ts";
import { type LogFilterFlags, parseLogFilter } from "./log-filter.ts";
import { parseCount } from "./parse-count.ts";

export interface LogFlags extends LogFilterFlags {
  /** Position of the entry that was seen last. */
  readonly after?: string;
  readonly limit?: string;
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

/**
 * `assay log show`, and `assay log export` with `json`: the decision log of the data folder, oldest first, also while a mirror writes to it. As JSON it prints the entries byte for byte as they are kept,
 * one a line. Throws USAGE for flags that say nothing, BAD_REQUEST for a purl that is none, NOT_FOUND where there is no log yet.
 */
export async function showLog({ config, now, print, signal }: LogCommand, flags: LogFlags): Promise<number> {
  const filter = parseLogFilter(flags, now);
  const after = flags.after === undefined ? undefined : parseCount("--after", flags.after);
  const limit = flags.limit === undefined ? undefined : parseCount("--limit", flags.limit);
  const reading = {
    ...(after === undefined ? {} : { from: after + 1 }),
    ...(limit === undefined ? {} : { limit }),
    follow: flags.follow === true,
    signal,
  };
  const index = await openExistingIndex({ dataDir: config.dataDir, clock: { now: Date.now } });
  try {
    for await (const entries of logEntries(index, filter, reading)) await print(entries.map(flags.json ? jsonLine : lines).join(""));
  } finally {
    await index.close();
  }
  return EXIT_DONE;
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
