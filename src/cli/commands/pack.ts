import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { type CommandLine, type CommonFlags, common } from "../command-line.ts";
import { type PackFlags, pack } from "../pack.ts";

export function addPack(program: Command, { env, print, warn, end }: CommandLine): void {
  common(program.command("pack"))
    .description("make the deterministic .aam archive of a package's folder, or check one")
    .argument("[dir]", "the package's folder; it is only read")
    .option("-o, --output <file>", "the archive, or a folder for it (default: NAME-VERSION.aam here)")
    .option("--force", "replace an archive that has other bytes")
    .option("--list", "write nothing, say what would be packed")
    .option("--check <archive>", "name what differs from the archive that this command makes of the same content")
    .option("--json", "print JSON")
    .action(async (folder: string | undefined, flags: CommonFlags & PackFlags) => {
      // One that is not valid is told, as by every command. What is packed depends on none: the same folder makes the same bytes everywhere.
      loadConfig({ env, flags });
      end(await pack({ env, print, warn }, folder, flags));
    });
}
