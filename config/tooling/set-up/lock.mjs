import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SetUpError, say } from "./say.mjs";

const POLL_MS = 200;
const WAIT_MS = 10 * 60_000;

/** Runs `work` while no other process of this clone is setting up: two at once would pull node_modules from under each other. */
export async function withLock(root, work) {
  const folder = join(root, ".node");
  const lock = join(folder, "set-up.lock");
  mkdirSync(folder, { recursive: true });
  await take(lock);
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

async function take(lock) {
  const deadline = Date.now() + WAIT_MS;
  for (let waited = false; !tryTake(lock); waited = true) {
    const owner = ownerOf(lock);
    if (owner !== undefined && !isAlive(owner)) {
      breakLock(lock, owner);
      continue;
    }
    if (Date.now() > deadline) {
      throw new SetUpError(
        `another set-up (process ${owner ?? "unknown"}) has not finished in 10 minutes`,
        `end it, or remove ${lock}, and run the same command again`,
      );
    }
    if (!waited) say("waiting for another process that is setting up this clone");
    await sleep(POLL_MS);
  }
}

function tryTake(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/** Undefined while its owner is between making the file and writing into it, or has just removed it. */
function ownerOf(lock) {
  try {
    const pid = Number.parseInt(readFileSync(lock, "utf8"), 10);
    return Number.isNaN(pid) ? undefined : pid;
  } catch {
    return undefined;
  }
}

/** A killed set-up leaves its lock. It is moved aside before it is removed, so that a lock somebody took meanwhile can be put back. */
function breakLock(lock, owner) {
  const aside = `${lock}.${process.pid}`;
  try {
    if (ownerOf(lock) !== owner) return;
    renameSync(lock, aside);
    if (ownerOf(aside) !== owner) linkSync(aside, lock);
    rmSync(aside, { force: true });
  } catch (error) {
    if (error.code !== "ENOENT" && error.code !== "EEXIST") throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
