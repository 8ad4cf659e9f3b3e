import { lstat, readdir, rmdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../core/ports/clock.ts";
import { HEARTBEAT_FILE, HOST, isInUse, parseQuarantineFolderName } from "./quarantine-folder.ts";
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
  const owner = parseQuarantineFolderName(name);
  if (!owner || isInUse(name)) return false;
  // Our own number on a folder that is not ours is that of a process before us.
  if (owner.host === HOST && (owner.processId === process.pid || !isAlive(owner.processId))) return true;
  // A folder without a heartbeat is being made this moment, or its process ended while making it: its own age decides.
  const lastAlive = (await unlessGone(stat(join(folder, HEARTBEAT_FILE)))) ?? (await stat(folder));
  return clock.now() - lastAlive.mtimeMs > STALE_MS;
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0); // Signal 0 asks whether the process exists; it does nothing to it.
    return true;
  } catch (error) {
    return systemCode(error) !== "ESRCH"; // EPERM: it exists, and is another account's.
  }
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
