import { type Command, Option } from "commander";
import { loadConfig } from "../../app/config.ts";
import { type CommandLine, collect, common, type JsonFlags } from "../command-line.ts";
import { collectGarbage, type GcFlags } from "../gc.ts";
import { listPins, pinPackages, unpinPackages } from "../pin.ts";
import { type ScrubFlags, scrubStore } from "../scrub.ts";

interface PinFlags extends JsonFlags {
  readonly list?: true;
  readonly remove?: true;
  readonly lock?: readonly string[];
}

/** The commands that look after what is kept: `gc`, `scrub` and `pin`. */
export function addCache(program: Command, { env, print, end }: CommandLine): void {
  common(program.command("gc"))
    .description("let go of what is old or too much, and clear up what crashes left behind")
    .option("--dry-run", "change nothing: say what would go")
    .option("--vacuum", "rewrite the index, so that its file is as small as can be; other writers wait meanwhile")
    .option("--json", "print JSON")
    .action(async (flags: JsonFlags & GcFlags) => end(await collectGarbage({ config: loadConfig({ env, flags }), env, print }, flags)));
  common(program.command("scrub"))
    .description("hash every archive, read everything in the index, set aside what rotted and fetch it anew")
    .option("--rate <size>", "most to read in a second (default: scrub.rate of the configuration)")
    .option("--json", "print JSON")
    .action(async (flags: JsonFlags & ScrubFlags) => end(await scrubStore({ config: loadConfig({ env, flags }), env, print }, flags)));
  common(program.command("pin"))
    .description("say what must never be let go, beside cache.pin of the configuration")
    .argument("[pattern...]", "package URL patterns, such as pkg:npm/react or pkg:pypi/acme-*@2.*")
    .addOption(new Option("--list", "show all pins (what `assay pin` does alone)").conflicts("remove"))
    .option("--remove", "take these pins out again")
    .option("--lock <file>", "pin everything that a lock file names; may be repeated", collect)
    .option("--json", "print JSON")
    .action(async (patterns: readonly string[], flags: PinFlags) => {
      const given = { config: loadConfig({ env, flags }), now: Date.now(), json: flags.json === true, print };
      if (flags.remove) end(await unpinPackages(given, patterns));
      else if (flags.list || (patterns.length === 0 && flags.lock === undefined)) end(await listPins(given));
      else end(await pinPackages(given, patterns, flags.lock ?? []));
    });
}
