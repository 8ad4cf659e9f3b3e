import { createReadStream } from "node:fs";
import { AssayError } from "../core/errors.ts";

/** At most one byte more than `maxBytes`, whatever the path is. Throws NOT_FOUND. */
export async function readBounded(path: string, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path, { end: maxBytes })) chunks.push(chunk as Buffer);
  } catch (error) {
    throw unreadable(path, error);
  }
  return Buffer.concat(chunks);
}

export function unreadable(path: string, cause: unknown): AssayError {
  return new AssayError("NOT_FOUND", `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
