// Finds what must not stand in the project: the host of a public registry, which is the operator's to configure, and paths of the machine
// it was written on. Neither is written down here: the hosts are asked of the clients, the paths of the system.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findForeignNames, machineFolders, publicHosts } from "./foreign-text.ts";

const PIP_HOSTS = "from pip._internal.models.index import PyPI; print(PyPI.simple_url); print('https://' + PyPI.file_storage_domain)";

const root = fileURLToPath(new URL("../..", import.meta.url));
const answers = [run("npm", "config", "get", "registry"), run("python3", "-c", PIP_HOSTS)];
for (const [client, answer] of [
  ["npm", answers[0]],
  ["pip", answers[1]],
]) {
  if (answer === undefined) console.log(`skipped the hosts of ${client}, which is not installed`);
}
const tracked = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard");
if (tracked === undefined) console.log("skipped: this is no git checkout, so what belongs to the project cannot be told");

const needles = { hosts: publicHosts(answers.join("\n")), folders: machineFolders(root, homedir()) };
const found = (tracked ?? "")
  .split("\0")
  .filter((path) => path !== "")
  .flatMap((path) => findForeignNames(path, read(path), needles));
for (const line of found) console.log(line);
if (found.length > 0) process.exitCode = 1;

function run(command: string, ...args: string[]): string | undefined {
  try {
    return execFileSync(command, args, {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 20_000,
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch {
    return undefined;
  }
}

/** Empty for what is listed and gone, a link to a folder, or not text. */
function read(path: string): string {
  try {
    const bytes = readFileSync(join(root, path));
    return bytes.includes(0) ? "" : bytes.toString("utf8");
  } catch {
    return "";
  }
}
