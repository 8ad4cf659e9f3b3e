import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { type CommandLine, type CommonFlags, collect, common } from "../command-line.ts";
import { type SubjectFlags, verifySubjects } from "../verify-subjects.ts";

export function addVerify(program: Command, { env, print, end }: CommandLine): void {
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
      end(await verifySubjects({ config: loadConfig({ env, flags }), env, now: Date.now(), print }, subjects, flags));
    });
}
