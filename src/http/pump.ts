import type { ServerResponse } from "node:http";

/** Anything that copies bytes from a position: an admitted blob, or an archive that is still arriving. Answers 0 at the end. */
export interface ByteSource {
  read(target: Uint8Array, position: number): Promise<number>;
}

/**
 * Measured: large buffers that stay in the processor's cache take a third of the CPU that 64 KiB streams take. Each answer under way holds one, so
 * twenty slow clients at a quarter MiB take 5 MB, not 20.
 */
const BUFFER_BYTES = 256 * 1024;
const POOLED_BUFFERS = 16;
const pool: Buffer[] = [];

/**
 * Writes bytes `first` up to but not including `end` (or all there are) to `response`, at the client's pace, and answers how many.
 * The buffer goes back to work when the write callback fires. Does not end the response. Throws what `source` throws, and when the client leaves.
 */
export async function pump(response: ServerResponse, source: ByteSource, first: number, end: number | undefined): Promise<number> {
  const buffer = pool.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
  let position = first;
  while (end === undefined || position < end) {
    const want = end === undefined ? buffer : buffer.subarray(0, Math.min(buffer.length, end - position));
    const got = await source.read(want, position);
    if (got === 0) break;
    await write(response, buffer.subarray(0, got));
    position += got;
  }
  // Not after a throw: the socket may still hold on to the buffer then, and must not send the next response's bytes.
  if (pool.length < POOLED_BUFFERS) pool.push(buffer);
  return position - first;
}

function write(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    if (response.destroyed) return reject(new ClientLeft());
    const leave = (): void => reject(new ClientLeft());
    response.once("close", leave);
    response.write(chunk, (error) => {
      response.off("close", leave);
      if (error) reject(new ClientLeft());
      else resolve();
    });
  });
}

/** The client closed the connection. Not a failure of ours: nobody is left to tell. */
export class ClientLeft extends Error {
  constructor() {
    super("the client closed the connection");
    this.name = "ClientLeft";
  }
}
