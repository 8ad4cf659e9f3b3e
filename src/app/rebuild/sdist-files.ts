import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { ListingEntry } from "../../core/listing-digest.ts";
import type { SourceTree } from "../../core/ports/source-trees.ts";

const OWNER_MAY_RUN = 0o100;

/** An sdist's entries without their one top folder, which no source has. Empty where there is no such folder: then nothing would be under a path of the source. */
export function withoutTopFolder(entries: readonly ListingEntry[]): readonly ListingEntry[] {
  const [top] = entries[0]?.path.split("/") ?? [];
  const prefix = `${top}/`;
  if (!entries.every(({ path }) => path.startsWith(prefix))) return entries;
  return entries.map((entry) => ({ ...entry, path: entry.path.slice(prefix.length) }));
}

/** What the source has at the paths of `entries`. Paths that are no files of the commit are left out. */
export async function sourceEntries(tree: SourceTree, entries: readonly ListingEntry[]): Promise<readonly ListingEntry[]> {
  const found: ListingEntry[] = [];
  for (const { path } of entries) {
    // The commit lists it as a file, so that every folder above it is one of the commit's and no link.
    if (tree.files.has(path)) found.push(await entryAt(join(tree.folder, path), path));
  }
  return found;
}

async function entryAt(absolute: string, path: string): Promise<ListingEntry> {
  const found = await lstat(absolute);
  if (found.isSymbolicLink()) return { kind: "link", path, target: await readlink(absolute) };
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(absolute)) hash.update(chunk as Buffer);
  return { kind: "file", path, executable: (found.mode & OWNER_MAY_RUN) !== 0, sizeBytes: found.size, sha256: hash.digest("hex") };
}
