import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { loadConfig } from "../app/config.ts";
import { TOKEN_SCOPES } from "../core/access-token.ts";
import { DECISION_OUTCOMES } from "../core/decision.ts";
import { AssayError } from "../core/errors.ts";
import { LEVELS, type Level } from "../core/statement.ts";
import { auditProvenance } from "./audit.ts";
import { EXIT_DONE, exitCode } from "./exit.ts";
import { explain, inspectProvenance, type ReportCommand } from "./explain.ts";
import { rotateKeys, showKeys } from "./keys.ts";
import { type LogFlags, showLog } from "./log.ts";
import { type PackFlags, pack } from "./pack.ts";
import { checkPolicy, explainPolicy } from "./policy.ts";
import type { PublishFlags } from "./publish.ts";
import { serve } from "./serve.ts";
import { SETUP_CLIENTS, type SetupFlags, setUp } from "./setup.ts";
import { createToken, listTokens, revokeToken, type TokenFlags } from "./token.ts";
import { showTrust, updateTrust } from "./trust.ts";
import { type SubjectFlags, verifySubjects } from "./verify-subjects.ts";

interface CommonFlags {
  readonly config?: string;
  readonly data?: string;
  readonly policy?: string;
}

interface PolicyFlags extends CommonFlags {
  readonly json?: true;
  readonly repository?: string;
}

interface KeysFlags extends CommonFlags {
  readonly json?: true;
  readonly pem?: true;
}

interface TokenCommonFlags extends CommonFlags {
  readonly json?: true;
}

interface TrustFlags extends CommonFlags {
  readonly json?: true;
}

interface ServeFlags extends CommonFlags {
  readonly host?: string;
  readonly port?: number;
  readonly offline?: true;
}

interface ReportFlags extends CommonFlags {
  readonly json?: true;
  readonly offline?: true;
  readonly repository?: string;
}

interface AuditFlags extends ReportFlags {
  readonly all?: true;
  readonly level?: Level;
}

