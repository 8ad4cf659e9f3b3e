import type { Command } from "commander";
import type { CommandLine } from "../command-line.ts";
import { type PackFlags, pack } from "../pack.ts";

export function addPack(program: Command, { env, print, warn, end }: CommandLine): void {
  program
    .command("pack")
    .description("make the deterministic .aam archive of a package's folder, or check one")
    .argument("[dir]", "the package's folder; it is only read")
    .option("-o, --output <file>", "the archive, or a folder for it (default: NAME-VERSION.aam here)")
    .option("--force", "replace an archive that has other bytes")
    .option("--list", "write nothing, say what would be packed")
    .option("--check <archive>", "name what differs from the archive that this command makes of the same content")
    .option("--json", "print JSON")
    .action(async (folder: string | undefined, flags: PackFlags) => end(await pack({ env, print, warn }, folder, flags)));
}
