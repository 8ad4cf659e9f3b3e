/**
 * Structured logging, made by app. `fields` is flat and holds no secret: URLs are logged without credentials and query.
 * Text from outside may stand in `fields` (it is escaped as JSON), never in `message`.
 */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Log;
}

export type LogFields = Readonly<Record<string, unknown>>;
