import { spawnSync } from "node:child_process";
import { basename } from "node:path";
import { SetUpError } from "./say.mjs";

/** Error codes with which npm says that the registry did not answer, as opposed to answered no. */
const NETWORK_CODES = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTCACHED",
  "ENOTFOUND",
  "ERR_SOCKET_TIMEOUT",
  "ETIMEDOUT",
]);

/** Runs npm quietly; shows the head of its output, where npm names the error, only when it fails. `what` is what is being installed, in words. */
export function runNpm(args, { cwd, env, node, what }) {
  const [command, ...first] = npmCommand(env, node);
  const answer = spawnSync(command, [...first, ...args, "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
    shell: command === "npm.cmd",
  });
  if (answer.status === 0) return;
  if (answer.error?.code === "ENOENT") {
    throw new SetUpError(
      `${what} could not be installed: there is no npm in PATH`,
      "install npm, which comes with Node, and run the same command again",
    );
  }
  if (answer.signal) throw new SetUpError(`installing ${what} was stopped by ${answer.signal}`, "run the same command again");
  const output = `${answer.stdout}\n${answer.stderr}`.trim();
  const code = /^npm (?:error|ERR!) code (\S+)/m.exec(output)?.[1];
  if (code && NETWORK_CODES.has(code)) {
    throw new SetUpError(
      `${what} could not be installed: npm did not reach its registry (${code})`,
      "check the network and what `npm config get registry` and `npm config get https-proxy` answer, then run the same command again",
    );
  }
  process.stderr.write(`${output.split("\n").slice(0, 15).join("\n")}\n`);
  throw new SetUpError(
    `${what} could not be installed: npm failed${code ? ` (${code})` : ""}`,
    "see npm's own words above; mend that and run the same command again",
  );
}

/** The npm that started us, else the one in PATH. npm_execpath may also be another client's, which takes other arguments. */
function npmCommand(env, node) {
  const cli = env.npm_execpath;
  if (cli && basename(cli) === "npm-cli.js") return [node, cli];
  return [process.platform === "win32" ? "npm.cmd" : "npm"];
}
