import type { Config } from "../app/config.ts";
import type { LoggedDecision } from "../core/decision.ts";
import { AssayError } from "../core/errors.ts";
import { printable } from "../core/printable.ts";
import { quote } from "../core/quote.ts";
import { formatDecisionProofs, MAX_PROOFS_BYTES, MAX_PROVEN_ENTRIES } from "../core/tlog/decision-proofs.ts";
import { formatVerifierKey } from "../core/tlog/note-key.ts";
import { proveDecisions } from "../mirror/log/prove-decisions.ts";
import { openExistingIndex } from "../store/open-store.ts";
import { EXIT_DONE } from "./exit.ts";
import { logEntries } from "./log-entries.ts";
import { type LogFilterFlags, parseLogFilter } from "./log-filter.ts";
import { toJson } from "./to-json.ts";
import { withLog } from "./with-log.ts";
import { writeOutput } from "./write-output.ts";

interface LogCommand {
  readonly config: Config;
  readonly print: (text: string) => void;
}

export interface LogProveFlags extends Omit<LogFilterFlags, "purl"> {
  readonly output?: string;
  readonly force?: true;
  readonly json?: true;
}

/** `assay log checkpoint`: the signed note over all that was decided up to now. Throws NOT_FOUND where there is no log, and what `CheckpointSigner.current` throws. */
export async function printCheckpoint({ config, print }: LogCommand, json: boolean): Promise<number> {
  const { origin, size, root, note } = await withLog(config, ({ signer }) => signer.current());
  print(json ? toJson({ origin, size, root: root.toString("base64"), note }) : note);
  return EXIT_DONE;
}

/** `assay log key`: the verifier keys of the log, the one that signs first. */
export async function printLogKeys({ config, print }: LogCommand, json: boolean): Promise<number> {
  const keys = (await withLog(config, async ({ keysAs }) => keysAs())).map(formatVerifierKey);
  print(json ? toJson({ keys }) : `${keys.join("\n")}\n`);
  return EXIT_DONE;
}

/**
 * `assay log prove PURL`: the entries about it, each with a proof that it stands in the log. Throws NOT_FOUND where there are none, BAD_REQUEST for more than one file takes, and what
 * `CheckpointSigner.current`, `proveDecisions` and `writeOutput` throw.
 */
export async function proveLog({ config, print }: LogCommand, purl: string, flags: LogProveFlags): Promise<number> {
  const filter = parseLogFilter({ ...flags, purl }, Date.now());
  const entries = await entriesOf(config, filter);
  if (entries.length === 0) throw new AssayError("NOT_FOUND", `the decision log has no entry about ${quote(purl)}`);
  // Signed after they were read, so that it covers them all.
  const proven = await withLog(config, async ({ tree, signer }) => proveDecisions(entries, await signer.current(), tree));
  const text = formatDecisionProofs(proven);
  if (Buffer.byteLength(text) > MAX_PROOFS_BYTES) throw tooMuch(`their proofs have more than ${MAX_PROOFS_BYTES} bytes`);
  if (flags.output === undefined) print(text);
  else {
    await writeOutput(flags.output, Buffer.from(text), flags.force === true);
    const [file, entries] = [flags.output, proven.length];
    print(flags.json ? toJson({ file, entries }) : `${entries} entries and their proofs are in ${printable(file)}\n`);
  }
  return EXIT_DONE;
}

async function entriesOf({ dataDir }: Config, filter: ReturnType<typeof parseLogFilter>): Promise<readonly LoggedDecision[]> {
  const index = await openExistingIndex({ dataDir, clock: { now: Date.now } });
  try {
    const entries: LoggedDecision[] = [];
    let characters = 0;
    for await (const page of logEntries(index, filter, { signal: new AbortController().signal })) {
      entries.push(...page);
      characters += page.reduce((sum, { text }) => sum + text.length, 0);
      if (entries.length > MAX_PROVEN_ENTRIES) throw tooMuch(`there are more than ${MAX_PROVEN_ENTRIES} such entries`);
      if (characters > MAX_PROOFS_BYTES) throw tooMuch(`such entries have more than ${MAX_PROOFS_BYTES} bytes`);
    }
    return entries;
  } finally {
    await index.close();
  }
}

function tooMuch(message: string): AssayError {
  return new AssayError("BAD_REQUEST", message, { help: "name a version, or --since and --until" });
}
