import type { Command } from "commander";
import { loadConfig } from "../../app/config.ts";
import { type CommandLine, collect, common, type JsonFlags } from "../command-line.ts";
import { lockTarget, type TargetFlags } from "../lock-target.ts";
import { plan } from "../plan.ts";
import { planDiff } from "../plan-diff.ts";
import { usage } from "../usage-error.ts";

interface PlanFlags extends JsonFlags, TargetFlags {
  readonly diff?: true;
  readonly fetch?: true;
  readonly repository?: string;
  readonly write?: string | true;
  readonly owner: string;
  readonly force?: true;
}

const EXIT_CODES = `
Exit code: 0 all is admitted (with --write: by the policy that is proposed), 2 something is refused (in audit mode: would be, once enforced),
65 a lock that cannot be used, 69 something is not known, 78 a policy that is not valid.
With --diff: 0 nothing becomes refused, 2 something does, 69 something that was admitted is not known under the new policy.`;

export function addPlan(program: Command, line: CommandLine): void {
  common(program.command("plan"))
    .description("say what a policy would do to a project, or which verdicts of the whole store a policy changes, before it is enforced")
    .argument("<file...>", "lock files; with --diff the policy files OLD and NEW")
    .option("--diff", "compare two policies over everything that was ever admitted or refused")
    .option("--fetch", "fetch what is not known yet first, by the policy in force (default: nobody is asked)")
    .option("--repository <name>", "repository to look in (default: the one that has it, else the first of the ecosystem)")
    .option("--python <version>", "leave out wheels for other Pythons than this, such as 3.12; may be repeated", collect)
    .option("--platform <tag>", "leave out what does not run on this platform, such as manylinux_2_28_x86_64; may be repeated", collect)
    .option("--write [file]", "propose a policy that lets in what the locks name, and nothing in its place (default: to standard output)")
    .option("--owner <who>", "who answers for the waivers that are proposed", "name who answers for this")
    .option("--force", "replace a file that is there already")
    .option("--json", "print JSON")
    .addHelpText("after", EXIT_CODES)
    .action(async (files: readonly string[], flags: PlanFlags) => line.end(await (flags.diff ? compare : planLocks)(line, files, flags)));
}

function planLocks({ env, print, warn }: CommandLine, files: readonly string[], flags: PlanFlags): Promise<number> {
  const { json = false, fetch = false, repository, write, owner, force = false } = flags;
  const { isTTY, columns } = process.stderr;
  const command = {
    config: loadConfig({ env, flags }),
    inForce: loadConfig({ env, flags: { ...flags, policy: undefined } }),
    env,
    fetch,
    repository,
    target: lockTarget(flags),
    write: write === undefined ? undefined : { file: write === true ? undefined : write, owner, force },
    json,
    print,
    warn,
    isTerminal: isTTY === true,
    columns,
  };
  return plan(command, files);
}

function compare({ env, print }: CommandLine, [old, next, ...more]: readonly string[], flags: PlanFlags): Promise<number> {
  const { json = false, policy, fetch, repository, python, platform, write } = flags;
  const isOther = [policy, fetch, repository, python, platform, write].some((flag) => flag !== undefined);
  if (old === undefined || next === undefined || more.length > 0 || isOther)
    throw usage("expected --diff OLD.yaml NEW.yaml, and of the other flags only --config, --data and --json");
  const config = (file: string) => loadConfig({ env, flags: { ...flags, policy: file } });
  return planDiff({ env, old: config(old), next: config(next), json, print });
}
