import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { type CommandLine, common, type JsonFlags } from "../command-line.ts";
import { plan } from "../plan.ts";
import { planDiff } from "../plan-diff.ts";
import { usage } from "../usage-error.ts";

interface PlanFlags extends JsonFlags {
  readonly diff?: true;
  readonly fetch?: true;
  readonly repository?: string;
  readonly write?: string | true;
  readonly owner: string;
  readonly force?: true;
}

export function addPlan(program: Command, { env, print, warn, end }: CommandLine): void {
  common(program.command("plan"))
    .description("say what a policy would do to a project, or which verdicts of the whole store a policy changes, before it is enforced")
    .argument("<file...>", "lock files; with --diff the policy files OLD and NEW")
    .option("--diff", "compare two policies over everything that was ever admitted or refused")
    .option("--fetch", "fetch what is not known yet first, by the policy in force (default: nobody is asked)")
    .option("--repository <name>", "repository to look in (default: the one that has it, else the first of the ecosystem)")
    .option(
      "--write [policy]",
      "propose a policy that lets in what the locks name and refuses other bytes in its place (default: to standard output)",
    )
    .option("--owner <who>", "who answers for the waivers that are proposed", "name who answers for this")
    .option("--force", "replace a policy file that is there already")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Exit code: 0 all is admitted (with --write: by the policy that is proposed), 2 something is refused (in audit mode: would be, once enforced), 65 a lock that cannot be used, 69 something is not known,
78 a policy that is not valid.
With --diff: 0 nothing becomes refused, 2 something does, 69 something that was admitted is not known under the new policy.`,
    )
    .action(async (files: readonly string[], flags: PlanFlags) => {
      const { json = false, fetch = false, diff = false, repository } = flags;
      const config = (policy: string | undefined) => loadConfig({ env, flags: { ...flags, policy } });
      if (!diff) {
        const [planned, inForce] = [config(flags.policy), config(undefined)];
        const { write: target, owner, force = false } = flags;
        const write = target === undefined ? undefined : { file: target === true ? undefined : target, owner, force };
        return end(await plan({ config: planned, inForce, env, fetch, repository, write, json, print, warn }, files));
      }
      const [old, next, ...more] = files;
      if (
        old === undefined ||
        next === undefined ||
        more.length > 0 ||
        flags.policy !== undefined ||
        fetch ||
        repository !== undefined ||
        flags.write !== undefined
      )
        throw usage("expected --diff OLD.yaml NEW.yaml, without --policy, --fetch, --repository and --write");
      end(await planDiff({ env, old: config(old), next: config(next), json, print }));
    });
}
