import type { Config } from "../app/config.ts";
import { createLog } from "../app/log.ts";
import { LiveTrust } from "../app/trust/live-trust.ts";
import { type TrustReport, trustReport } from "../app/trust/trust-report.ts";
import type { AssayError } from "../core/errors.ts";
import { EXIT_DONE, exitCode } from "./exit.ts";
import { toJson } from "./to-json.ts";
import { changesBetween, reportJson, reportText, type TrustChange } from "./trust-text.ts";

export interface TrustCommand {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly json: boolean;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
}

/** `assay trust`: what signatures are checked against, by name, and how fresh it is. Asks nobody. Throws CONFIG_INVALID where a file of the operator cannot be used. */
export async function showTrust(command: TrustCommand): Promise<number> {
  const { now, json, print } = command;
  const trust = await open(command);
  const reports = trust.all.map((loaded) => trustReport(loaded, now));
  print(
    json
      ? toJson({ roots: reports.map((report) => reportJson(report, now)) })
      : reports.map((report) => reportText(report, now)).join("\n"),
  );
  return EXIT_DONE;
}

/** What became of one name. */
interface Update {
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly changes: readonly TrustChange[];
  readonly error: { readonly code: AssayError["code"]; readonly message: string } | null;
}

/**
 * `assay trust update [NAME]`: asks the mirrors now, of one name or of all that have one, and says what changed. A running mirror takes it up by itself. Answers the exit
 * code of the first failure; throws CONFIG_INVALID for a name without a mirror, and OFFLINE.
 */
export async function updateTrust(command: TrustCommand, name: string | undefined): Promise<number> {
  const { json, print } = command;
  const trust = await open(command);
  const names = name === undefined ? trust.all.flatMap((loaded) => (loaded.tuf ? [loaded.name] : [])) : [name];
  const updates: Update[] = [];
  for (const each of names) updates.push(await update(trust, each));
  await trust.close();
  if (json) print(toJson({ updates }));
  else print(updates.length > 0 ? updates.map(updateText).join("") : "no trust root is refreshed from a mirror\n");
  const failed = updates.find(({ error }) => error !== null)?.error;
  return failed ? exitCode(failed.code) : EXIT_DONE;
}

async function update(trust: LiveTrust, name: string): Promise<Update> {
  const reportOf = (): TrustReport | undefined => {
    const loaded = trust.all.find((each) => each.name === name);
    return loaded && trustReport(loaded, Date.now());
  };
  const before = reportOf();
  const error = await trust.refresh(name);
  const after = reportOf();
  return {
    name,
    before: before?.status.sha256 ?? null,
    after: after?.status.sha256 ?? null,
    changes: before && after ? changesBetween(before, after) : [],
    error: error ? { code: error.code, message: error.message } : null,
  };
}

function updateText({ name, before, after, changes, error }: Update): string {
  if (error) return `${name}: FAILED, and what held before stays in use: ${error.message} [${error.code}]\n`;
  const lines = changes.map(({ change, what }) => `  ${change === "added" ? "+" : "-"} ${what}\n`).join("");
  if (before === after) return lines === "" ? `${name}: nothing newer\n` : `${name}: the same root, other keys\n${lines}`;
  return `${name}: refreshed, sha256 ${before ?? "none"} -> ${after ?? "none"}\n${lines}`;
}

function open({ config, env }: TrustCommand): Promise<LiveTrust> {
  return LiveTrust.open(config, { clock: { now: Date.now }, log: createLog("error"), env, changed: () => {} });
}
