import { dirname, posix } from "node:path";
import { AssayError } from "../../../core/errors.ts";
import { quote } from "../../../core/quote.ts";
import { packSettings } from "../npm-pack.ts";
import { findProgram } from "./find-program.ts";
import { CONFINED, runConfined } from "./run-confined.ts";

export interface ScriptedPack {
  /** The whole repository: scripts of one package may read what stands beside it. */
  readonly tree: string;
  /** The package's folder in it. */
  readonly folder: string;
  /** A folder of our own. */
  readonly scratch: string;
  readonly searchPath: string;
  /** Where the archive is put. */
  readonly into: string;
  readonly maxBytes: number;
  readonly epochSeconds: number;
  readonly timeoutMs?: number;
}

const PACK_MS = 600_000;

/**
 * `npm pack` with the scripts that it runs by itself (`prepack`, `prepare`, `postpack`), confined. No dependency is installed, so that a script that needs one fails. Throws as `runConfined`, and
 * CONFIG_INVALID where there is no npm.
 */
export async function packWithScripts({
  tree,
  folder,
  searchPath,
  epochSeconds,
  timeoutMs = PACK_MS,
  ...rest
}: ScriptedPack): Promise<void> {
  const [npm, node] = [await findProgram("npm", searchPath), await findProgram("node", searchPath)];
  if (!npm.real.endsWith("/npm/bin/npm-cli.js")) {
    throw new AssayError("CONFIG_INVALID", `${quote(npm.found)} leads to ${quote(npm.real)}, which is not npm's own program`, {
      help: "put an npm into PATH that is not started by another program",
    });
  }
  await runConfined({
    ...rest,
    command: [
      node.real,
      npm.real,
      "pack",
      "--ignore-scripts=false",
      ...packSettings(CONFINED.home, CONFINED.out),
      "--",
      posix.join(CONFINED.source, folder),
    ],
    source: tree,
    readable: [dirname(dirname(npm.real)), node.real, node.found, npm.found],
    env: { PATH: [dirname(node.found), dirname(npm.found), "/usr/bin", "/bin"].join(":"), SOURCE_DATE_EPOCH: String(epochSeconds) },
    searchPath,
    timeoutMs,
  });
}
