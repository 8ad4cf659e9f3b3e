import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BUILT = process.env["ASSAY_ORACLE_TLOG_GO"] ?? fileURLToPath(new URL("../../.ci/tools/oracles/tlog-go", import.meta.url));

/** Go's own reading of transparency logs, which `install-oracles.sh` builds; undefined where it is not here. */
export const TLOG_GO: string | undefined = existsSync(BUILT) ? BUILT : undefined;

/** Runs it, without blocking this process, which may be the one that it asks. */
export function runTlogGo(...args: readonly string[]): Promise<{ readonly status: number; readonly told: string; readonly why: string }> {
  return new Promise((resolve) => {
    execFile(TLOG_GO ?? "", args, { timeout: 120_000 }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : 1, told: stdout.trim(), why: stderr.trim() }),
    );
  });
}
