import { type Command, InvalidArgumentError } from "commander";
import { loadConfig } from "../../app/config.ts";
import { type CommandLine, common, type JsonFlags } from "../command-line.ts";
import { serve } from "../serve.ts";

interface ServeFlags extends JsonFlags {
  readonly host?: string;
  readonly port?: number;
  readonly offline?: true;
}

export function addServe(program: Command, { env, end }: CommandLine): void {
  common(program.command("serve"))
    .description("run the mirror")
    .option("--host <host>", "address to listen on")
    .option("--port <port>", "port to listen on, 0 for any that is free", port)
    .option("--offline", "never open an upstream connection")
    .option("--json", "print its address as JSON, in one line")
    .action(async (flags: ServeFlags) => end(await serve(loadConfig({ env, flags }), env, { json: flags.json === true })));
}

function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError("expected a port from 0 to 65535.");
  return Number(text);
}
