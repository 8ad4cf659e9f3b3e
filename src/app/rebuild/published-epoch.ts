import { open } from "node:fs/promises";

const GZIP_HEADER_BYTES = 8;
const GZIP_MAGIC = 0x8b1f;
const TIME_AT = 4;

/** The time in a published archive's gzip header, in seconds since the epoch; 0 where it has none or its bytes are not held. No more than a hint: the bytes decide. RFC 1952, 2.3. */
export async function publishedEpoch(published: string | undefined): Promise<number> {
  if (published === undefined) return 0;
  await using file = await open(published, "r");
  const { buffer, bytesRead } = await file.read(Buffer.alloc(GZIP_HEADER_BYTES), 0, GZIP_HEADER_BYTES, 0);
  return bytesRead < GZIP_HEADER_BYTES || buffer.readUInt16LE(0) !== GZIP_MAGIC ? 0 : buffer.readUInt32LE(TIME_AT);
}
