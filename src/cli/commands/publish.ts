import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { type CommandLine, type CommonFlags, common } from "../command-line.ts";
import type { PublishFlags } from "../publish.ts";

export function addPublish(program: Command, { env, print, warn, end }: CommandLine): void {
  common(program.command("publish"))
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
    .action(async (path: string, flags: CommonFlags & PublishFlags) => {
      // One that is not valid is told, as by every command. A publisher names everything else: no mirror's settings are to have a say in what is signed.
      loadConfig({ env, flags });
      // The signing library brings an HTTP client of its own along, which no other command needs.
      const { publish } = await import("../publish.ts");
      end(await publish({ env, now: Date.now(), print, warn, isTerminal: process.stderr.isTTY === true }, path, flags));
    });
}
