import type { Log } from "../core/ports/log.ts";

/** A terminal and npm each pass Ctrl+C on: signals this close together are one. */
const SAME_SIGNAL_MS = 1_000;

/**
 * Runs `close` on the first SIGTERM or SIGINT, and answers once it is done; a second signal ends the process at once.
 * A container runtime sends the first and, after its own patience, SIGKILL: what is not finished by then was never committed.
 */
export function closeOnSignal(close: () => Promise<void>, log: Log): Promise<void> {
  return new Promise((resolve, reject) => {
    let closingSince: number | undefined;
    const stop = (signal: NodeJS.Signals): void => {
      const now = performance.now();
      if (closingSince !== undefined && now - closingSince > SAME_SIGNAL_MS) process.exit(signal === "SIGINT" ? 130 : 143);
      if (closingSince !== undefined) return;
      closingSince = now;
      log.info({ signal }, "closing: requests under way may finish");
      close().then(resolve, reject);
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
  });
}
