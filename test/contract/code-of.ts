import { AssayError } from "../../src/core/errors.ts";

/** The code that a call fails with; undefined where it does not. */
export async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error instanceof AssayError ? error.code : `not ours: ${String(error)}`;
  }
}
