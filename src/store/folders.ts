import { mkdir, open } from "node:fs/promises";

/** Only the account that Assay runs as may read or write the store. */
const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;

/** Makes a folder, and those above it, where they are missing. Answers whether any was. */
export async function makeFolder(path: string): Promise<boolean> {
  return (await mkdir(path, { recursive: true, mode: FOLDER_MODE })) !== undefined;
}

/** Makes the names in a folder durable: syncing a file does not sync the folder entry that leads to it. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
