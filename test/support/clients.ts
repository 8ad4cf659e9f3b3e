import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What a client printed and how it ended. */
export interface ClientRun {
  readonly code: number;
  /** Standard output and error together. */
  readonly output: string;
}

export type ClientName = "pip" | "uv" | "npm" | "pnpm";

/** The aam CLI installs from folders and git hosts, not from registries as the others do. */
type ProgramName = ClientName | "aam";

const TOOLS = fileURLToPath(new URL("../../.ci/tools", import.meta.url));

/** Where a client is, or undefined where this machine has none: `.ci/run` puts uv and pnpm under `.ci/tools`. */
export function findClient(name: ProgramName): string | undefined {
  const wanted = name === "pip" ? "python3" : name;
  const folders = [
    join(TOOLS, "python", "bin"),
    join(TOOLS, "pnpm", "node_modules", ".bin"),
    ...(process.env["PATH"] ?? "").split(delimiter),
  ];
  return folders.map((folder) => join(folder, wanted)).find((file) => existsSync(file));
}

/** A fresh place to install into: nothing cached, nothing configured, nothing of this machine's own settings but its certificates. */
export class Workspace {
  readonly folder = mkdtempSync(join(tmpdir(), "assay-client-"));
  readonly #within: readonly string[];

  /** `within` is a command that clients are run by, with its arguments: one that puts them into another namespace. */
  constructor(within: readonly string[] = []) {
    this.#within = within;
  }

  /** Runs a client with its own defaults for time-outs and retries. Ends it after `timeoutMs`. `env` is added to its environment. */
  async run(client: ProgramName, args: readonly string[], timeoutMs = 240_000, env: NodeJS.ProcessEnv = {}): Promise<ClientRun> {
    const file = findClient(client);
    if (!file) throw new Error(`${client} is not on this machine`);
    const [command, ...before] = [...this.#within, ...(client === "pip" ? [file, "-m", "pip"] : [file])];
    return new Promise((resolve) => {
      execFile(
        command ?? file,
        [...before, ...args],
        { cwd: this.folder, env: { ...this.#environment(file), ...env }, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 },
        (error, stdout, stderr) => {
          const code = error ? (typeof error.code === "number" ? error.code : 1) : 0;
          resolve({ code, output: `${stdout}\n${stderr}` });
        },
      );
    });
  }

  pipInstall(index: string, ...packages: readonly string[]): Promise<ClientRun> {
    return this.run("pip", ["install", "--no-cache-dir", "--target", join(this.folder, "site"), "--index-url", index, ...packages]);
  }

  uvInstall(index: string, ...packages: readonly string[]): Promise<ClientRun> {
    return this.run("uv", [
      "pip",
      "install",
      "--python",
      findClient("pip") ?? "python3",
      "--target",
      join(this.folder, "site"),
      "--default-index",
      index,
      ...packages,
    ]);
  }

  npmInstall(registry: string, ...packages: readonly string[]): Promise<ClientRun> {
    if (!existsSync(join(this.folder, "package.json"))) this.write("package.json", `{"name":"fresh","version":"1.0.0"}`);
    return this.run("npm", ["install", "--registry", registry, "--no-audit", "--no-fund", ...packages]);
  }

  pnpmAdd(registry: string, ...packages: readonly string[]): Promise<ClientRun> {
    this.write("package.json", `{"name":"fresh","version":"1.0.0"}`);
    return this.run("pnpm", [
      "add",
      "--registry",
      registry,
      "--ignore-scripts",
      "--config.fetch-retry-mintimeout=100",
      "--config.fetch-retry-maxtimeout=1000",
      ...packages,
    ]);
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #environment(client: string): NodeJS.ProcessEnv {
    const kept = Object.entries(process.env).filter(([name]) => !/^(pip|uv|npm|pnpm|virtual_env|python)/i.test(name));
    return {
      ...Object.fromEntries(kept),
      PATH: [dirname(process.execPath), dirname(client), process.env["PATH"]].join(delimiter),
      HOME: this.folder,
      CI: "true",
      NO_COLOR: "1",
      PIP_CONFIG_FILE: "/dev/null",
      PIP_DISABLE_PIP_VERSION_CHECK: "1",
      UV_CACHE_DIR: join(this.folder, "uv-cache"),
      UV_NO_CONFIG: "1",
      npm_config_cache: join(this.folder, "npm-cache"),
      npm_config_userconfig: join(this.folder, ".npmrc"),
      npm_config_globalconfig: join(this.folder, "global-npmrc"),
      npm_config_update_notifier: "false",
      // As many retries as by default, without the minute that npm and pnpm wait between them.
      npm_config_fetch_retry_mintimeout: "100",
      npm_config_fetch_retry_maxtimeout: "1000",
      XDG_DATA_HOME: join(this.folder, "data"),
      XDG_CACHE_HOME: join(this.folder, "cache"),
    };
  }
}

/** Whether this machine's own pip and npm reach the registries they are configured with; decided once. */
export function registriesReachable(): boolean {
  reachable ??= ["npm view left-pad version", "python3 -m pip download --no-deps --no-cache-dir --dest {} six==1.16.0"].every((command) => {
    const folder = mkdtempSync(join(tmpdir(), "assay-reach-"));
    const [file = "", ...args] = command.split(" ").map((word) => (word === "{}" ? folder : word));
    try {
      execFileSync(file, args, { cwd: folder, stdio: "ignore", timeout: 60_000 });
      return true;
    } catch {
      return false;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  return reachable;
}

let reachable: boolean | undefined;
