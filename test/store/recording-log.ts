import type { Log } from "../../src/core/ports/log.ts";

/** A log that remembers its lines as `level: message`. */
export function recordingLog(): { readonly log: Log; readonly lines: readonly string[] } {
  const lines: string[] = [];
  const log: Log = {
    debug: (_fields, message) => lines.push(`debug: ${message}`),
    info: (_fields, message) => lines.push(`info: ${message}`),
    warn: (_fields, message) => lines.push(`warn: ${message}`),
    error: (_fields, message) => lines.push(`error: ${message}`),
    child: () => log,
  };
  return { log, lines };
}
