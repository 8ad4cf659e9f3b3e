import type { Asker } from "../../core/decision.ts";
import { AssayError } from "../../core/errors.ts";
import type { Repository } from "../../core/ports/ecosystem.ts";
import type { Log } from "../../core/ports/log.ts";
import { RegistryDirectory, type RegistryDirectoryDeps } from "../../mirror/directory/registry-directory.ts";
import { repositoriesOf } from "../../mirror/repositories-of.ts";
import { KeptFolder, type ReadDigests } from "../../store/kept-folder/kept-folder.ts";

export interface DirectoryOptions {
  /** Absolute. */
  readonly path: string;
  /** Name of the aam repository that it is of; all of them where undefined. */
  readonly repository: string | undefined;
  /** As the decision log has it. */
  readonly asker: Asker;
}

/** A directory over what this Assay admits. Throws BAD_REQUEST for a repository that there is not, CONFIG_INVALID where there is none. */
export function composeDirectory(
  { path, repository, asker }: DirectoryOptions,
  deps: Omit<RegistryDirectoryDeps, "open" | "repositories"> & { readonly repositories: readonly Repository[] },
): RegistryDirectory {
  const named = repositoriesOf(deps.repositories, "aam", repository);
  // A virtual repository holds nothing itself. Where it is not named, its members are among the others.
  const repositories = repository === undefined ? named.filter(({ members }) => !members) : named.flatMap((one) => one.members ?? one);
  if (repositories.length === 0) {
    throw new AssayError("CONFIG_INVALID", "there is no aam repository that a directory could be of", {
      help: "name one under repositories of the configuration",
    });
  }
  const read: ReadDigests = new Map();
  return new RegistryDirectory({ ...deps, repositories, open: () => KeptFolder.open(path, read) }, { key: path, asker });
}

/**
 * Throws CONFIG_INVALID for a folder with files of somebody else's: that is for the operator to see at the start. One that cannot be used just now, as a share that is not
 * mounted yet, is tried again by every round.
 */
export async function requireKeepable(path: string, log: Log): Promise<void> {
  try {
    await (await KeptFolder.open(path)).close();
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    if (error.code === "CONFLICT") throw new AssayError("CONFIG_INVALID", `aam.directory: ${error.message}`, { help: error.help ?? "" });
    log.warn({ err: error }, "the folder of aam.directory cannot be used now");
  }
}
