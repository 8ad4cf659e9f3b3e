import type { Config } from "../app/config.ts";
import type { CollectReport } from "../mirror/cache/collector.ts";
import { type Amount, type Eviction, KEEP_REASONS } from "../mirror/cache/evictor.ts";
import { EXIT_DONE } from "./exit.ts";
import { roundedSize } from "./rounded-size.ts";
import { table } from "./table.ts";
import { toJson } from "./to-json.ts";
import { withAssay } from "./with-assay.ts";

export interface GcFlags {
  readonly dryRun?: true;
  readonly vacuum?: true;
  readonly json?: true;
}

interface GcCommand {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
}

/** `assay gc`: what the mirror does in the background, now, and says what came of it. Throws BUSY where it is under way already, and what the store throws. */
export async function collectGarbage({ config, env, print }: GcCommand, flags: GcFlags): Promise<number> {
  const report = await withAssay(config, env, ({ cache: { collector } }) =>
    collector.collect({ dryRun: flags.dryRun === true, vacuum: flags.vacuum === true }),
  );
  print(flags.json ? toJson(report) : `${lines(report).join("\n")}\n`);
  return EXIT_DONE;
}

function lines(report: CollectReport): readonly string[] {
  const { byAge, bySize, orphans, missing, quarantine, documents, indexBytesFreed, kept, indexBytes, dryRun } = report;
  return [
    dryRun ? "nothing was changed; this would go:" : "freed:",
    ...table([
      ["  not used for max_age", amount(byAge.removed)],
      ["  beyond max_size", amount(bySize.removed)],
      ["  files without a record", amount(orphans)],
      ["  quarantine of ended processes", amount(quarantine)],
      ["  index documents nobody needs", `${documents.documents}, ${roundedSize(documents.bytes)}`],
      ["  index file", roundedSize(indexBytesFreed)],
    ]),
    ...(missing.archives > 0 ? [`records whose file is gone: ${amount(missing)}`] : []),
    ...keptLines([byAge, bySize]),
    `${dryRun ? "held now" : "held"}: ${amount(kept)}; index ${roundedSize(indexBytes)}`,
  ];
}

/** What stays although it is old or too much, once for each reason: what both walks kept is the same. */
function keptLines(walks: readonly Eviction[]): readonly string[] {
  const rows = KEEP_REASONS.flatMap((reason) => {
    const most = walks.flatMap(({ kept }) => kept[reason] ?? []).toSorted((one, other) => other.bytes - one.bytes)[0];
    return most ? [[`  ${reason}`, amount(most)]] : [];
  });
  return rows.length === 0 ? [] : ["kept all the same:", ...table(rows)];
}

function amount({ archives, bytes: size }: Amount): string {
  return `${archives} ${archives === 1 ? "archive" : "archives"}, ${roundedSize(size)}`;
}
