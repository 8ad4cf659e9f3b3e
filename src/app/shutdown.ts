import type { Log } from "../core/ports/log.ts";

/**
 * Runs `close` on the first SIGTERM or SIGINT, and answers once it is done; a second signal ends the process at once.
 * A container runtime sends the first and, after its own patience, SIGKILL: what is not finished by then was never committed.
 */
export function closeOnSignal(close: () => Promise<void>, log: Log): Promise<void> {
  return new Promise((resolve, reject) => {
    let closing = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (closing) process.exit(signal === "SIGINT" ? 130 : 143);
      closing = true;
      log.info({ signal }, "closing: requests under way may finish");
      close().then(resolve, reject);
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
  });
}