/** Runs one command and answers the exit code. Never throws: what went wrong is on standard error, with the next step. */
export async function run(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  let exit = EXIT_DONE;
  const program = new Command("assay").description("A mirror that checks before it serves.").exitOverride();
  common(program.command("serve"))
    .description("run the mirror")
    .option("--host <host>", "address to listen on")
    .option("--port <port>", "port to listen on, 0 for any that is free", port)
    .option("--offline", "never open an upstream connection")
    .action(async (flags: ServeFlags) => {
      exit = await serve(loadConfig({ env, flags }), env);
    });
  const print = (text: string) => void process.stdout.write(text);
  const policy = program.command("policy").description("look at the policy");
  const policyCommand = (flags: PolicyFlags) => ({
    config: loadConfig({ env, flags }),
    now: Date.now(),
    json: flags.json === true,
    print,
  });
  common(policy.command("check"))
    .description("say what is wrong or dangerous in the policy")
    .option("--json", "print JSON")
    .action(async (flags: PolicyFlags) => {
      exit = await checkPolicy(policyCommand(flags));
    });
  common(policy.command("explain"))
    .description("say which rule holds for a package version, and why")
    .argument("<purl>", "package URL with a version")
    .option("--repository <name>", "repository it is asked of (default: the first of its ecosystem)")
    .option("--json", "print JSON")
    .action(async (purl: string, flags: PolicyFlags) => {
      exit = await explainPolicy(policyCommand(flags), purl, flags.repository);
    });
  const log = program.command("log").description("look at the decision log");
  common(log.command("show"))
    .description("print what was decided, and for whom, oldest first")
    .option("--purl <purl>", "about this package, with or without a version")
    .option("--outcome <outcome>", `one of ${DECISION_OUTCOMES.join(", ")}`)
    .option("--since <time>", "from this time on: 2026-11-23T08:00Z, or how long ago: 2h, 7d")
    .option("--follow", "go on with what is decided from now on")
    .option("--json", "print the entries as they are kept, one JSON object a line")
    .action(async (flags: CommonFlags & LogFlags) => {
      exit = await showLog({ config: loadConfig({ env, flags }), now: Date.now(), print: printAll, signal: interrupted() }, flags);
    });
  const keys = program.command("keys").description("look after the keys that verdicts are signed with");
  const keysCommand = (flags: KeysFlags) => ({
    config: loadConfig({ env, flags }),
    json: flags.json === true,
    print: (text: string) => void process.stdout.write(text),
  });
  common(keys.command("show"))
    .description("show the public keys, the one that signs first")
    .option("--pem", "print them in PEM, as a policy's `keys` file takes them")
    .option("--json", "print JSON")
    .action(async (flags: KeysFlags) => {
      exit = await showKeys(keysCommand(flags), flags.pem === true);
    });
  common(keys.command("rotate"))
    .description("sign with a new key from now on; the old public key stays published")
    .option("--json", "print JSON")
    .action(async (flags: KeysFlags) => {
      exit = await rotateKeys(keysCommand(flags));
    });
  common(program.command("setup"))
    .description("print what points a client at the mirror, or write it")
    .argument("<client>", `one of ${SETUP_CLIENTS.join(", ")}`)
    .option("--write", "write it into the client's configuration, with a copy of what was there")
    .option("--undo", "take out again what --write put there")
    .option("--url <url>", "the mirror's address (default: public_url, or where it listens)")
    .option("--json", "print JSON")
    .action(async (client: string, flags: CommonFlags & SetupFlags) => {
      const print = (text: string) => void process.stdout.write(text);
      exit = await setUp({ config: loadConfig({ env, flags }), env, now: new Date(), print }, client, flags);
    });
  const token = program.command("token").description("say who may publish to repositories of type hosted");
  const tokenCommand = (flags: TokenCommonFlags) => ({
    config: loadConfig({ env, flags }),
    now: Date.now(),
    json: flags.json === true,
    print: (text: string) => void process.stdout.write(text),
  });
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
    .action(async (flags: TokenCommonFlags & TokenFlags) => {
      exit = await createToken(tokenCommand(flags), flags);
    });
  common(token.command("list"))
    .description("show all tokens, without their secrets")
    .option("--json", "print JSON")
    .action(async (flags: TokenCommonFlags) => {
      exit = await listTokens(tokenCommand(flags));
    });
  common(token.command("revoke"))
    .description("make a token good for nothing, at once")
    .argument("<id>", "its id, as `token list` shows it")
    .action(async (id: string, flags: TokenCommonFlags) => {
      exit = await revokeToken(tokenCommand(flags), id);
    });
  const reportCommand = (flags: ReportFlags): ReportCommand => {
    const config = loadConfig({ env, flags });
    return { config, env, print, json: flags.json === true, repository: flags.repository };
  };
  reporting(program.command("explain"))
    .description("say what was checked of an archive, what was decided and why, and what would change it")
    .argument("<purl>", "package URL; without a version or file name it means all that is held")
    .action(async (purl: string, flags: ReportFlags) => {
      exit = await explain(reportCommand(flags), purl);
    });
  reporting(program.command("inspect").description("look at what is known of an archive").command("provenance"))
    .description("show the verified provenance of an archive")
    .argument("<purl>", "package URL")
    .action(async (purl: string, flags: ReportFlags) => {
      exit = await inspectProvenance(reportCommand(flags), purl);
    });
  reporting(program.command("audit"))
    .description("say which archives are refused, or have less provenance than is asked for")
    .argument("[purl...]", "package URLs")
    .requiredOption("--provenance", "audit the provenance")
    .option("--all", "everything that was admitted once")
    .addOption(new Option("--level <level>", "level to ask for (default: what the policy asks for)").choices(LEVELS))
    .action(async (purls: readonly string[], flags: AuditFlags) => {
      exit = await auditProvenance(reportCommand(flags), { purls, all: flags.all === true, level: flags.level });
    });
  program
    .command("pack")
    .description("make the deterministic .aam archive of a package's folder, or check one")
    .argument("[dir]", "the package's folder; it is only read")
    .option("-o, --output <file>", "the archive, or a folder for it (default: NAME-VERSION.aam here)")
    .option("--force", "replace an archive that has other bytes")
    .option("--list", "write nothing, say what would be packed")
    .option("--check <archive>", "name what differs from the archive that this command makes of the same content")
    .option("--json", "print JSON")
    .action(async (folder: string | undefined, flags: PackFlags) => {
      const print = (text: string) => void process.stdout.write(text);
      const warn = (text: string) => void process.stderr.write(text);
      exit = await pack({ env, print, warn }, folder, flags);
    });
  program
    .command("publish")
    .description("sign a package, verify what was signed, and send it to a registry")
    .argument("<package>", "the package's folder, or an .aam archive")
    .option("--to <url>", "the registry, in either dialect: https://HOST/NAME/ or https://HOST/NAME/api/v1/")
    .option("--token-env <name>", "variable with the registry's token")
    .option("--token-file <file>", "file with the registry's token")
    .option("--tag <tag>", "dist-tag to set")
    .option("--sign", "sign the archive with a Sigstore identity")
    .option("--gpg-key-file <file>", "sign the archive with this armored OpenPGP private key too")
    .option("--gpg-passphrase-env <name>", "variable with its passphrase")
    .option("--gpg-passphrase-file <file>", "file with its passphrase")
    .option("--provenance", "state which commit and build it is made from, signed with a Sigstore identity")
    .option("--source <dir>", "the folder that an archive was packed from: it must make the same bytes again")
    .option("--builder-id <uri>", "who builds, outside GitHub Actions and GitLab CI")
    .option("--allow-dirty", "state a tree with changes, as one that nobody can rebuild")
    .option("--identity-token-env <name>", "variable with the identity token (default: what the CI service offers)")
    .option("--identity-token-file <file>", "file with the identity token")
    .option("--identity-token <token>", "the identity token itself, which everybody on this machine can then read")
    .option("--oidc-audience <audience>", "audience to ask the CI service's token for (default: sigstore)")
    .option("--fulcio-url <url>", "certificate authority of a Sigstore instance (default: the public one)")
    .option("--rekor-url <url>", "its transparency log")
    .option("--tsa-url <url>", "time-stamping authority to ask besides")
    .option("--trusted-root <file>", "trusted_root.json of the instance")
    .option("--dry-run", "send nothing: write the archive and its signatures to a folder")
    .option("-o, --output <dir>", "that folder (default: here)")
    .option("--force", "replace files there that have other bytes")
    .option("--json", "print JSON")
    .action(async (path: string, flags: PublishFlags) => {
      // The signing library brings an HTTP client of its own along, which no other command needs.
      const { publish } = await import("./publish.ts");
      const warn = (text: string) => void process.stderr.write(text);
      exit = await publish({ env, now: Date.now(), print, warn, isTerminal: process.stderr.isTTY === true }, path, flags);
    });
  const trust = program.command("trust").description("look at what signatures are checked against, and refresh it");
  const trustCommand = (flags: TrustFlags) => ({
    config: loadConfig({ env, flags }),
    env,
    now: Date.now(),
    json: flags.json === true,
    print: (text: string) => void process.stdout.write(text),
  });
  common(trust.command("show", { isDefault: true }))
    .description("show every root and key by name: from where, how fresh, valid when (what `assay trust` does alone)")
    .option("--json", "print JSON")
    .action(async (flags: TrustFlags) => {
      exit = await showTrust(trustCommand(flags));
    });
  common(trust.command("update"))
    .description("refresh from the TUF mirrors now")
    .argument("[name]", "a name under `trust` in the configuration, or public (default: all that have a mirror)")
    .option("--json", "print JSON")
    .action(async (name: string | undefined, flags: TrustFlags) => {
      exit = await updateTrust(trustCommand(flags), name);
    });
  common(program.command("verify"))
    .description(
      "say whether files are what their evidence says, or whether what the mirror holds is what it admitted and what a lock pins",
    )
    .argument("[subject...]", "files (sha256:HEX where only a digest is at hand), or package URLs")
    .option("--lock <file>", "verify everything that a lock file names")
    .option("--frozen", "with --lock: a lock that is stale, or names what no registry publishes, is an error")
    .option("--manifest <file>", "with --lock: the manifest that it was made from (default: the one beside it)")
    .option("--repository <name>", "ask this repository for what package URLs or a lock name (default: one that holds it, else the first)")
    .option("--offline", "ask nobody for what package URLs or a lock name and is not held")
    .option("--bundle <file>", "Sigstore bundle; may be repeated", collect)
    .option("--attestation <file>", "PEP 740 attestation or provenance object, or npm attestations; may be repeated", collect)
    .option("--signature <file>", "detached OpenPGP signature over the file")
    .option("--trusted-root <file>", "trusted_root.json of a Sigstore instance, in place of the public one")
    .option("--key <file>", "public key that must have signed: PEM for a bundle, armored for an OpenPGP signature")
    .option("--certificate-identity <identity>", "e-mail address or URI that must have signed, exactly")
    .option("--certificate-oidc-issuer <url>", "issuer that must vouch for that identity, exactly")
    .option("--purl <purl>", "what the file claims to be")
    .option("--name <subject>", "name that a statement must have the file under")
    .option("--json", "print JSON")
    .action(async (subjects: readonly string[], flags: CommonFlags & SubjectFlags) => {
      exit = await verifySubjects({ config: loadConfig({ env, flags }), env, now: Date.now(), print }, subjects, flags);
    });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exit;
  } catch (error) {
    return tell(error);
  }
}

