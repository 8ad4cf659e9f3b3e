import { spawnSync } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { withLock } from "./lock.mjs";
import { runNpm } from "./npm.mjs";
import { SetUpError, say } from "./say.mjs";

/** What is installed where the running Node is too old: the active LTS that Assay is shipped on. */
const MAJOR = 26;

/**
 * The Node to go on with: the running one, or one installed into `.node/`. `range` is `engines.node` in the form ">=24.15".
 * Answers its path, whether it is the running one, and the environment for what it starts.
 */
export async function ensureNode(root, range) {
  const floor = parseVersion(range.replace(">=", ""));
  if (atLeast(process.versions.node, floor)) return { path: process.execPath, running: true, env: process.env };

  const folder = join(root, ".node");
  const path = join(folder, "node_modules", platformPackage(), process.platform === "win32" ? "node.exe" : "bin/node");
  if (!isGood(path, floor)) {
    await withLock(root, async () => {
      if (!isGood(path, floor)) install(folder, path, floor, range);
    });
  }
  // First in PATH, so that what we start finds the same Node. The folder holds nothing else.
  return { path, running: false, env: { ...process.env, PATH: `${dirname(path)}${delimiter}${process.env.PATH ?? ""}` } };
}

function install(folder, path, floor, range) {
  say(`Node ${process.versions.node} is too old (this needs ${range}); installing Node ${MAJOR} into .node/`);
  // The registry's `node` package only picks this one for the platform, by an install script. Asking for it directly needs no script to run.
  runNpm(["install", "--prefix", folder, "--no-save", "--no-package-lock", "--ignore-scripts", `${platformPackage()}@${MAJOR}`], {
    cwd: dirname(folder),
    env: process.env,
    node: process.execPath,
    what: `Node ${MAJOR}`,
  });
  if (!isGood(path, floor)) {
    throw new SetUpError(
      `Node ${MAJOR} was installed into .node/ but does not run on this machine (${process.platform} ${process.arch})`,
      `install Node ${range} yourself, put it first in PATH and run the same command again`,
    );
  }
}

function platformPackage() {
  if (process.platform === "win32") return `node-win-${process.arch}`;
  const prefix = process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
  return `${prefix}-${process.platform}-${process.arch}`;
}

function isGood(path, floor) {
  const answer = spawnSync(path, ["--version"], { encoding: "utf8", timeout: 20_000 });
  return answer.status === 0 && atLeast(answer.stdout.trim().replace("v", ""), floor);
}

function parseVersion(text) {
  const [major = 0, minor = 0, patch = 0] = text.split(".").map((part) => Number.parseInt(part, 10));
  return [major, minor, patch];
}

function atLeast(version, floor) {
  const parts = parseVersion(version);
  for (let i = 0; i < 3; i++) if (parts[i] !== floor[i]) return parts[i] > floor[i];
  return true;
}
