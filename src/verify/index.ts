import type { Limits } from "../core/limits.ts";
import type { Log } from "../core/ports/log.ts";
import type { Verifier } from "../core/ports/verifier.ts";
import { ArchiveVerifier } from "./archive.ts";
import { ChecksumVerifier } from "./checksum.ts";

/** Every verifier, one file each. All of them judge every archive. Close each when done: the archive verifier holds worker threads. */
export function createVerifiers(options: { limits: Limits; log: Log }): readonly Verifier[] {
  return [new ChecksumVerifier(), new ArchiveVerifier(options)];
}
