import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isGone, newProcessName, parseProcessName } from "../../store/process-name.ts";

const PREFIX = "rebuild-";

/** Folders of this process: its number alone does not tell whose they are, since in a container each new process may be number 1. */
const inUse = new Set<string>();

/** Lends a new folder in the data folder's `tmp/`, and removes it whatever happens. What a killed process left there is removed first. */
export async function withScratchFolder<T>(dataDir: string, work: (folder: string) => Promise<T>): Promise<T> {
  const parent = join(dataDir, "tmp");
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const left = (await readdir(parent)).filter(isLeft).map((name) => join(parent, name));
  await Promise.all(left.map((folder) => rm(folder, { recursive: true, force: true })));
  const name = `${PREFIX}${newProcessName()}`;
  const folder = join(parent, name);
  inUse.add(name);
  try {
    await mkdir(folder, { mode: 0o700 });
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    inUse.delete(name);
  }
}

function isLeft(name: string): boolean {
  const owner = name.startsWith(PREFIX) ? parseProcessName(name.slice(PREFIX.length)) : undefined;
  return owner !== undefined && !inUse.has(name) && isGone(owner);
}