function common(command: Command): Command {
  return command
    .option("--config <file>", "configuration file (default: config/assay.yaml)")
    .option("--data <dir>", "data folder")
    .option("--policy <file>", "policy file");
}

/** Waits until standard output has taken it, or is closed: `interrupted` hears of that. */
function printAll(text: string): Promise<void> {
  return new Promise((resolve) => void process.stdout.write(text, () => resolve()));
}

/** Ctrl+C, or whoever reads our output has enough of it, as `head` has. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  process.once("SIGINT", () => controller.abort());
  process.stdout.on("error", () => controller.abort());
  return controller.signal;
}

function reporting(command: Command): Command {
  return common(command)
    .option("--repository <name>", "look in this repository only (default: all of the ecosystem; what is fetched, through the first)")
    .option("--offline", "ask nobody: tell of what is known")
    .option("--json", "print JSON");
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError("expected a port from 0 to 65535.");
  return Number(text);
}

function tell(error: unknown): number {
  // Commander has printed its own message already; asking for help is no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_DONE : exitCode("USAGE");
  if (error instanceof AssayError) {
    process.stderr.write(`assay: ${error.message}${error.help ? `\n  ${error.help}` : ""}\n`);
    return exitCode(error.code);
  }
  process.stderr.write(`assay: unexpected error, please report it\n${error instanceof Error ? error.stack : String(error)}\n`);
  return exitCode("INTERNAL");
}
