import { access, constants, realpath } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { AssayError } from "../../../core/errors.ts";

export interface Program {
  /** Where it stands in PATH: often a link. */
  readonly found: string;
  /** The file itself. */
  readonly real: string;
}

/** Looks for a program in the absolute folders of `searchPath`. Throws CONFIG_INVALID where there is none. */
export async function findProgram(name: string, searchPath: string): Promise<Program> {
  for (const folder of searchPath.split(delimiter)) {
    const found = join(folder, name);
    if (isAbsolute(folder) && (await mayRun(found))) return { found, real: await realpath(found) };
  }
  throw new AssayError("CONFIG_INVALID", `${name} could not be found`, { help: `install ${name}, or put it into PATH` });
}

function mayRun(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
