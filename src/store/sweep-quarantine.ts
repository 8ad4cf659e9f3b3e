import { lstat, readdir, rmdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../core/ports/clock.ts";
import { isGone, parseProcessName } from "./process-name.ts";
import { HEARTBEAT_FILE, isInUse } from "./quarantine-folder.ts";
import { systemCode } from "./store-error.ts";

/** Six missed heartbeats: longer than any pause of a process that still answers its clients. */
const STALE_MS = 60_000;

/**
 * Removes the quarantine folders of processes that are gone: those whose heartbeat stopped, and at once those whose process
 * does not exist on this machine. Leaves anything else in `tmp/` alone. Throws system errors.
 */
export async function sweepQuarantine(tmpFolder: string, clock: Clock): Promise<{ removedFiles: number; removedBytes: number }> {
  const removed = { removedFiles: 0, removedBytes: 0 };
  for (const name of await readdir(tmpFolder)) {
    const folder = join(tmpFolder, name);
    if (!(await unlessGone(isAbandoned(folder, name, clock)))) continue;
    for (const file of (await unlessGone(readdir(folder))) ?? []) {
      const bytes = await unlessGone(removeFile(join(folder, file)));
      if (bytes === undefined || file === HEARTBEAT_FILE) continue;
      removed.removedFiles++;
      removed.removedBytes += bytes;
    }
    await unlessGone(rmdir(folder));
  }
  return removed;
}

async function isAbandoned(folder: string, name: string, clock: Clock): Promise<boolean> {
  const owner = parseProcessName(name);
  if (!owner || isInUse(name)) return false;
  if (isGone(owner)) return true;
  // A folder without a heartbeat is being made this moment, or its process ended while making it: its own age decides.
  const lastAlive = (await unlessGone(stat(join(folder, HEARTBEAT_FILE)))) ?? (await stat(folder));
  return clock.now() - lastAlive.mtimeMs > STALE_MS;
}

async function removeFile(path: string): Promise<number> {
  const { size } = await lstat(path);
  await unlink(path);
  return size;
}

/** Another process may sweep at the same time, so what is gone is no failure. ENOTEMPTY: the folder's process lives after all. */
async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (["ENOENT", "ENOTEMPTY"].includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
}
