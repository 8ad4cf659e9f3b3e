import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { AssayError } from "../../core/errors.ts";
import { isJsonObject, parseJsonObject } from "../../core/json.ts";
import { runIsolated } from "./isolated-command.ts";
import { DEFAULT_PATH } from "./search-path.ts";

export interface NpmPacked {
  readonly path: string;
  /** `npm pack 11.19.1 (Node 26.10.0, zlib 1.3.1)` */
  readonly builder: string;
  readonly isCutOff: boolean;
}

export interface NpmPackOptions {
  /** The package's folder, which is only read. */
  readonly folder: string;
  /** An empty folder of our own. */
  readonly scratch: string;
  /** PATH, where npm is looked for. */
  readonly searchPath: string | undefined;
}

const PACK_MS = 120_000;
const VERSION_JSON_DEPTH = 4;

/**
 * What `npm pack` makes of a folder. No script of the package runs, before or after; neither a configuration of the package nor of this account is read, and there is no network where the kernel lets. Throws
 * CONFIG_INVALID where there is no npm, UNPROCESSABLE where it does not pack the folder.
 */
export async function npmPack({ folder, scratch, searchPath = DEFAULT_PATH }: NpmPackOptions): Promise<NpmPacked> {
  const [home, target] = [join(scratch, "home"), join(scratch, "packed")];
  await mkdir(home);
  await mkdir(target);
  // It works in an empty folder and is given the package by its path: only the configuration of the folder that it works in would be read.
  const env = { PATH: searchPath, HOME: home, LC_ALL: "C" };
  const settings = ["--ignore-scripts", ...packSettings(home, target)];
  const { isCutOff } = await runIsolated({ command: "npm", cwd: home, env, timeoutMs: PACK_MS, args: ["pack", ...settings, "--", folder] });
  const [file, ...others] = await readdir(target);
  if (file === undefined || others.length > 0) throw new AssayError("UNPROCESSABLE", "npm pack did not make one archive");
  return { path: join(target, file), builder: await npmBuilder(home, searchPath), isCutOff };
}

/** No configuration of anybody, and no network, wherever it runs: `home` has nothing in it. */
export function packSettings(home: string, target: string): readonly string[] {
  const none = join(home, "none");
  return [
    "--offline",
    "--no-update-notifier",
    "--no-audit",
    "--logs-max=0",
    `--prefix=${home}`,
    `--cache=${join(home, "cache")}`,
    `--userconfig=${none}`,
    `--globalconfig=${none}-global`,
    `--pack-destination=${target}`,
  ];
}

/** The npm in PATH, with its versions. `home` is an empty folder. Throws CONFIG_INVALID where there is none. */
export async function npmBuilder(home: string, searchPath: string): Promise<string> {
  const env = { PATH: searchPath, HOME: home, LC_ALL: "C" };
  const args = ["version", "--json", "--ignore-scripts", ...packSettings(home, home)];
  const { output } = await runIsolated({ command: "npm", cwd: home, env, timeoutMs: PACK_MS, args });
  const versions = parseJsonObject(Buffer.from(output), { maxDepth: VERSION_JSON_DEPTH, source: "what npm says of its versions" });
  const of = (name: string): string => (typeof versions[name] === "string" ? versions[name].slice(0, 40) : "?");
  return `npm pack ${of("npm")} (Node ${of("node")}, zlib ${of("zlib")})`;
}

/** Where a manifest says that the package stands in its repository. https://docs.npmjs.com/cli/configuring-npm/package-json#repository */
export function directoryIn(manifest: unknown): string {
  const repository = isJsonObject(manifest) ? manifest["repository"] : undefined;
  const directory = isJsonObject(repository) ? repository["directory"] : undefined;
  return typeof directory === "string" ? directory : "";
}
