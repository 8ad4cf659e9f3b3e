import { createHash, randomBytes } from "node:crypto";
import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { systemCode } from "./store-error.ts";

/**
 * Tells process numbers of this machine from those of others. Two containers can share a host name and a data folder, so the
 * process namespace counts too, where the system has one.
 */
export const HOST = createHash("sha256").update(`${hostname()}\0${processNamespace()}`).digest("hex").slice(0, 16);

/** What a name says about the process that made it. */
export interface ProcessName {
  readonly host: string;
  readonly processId: number;
}

/** A name that no other process, and no earlier one with our number, has: `<host>-<process number>-<32 random digits>`. */
export function newProcessName(): string {
  return `${HOST}-${process.pid}-${randomBytes(16).toString("hex")}`;
}

/** Undefined for text that is no such name. */
export function parseProcessName(name: string): ProcessName | undefined {
  const match = /^([0-9a-f]{16})-([1-9][0-9]{0,9})-[0-9a-f]{32}$/.exec(name);
  if (!match) return undefined;
  const [, host = "", processId = ""] = match;
  return { host, processId: Number(processId) };
}

/**
 * Whether the process is certainly gone; of another machine's that cannot be known. Ask only about names that this process did not make:
 * our own number on another name is that of a process before us, since in a container each new process may be number 1.
 */
export function isGone({ host, processId }: ProcessName): boolean {
  return host === HOST && (processId === process.pid || !isAlive(processId));
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0); // Signal 0 asks whether the process exists; it does nothing to it.
    return true;
  } catch (error) {
    return systemCode(error) !== "ESRCH"; // EPERM: it exists, and is another account's.
  }
}

function processNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return ""; // Not Linux: the host name has to do.
  }
}
