import type { Config } from "../app/config.ts";
import { parseSize } from "../app/size.ts";
import { AssayError } from "../core/errors.ts";
import type { ScrubResult } from "../core/ports/scrub-records.ts";
import { printable } from "../core/printable.ts";
import { quote } from "../core/quote.ts";
import { EXIT_DONE, exitCode } from "./exit.ts";
import { table } from "./table.ts";
import { toJson } from "./to-json.ts";
import { withAssay } from "./with-assay.ts";

export interface ScrubFlags {
  readonly rate?: string;
  readonly json?: true;
}

interface ScrubCommand {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
}

/**
 * `assay scrub`: what the mirror does in the background, now. Answers 0 where all is well and 74 where anything was found, mended since or not. Goes on where an earlier one was
 * interrupted. Throws USAGE for a rate that is none, BUSY where it is under way already, and what the store throws.
 */
export async function scrubStore({ config, env, print }: ScrubCommand, { rate, json }: ScrubFlags): Promise<number> {
  const bytesPerSecond = rate === undefined ? config.scrub.bytesPerSecond : rateOf(rate);
  const report = await withAssay(config, env, ({ scrubber }) => scrubber.scrub({ bytesPerSecond }));
  const { startedAt, finishedAt, resumed, results, clean } = report;
  if (json) print(toJson({ ...report, startedAt: isoTime(startedAt), finishedAt: isoTime(finishedAt), results: results.map(resultJson) }));
  else print(`${resumed ? `begun ${isoTime(startedAt)}, and resumed\n` : ""}${lines(results).join("\n")}\n`);
  return clean ? EXIT_DONE : exitCode("STORE_CORRUPT");
}

function rateOf(text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined && bytes > 0) return bytes;
  throw new AssayError("USAGE", `--rate: expected a size to read in a second, such as 50MB, got ${quote(text)}`);
}

function resultJson({ at, check, subject, outcome, detail }: ScrubResult): unknown {
  return { at: isoTime(at), check, subject: subject ?? null, outcome, detail };
}

/** Foreign text may stand in a subject or a detail. */
function lines(results: readonly ScrubResult[]): readonly string[] {
  return table(
    results.map(({ check, subject = "", outcome, detail }) =>
      [check, outcome, [subject, detail].filter(Boolean).join(": ")].map(printable),
    ),
  );
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}
