import { destination, type Logger, pino, stdSerializers } from "pino";
import type { Log, LogFields } from "../core/ports/log.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** JSON lines on standard error; standard output is for what a command answers. `time` is ISO 8601 in UTC. */
export function createLog(level: LogLevel): Log {
  return wrap(
    pino(
      {
        level,
        base: null,
        timestamp: () => `,"time":"${new Date().toISOString()}"`,
        formatters: { level: (label) => ({ level: label }) },
        serializers: { err: stdSerializers.errWithCause },
      },
      destination({ dest: 2, sync: false }),
    ),
  );
}

function wrap(logger: Logger): Log {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (fields: LogFields) => wrap(logger.child(fields)),
  };
}
