import { mkdir, readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { AssayError } from "../../core/errors.ts";
import { isJsonObject, parseJsonObject } from "../../core/json.ts";
import { runIsolated } from "./isolated-command.ts";

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
const DEFAULT_PATH = ["/usr/local/bin", "/usr/bin", "/bin"].join(delimiter);
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
  const common = { command: "npm", cwd: home, env: { PATH: searchPath, HOME: home, LC_ALL: "C" }, timeoutMs: PACK_MS };
  const none = join(home, "none");
  const settings = [
    "--ignore-scripts",
    "--offline",
    "--no-update-notifier",
    "--no-audit",
    `--prefix=${home}`,
    `--cache=${join(scratch, "cache")}`,
    `--userconfig=${none}`,
    `--globalconfig=${none}-global`,
    `--pack-destination=${target}`,
  ];
  const { isCutOff } = await runIsolated({ ...common, args: ["pack", ...settings, "--", folder] });
  const [file, ...others] = await readdir(target);
  if (file === undefined || others.length > 0) throw new AssayError("UNPROCESSABLE", "npm pack did not make one archive");
  const { output } = await runIsolated({ ...common, args: ["version", "--json", ...settings] });
  return { path: join(target, file), builder: builderText(output), isCutOff };
}

function builderText(output: string): string {
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
