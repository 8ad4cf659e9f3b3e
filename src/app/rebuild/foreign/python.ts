import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, parseJson } from "../../../core/json.ts";
import { runConnected } from "../isolated-command.ts";
import { findProgram } from "./find-program.ts";

export interface Python {
  /** As it is found in PATH: with the packages that are installed there. */
  readonly program: string;
  /** The interpreter itself, and the folder of its standard library. */
  readonly executable: string;
  readonly prefix: string;
  /** `Python 3.11.7, zlib 1.3.1` */
  readonly versions: string;
}

const ASK = `
import json, os, platform, sys, zlib
executable = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
print(json.dumps([executable, sys.base_prefix, f"Python {platform.python_version()}, zlib {zlib.ZLIB_RUNTIME_VERSION}"]))
`;
const ASK_MS = 60_000;
const JSON_DEPTH = 2;

/** The `python3` in `searchPath`. Throws CONFIG_INVALID where there is none that answers. */
export async function findPython(searchPath: string, home: string): Promise<Python> {
  const { found } = await findProgram("python3", searchPath);
  const env = { PATH: searchPath, HOME: home, LC_ALL: "C.UTF-8" };
  const output = await runConnected({ command: found, args: ["-I", "-S", "-c", ASK], cwd: home, env, timeoutMs: ASK_MS });
  const said = parseJson(Buffer.from(output), { maxDepth: JSON_DEPTH, source: "what python3 says of itself" });
  const [executable, prefix, versions] = Array.isArray(said) && !isJsonObject(said) ? said : [];
  // A prefix of / would show the whole machine.
  if (typeof executable === "string" && typeof prefix === "string" && /^\/[^/]/.test(prefix) && typeof versions === "string")
    return { program: found, executable, prefix, versions };
  throw new AssayError("CONFIG_INVALID", "python3 does not say where it is installed", {
    help: "put a python3 of its own folder into PATH",
  });
}
