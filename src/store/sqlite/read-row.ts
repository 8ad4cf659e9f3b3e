import { z } from "zod";
import { ALGORITHMS, type Checksum, parseDigest } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";

/** Checks a row as read from disk: it may have been damaged, or edited by hand. Throws STORE_CORRUPT. `what` names it in the message. */
export function readRow<T>(schema: z.ZodType<T>, row: unknown, what: string): T {
  try {
    return schema.parse(row);
  } catch (error) {
    throw new AssayError("STORE_CORRUPT", `the index holds a malformed record of ${what}`, {
      help: "restore assay.db from a backup, or run the newest Assay that wrote it",
      cause: error,
    });
  }
}

/** What is wrong with a stored thing, by the word of its reader; undefined where it can be read. */
export function faultIn(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return corruption(error);
  }
}

/** What a reader said of damage. Anything else is thrown on. */
export function corruption(error: unknown): string {
  if (error instanceof AssayError && error.code === "STORE_CORRUPT") return error.message;
  throw error;
}

export const timeSchema = z.int().nonnegative();
export const bytesSchema = z.int().nonnegative();

/** A digest column. */
export const digestSchema = z.instanceof(Uint8Array).transform((bytes) => parseDigest(Buffer.from(bytes).toString("hex")));

export const checksumSchema = z.looseObject({
  algorithm: z.enum(ALGORITHMS),
  hex: z.string().regex(/^[0-9a-f]{32,128}$/),
  claimedBy: z.string(),
}) satisfies z.ZodType<Checksum>;

/** A column that holds JSON of the given shape. JSON.parse throws for what is none, which `readRow` reports like the rest. */
export function jsonColumn<T>(schema: z.ZodType<T>): z.ZodType<T> {
  return z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);
}
