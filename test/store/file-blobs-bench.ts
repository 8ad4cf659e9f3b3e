import { readdir, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { BlobStore } from "../../src/core/ports/blob-store.ts";
import { FileBlobs } from "../../src/store/file-blobs.ts";
import { HEARTBEAT_FILE } from "../../src/store/quarantine-folder.ts";
import type { BlobStoreBench } from "../contract/blob-store.ts";
import { recordingLog } from "./recording-log.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** FileBlobs over a folder of its own. */
export function fileBlobsBench(dataDir = temporaryFolder()): BlobStoreBench {
  const pathOf = (digest: string) => join(dataDir, "blobs-v1", digest.slice(0, 2), digest);
  return {
    async open(): Promise<BlobStore> {
      const store = await FileBlobs.open({ dataDir, clock: { now: () => Date.now() }, log: recordingLog().log });
      onTestFinished(() => store.close());
      return store;
    },
    quarantined: async () => (await filesUnder(join(dataDir, "tmp"))).filter((file) => file !== HEARTBEAT_FILE).length,
    kept: () => filesUnder(join(dataDir, "blobs-v1")),
    truncate: (digest, sizeBytes) => truncate(pathOf(digest), sizeBytes),
    lose: (digest) => rm(pathOf(digest)),
  };
}

/** Names of the files in a folder and below it. */
export async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
}
