import { createPublicKey, type KeyObject } from "node:crypto";
import { open } from "node:fs/promises";
import { AssayError } from "../core/errors.ts";

/** Bytes of a key file. A key in PEM has some 200, a registry's document of keys a few thousand. */
const MAX_KEY_FILE_BYTES = 64 * 1024;

/** A key file of the operator, whole. Throws CONFIG_INVALID for one that cannot be read or is larger than such files are. */
export async function readKeyFile(path: string): Promise<Buffer> {
  try {
    const file = await open(path);
    try {
      // One byte past the bound is read at most, whatever the file turns into in the meantime.
      const buffer = Buffer.alloc(MAX_KEY_FILE_BYTES + 1);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
      if (bytesRead > MAX_KEY_FILE_BYTES) throw new Error(`it has more than ${MAX_KEY_FILE_BYTES} bytes`);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new AssayError("CONFIG_INVALID", `the key file ${path} cannot be read: ${error instanceof Error ? error.message : ""}`, {
      cause: error,
    });
  }
}

/** Only a public key: from a private one Node would make its public half, and nobody should hand one about. Throws CONFIG_INVALID for anything else. */
export function parsePublicKey(pem: string, path: string): KeyObject {
  try {
    const blocks = pem.match(/-----BEGIN [A-Z ]{1,40}-----/g) ?? [];
    if (blocks.length !== 1 || blocks[0] !== "-----BEGIN PUBLIC KEY-----") throw new Error("it holds something else than one public key");
    return createPublicKey(pem);
  } catch (error) {
    throw new AssayError("CONFIG_INVALID", `${path} does not hold one public key in PEM, and nothing else`, { cause: error });
  }
}
