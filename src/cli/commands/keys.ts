import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { type CommandLine, common, type JsonFlags } from "../command-line.ts";
import { rotateKeys, showKeys } from "../keys.ts";

interface KeysFlags extends JsonFlags {
  readonly pem?: true;
}

export function addKeys(program: Command, { env, print, end }: CommandLine): void {
  const keys = program.command("keys").description("look after the keys that verdicts are signed with");
  const given = (flags: KeysFlags) => ({ config: loadConfig({ env, flags }), json: flags.json === true, print });
  common(keys.command("show"))
    .description("show the public keys, the one that signs first")
    .option("--pem", "print them in PEM, as a policy's `keys` file takes them")
    .option("--json", "print JSON")
    .action(async (flags: KeysFlags) => end(await showKeys(given(flags), flags.pem === true)));
  common(keys.command("rotate"))
    .description("sign with a new key from now on; the old public key stays published")
    .option("--json", "print JSON")
    .action(async (flags: KeysFlags) => end(await rotateKeys(given(flags))));
}
