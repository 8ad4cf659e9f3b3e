import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { type CommandLine, type CommonFlags, common } from "../command-line.ts";
import { SETUP_CLIENTS, type SetupFlags, setUp } from "../setup.ts";

export function addSetup(program: Command, { env, print, end }: CommandLine): void {
  common(program.command("setup"))
    .description("print what points a client at the mirror, or write it")
    .argument("<client>", `one of ${SETUP_CLIENTS.join(", ")}`)
    .option("--write", "write it into the client's configuration, with a copy of what was there")
    .option("--undo", "take out again what --write put there")
    .option("--url <url>", "the mirror's address (default: public_url, or where it listens)")
    .option("--json", "print JSON")
    .action(async (client: string, flags: CommonFlags & SetupFlags) => {
      end(await setUp({ config: loadConfig({ env, flags }), env, now: new Date(), print }, client, flags));
    });
}
