import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import { FILE_MODE, makeFolder } from "./folders.ts";
import { newProcessName } from "./process-name.ts";
import { systemCode } from "./store-error.ts";

/** Its modification time, by our clock, says when the folder's process was last alive. */
export const HEARTBEAT_FILE = "heartbeat";
const HEARTBEAT_MS = 10_000;

/** Folders in use by this very process. Its number alone does not tell them: in a container each new process may be number 1. */
const inUse = new Set<string>();

export function isInUse(name: string): boolean {
  return inUse.has(name);
}

/**
 * This process's own part of `tmp/`, made when it is first needed and again if somebody removed it. While it exists, a heartbeat
 * tells other processes to leave it alone.
 */
export class QuarantineFolder {
  readonly #name = newProcessName();
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(tmpFolder: string, clock: Clock, log: Log) {
    this.#path = join(tmpFolder, this.#name);
    this.#clock = clock;
    this.#log = log;
    inUse.add(this.#name);
  }

  newFilePath(): string {
    return join(this.#path, randomUUID());
  }

  /** Makes an empty file for reading and writing; answers its descriptor. Throws system errors. */
  async createFile(path: string): Promise<number> {
    try {
      return await createFile(path);
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw error;
    }
    await makeFolder(this.#path);
    await writeFile(join(this.#path, HEARTBEAT_FILE), "", { mode: FILE_MODE });
    await this.#beat();
    this.#heartbeat ??= setInterval(() => void this.#beat(), HEARTBEAT_MS).unref();
    return await createFile(path);
  }

  /** Ends the heartbeat and removes what is left. */
  async remove(): Promise<void> {
    clearInterval(this.#heartbeat);
    await rm(this.#path, { recursive: true, force: true });
    inUse.delete(this.#name);
  }

  async #beat(): Promise<void> {
    const seconds = this.#clock.now() / 1000;
    try {
      await utimes(join(this.#path, HEARTBEAT_FILE), seconds, seconds);
    } catch (error) {
      this.#log.warn({ reason: systemCode(error) }, "could not renew the heartbeat of the quarantine folder");
    }
  }
}

function createFile(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, "wx+", FILE_MODE, (error, descriptor) => (error ? reject(error) : resolve(descriptor)));
  });
}
