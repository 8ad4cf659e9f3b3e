import { AssayError } from "../core/errors.ts";

/** A command that was called wrongly, and how it is called. */
export function usage(message: string, help?: string): AssayError {
  return new AssayError("USAGE", message, help === undefined ? {} : { help });
}
