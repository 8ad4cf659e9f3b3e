import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { TOKEN_SCOPES } from "../../core/access-token.ts";
import { type CommandLine, collect, common, type JsonFlags } from "../command-line.ts";
import { createToken, listTokens, revokeToken, type TokenFlags } from "../token.ts";

export function addToken(program: Command, { env, print, end }: CommandLine): void {
  const token = program.command("token").description("say who may publish to repositories of type hosted");
  const given = (flags: JsonFlags) => ({ config: loadConfig({ env, flags }), now: Date.now(), json: flags.json === true, print });
  common(token.command("create"))
    .description("make a token and print it, once")
    .requiredOption("--owner <name>", "whom it is for: packages belong to owners, and the audit log names them")
    .requiredOption("--repository <name>", "repository of type hosted that it is good for; may be repeated", collect)
    .requiredOption("--scope <scope>", `one of ${TOKEN_SCOPES.join(", ")}; may be repeated`, collect)
    .option(
      "--package <pattern>",
      "names that it is good for, such as @acme/*; may be repeated (default: new names and the owner's)",
      collect,
    )
    .option("--expires <duration>", "how long it is good for: 90d, 12h, or never (default: 90d)")
    .option("--json", "print JSON")
    .action(async (flags: JsonFlags & TokenFlags) => end(await createToken(given(flags), flags)));
  common(token.command("list"))
    .description("show all tokens, without their secrets")
    .option("--json", "print JSON")
    .action(async (flags: JsonFlags) => end(await listTokens(given(flags))));
  common(token.command("revoke"))
    .description("make a token good for nothing, at once")
    .argument("<id>", "its id, as `token list` shows it")
    .option("--json", "print JSON")
    .action(async (id: string, flags: JsonFlags) => end(await revokeToken(given(flags), id)));
}
