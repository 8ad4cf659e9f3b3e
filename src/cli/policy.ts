import { relative } from "node:path";
import type { Config } from "../app/config.ts";
import { AssayError } from "../core/errors.ts";
import { formatProblem } from "../core/problems.ts";
import { parsePurl } from "../core/purl.ts";
import { ruleNames } from "../core/upstream-names.ts";
import { explainRule, type RuleReport, type SettingValue } from "../policy/explain-rule.ts";
import { PolicyInvalid } from "../policy/load-policy.ts";
import { formatWarning } from "../policy/policy-warning.ts";
import { type ReadPolicy, readPolicy } from "../policy/read-policy.ts";
import { EXIT_DONE, exitCode } from "./exit.ts";
import { table } from "./table.ts";

export interface PolicyCommand {
  readonly config: Config;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly json: boolean;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
}

/** `assay policy check`: what is wrong or dangerous in the policy. Answers 0 also with warnings; throws CONFIG_INVALID, or prints it as JSON and answers its code. */
export async function checkPolicy(command: PolicyCommand): Promise<number> {
  const { json, print } = command;
  try {
    const read = await openPolicy(command);
    print(json ? toJson(checkReport(read)) : checkText(read));
    return EXIT_DONE;
  } catch (error) {
    if (!json || !(error instanceof PolicyInvalid)) throw error;
    const problems = error.problems.map((problem) => ({ ...problem, text: formatProblem(problem) }));
    print(toJson({ file: error.file, valid: false, problems, warnings: [] }));
    return exitCode(error.code);
  }
}

/** `assay policy explain PURL`: which rule holds for one version, what it amounts to and why. Throws BAD_REQUEST for a purl without a version. */
export async function explainPolicy(command: PolicyCommand, purl: string, repository: string | undefined): Promise<number> {
  const { ecosystem, name, version, file } = parsePurl(purl);
  if (version === undefined) {
    throw new AssayError("BAD_REQUEST", `expected a package URL with a version, got ${JSON.stringify(purl.slice(0, 200))}`, {
      help: "rules, denials and waivers may speak about versions; add @ and one",
    });
  }
  const { repositories } = command.config;
  const mount = repository ?? repositories.find((candidate) => candidate.ecosystem === ecosystem)?.name ?? ecosystem;
  const read = await openPolicy(command);
  const coordinates = { ecosystem, name, version, repository: mount, ...(file === undefined ? {} : { file }) };
  const report = explainRule(read, coordinates, command.now);
  command.print(command.json ? toJson({ purl, repository: mount, file: read.file, ...report }) : explainText(purl, mount, report));
  return EXIT_DONE;
}

function openPolicy({ config, now }: PolicyCommand): Promise<ReadPolicy> {
  const path = relative(process.cwd(), config.policyPath);
  const known = {
    repositories: config.repositories.map(({ name }) => name),
    trust: Object.keys(config.trust),
    upstreams: config.repositories.map(({ name, ecosystem, upstreams }) => ({
      repository: name,
      ecosystem,
      // What is discovered has no name of its own.
      names: upstreams === "discover" ? ["public"] : upstreams.flatMap(ruleNames),
    })),
  };
  return readPolicy({ file: path.startsWith("..") ? config.policyPath : path, known }, now);
}

/** What `policy check --json` prints for a policy that loads. Undefined becomes null: every key is always there. */
function checkReport({ file, policy, feeds, warnings, revision }: ReadPolicy) {
  return {
    file,
    valid: true,
    problems: [],
    warnings,
    revision,
    mode: policy.mode,
    signers: [...policy.signers.keys()],
    rules: policy.rules.map(({ label }) => label),
    deny: policy.deny.length,
    waivers: policy.waivers.length,
    feeds: policy.deny.flatMap((entry) => {
      const feed = entry.kind === "feed" ? feeds.get(entry.label) : undefined;
      return entry.kind === "feed" && feed
        ? [{ label: entry.label, path: entry.path, ...feed.summary, newestAt: isoTime(feed.summary.newestAt) }]
        : [];
    }),
  };
}

function checkText({ file, policy, feeds, warnings }: ReadPolicy): string {
  const counts = [
    plural(policy.signers.size, "signer"),
    plural(policy.rules.length, "rule"),
    plural(policy.deny.length, "denial"),
    plural(policy.waivers.length, "waiver"),
  ];
  const lines = [`${file} is valid: mode ${policy.mode}, ${counts.join(", ")}`];
  for (const [label, { summary }] of feeds) {
    const { entries, packages, skipped, newestAt } = summary;
    lines.push(
      `${label}: ${plural(entries, "entry", "entries")} about ${plural(packages, "package")}, ${skipped} left out, newest of ${isoTime(newestAt).slice(0, 10)}`,
    );
  }
  if (warnings.length > 0) lines.push("", `${plural(warnings.length, "warning")}:`);
  for (const warning of warnings) lines.push(`  ${formatWarning(warning)} [${warning.code}]`);
  return `${lines.join("\n")}\n`;
}

function explainText(purl: string, repository: string, report: RuleReport): string {
  const { rule, denied, blocked, upstream, requireTag, settings, waivers } = report;
  const chosen = rule.at === undefined ? "none matches, so defaults hold" : `${rule.label} (${rule.at}), by its pattern ${rule.pattern}`;
  const facts: [string, string][] = [
    ["rule", chosen],
    ["mode", report.mode === "audit" ? "audit: nothing below refuses, it is only recorded" : report.mode],
    ["denied", denied ? `${denied.reason} (${denied.label}, ${denied.at})` : "no"],
  ];
  if (blocked) facts.push(["blocked", `${blocked.text} (governance.install_policy.${blocked.gate})`]);
  if (upstream !== undefined) facts.push(["upstream", `${upstream} only`]);
  if (requireTag !== undefined) facts.push(["dist-tag", `only versions tagged ${requireTag}`]);
  for (const { waive, owner, reason, expires, digest, label } of waivers) {
    const bytes = digest === undefined ? "" : ` for ${digest} only`;
    facts.push([
      "waived",
      `${waive.join(", ")}${bytes} until ${expires.slice(0, 16).replace("T", " ")} UTC by ${owner}: ${reason} (${label})`,
    ]);
  }
  const rows = Object.entries(settings).map(([key, { value, from }]) => [key, valueText(value), from] as const);
  return [`${purl} in repository ${repository}`, "", ...table(facts), "", ...table([["setting", "value", "from"], ...rows]), ""].join("\n");
}

function valueText(value: SettingValue): string {
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.join(", ");
  return Object.entries(value)
    .map(([key, inner]) => (typeof inner === "string" ? `${key} ${inner}` : `${key} of ${inner.join(", ")}`))
    .join(", ");
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, (_, inner: unknown) => (inner === undefined ? null : inner), 2)}\n`;
}
