import type { DirectoryPlan } from "../../ecosystems/aam/directory/plan-directory.ts";
import { EVIDENCE_ENDINGS } from "../../ecosystems/aam/signatures/folder-evidence.ts";
import type { KeptFolder, StagedFile } from "../../store/kept-folder/kept-folder.ts";

/**
 * Brings the folder to the plan, in an order in which a reader finds every archive that a text names, and its signatures with it. `staged` has the archives and signatures that the folder
 * lacks, by path. Answers how many files were written and removed. Throws what `KeptFolder` throws; the next round goes on.
 */
export async function writePlan(
  folder: KeptFolder,
  { archives, evidence, packageFiles, indexFiles }: DirectoryPlan,
  staged: ReadonlyMap<string, StagedFile>,
): Promise<{ readonly written: number; readonly removed: number }> {
  const wanted = new Set([...archives.keys(), ...evidence, ...packageFiles.keys(), ...indexFiles.keys()]);
  const obsolete = [...folder.files].filter((path) => !wanted.has(path));
  await folder.announce([...wanted, ...obsolete]);
  let written = 0;
  for (const path of [...evidence, ...archives.keys()]) {
    const file = staged.get(path);
    if (!file) continue;
    await folder.place(file, path);
    written++;
  }
  for (const [path, text] of [...packageFiles, ...indexFiles]) if (await folder.write(path, text)) written++;
  let removed = 0;
  for (const path of textsFirst(obsolete)) if (await folder.remove(path)) removed++;
  await folder.announce(wanted);
  return { written, removed };
}

/** Signatures come before their archive and go after it: a reader must not take a signed one for one that nobody signed. */
function textsFirst(paths: readonly string[]): readonly string[] {
  const turnOf = (path: string): number =>
    path.endsWith(".aam") ? 1 : EVIDENCE_ENDINGS.some((ending) => path.endsWith(`.aam${ending}`)) ? 2 : 0;
  return paths.toSorted((a, b) => turnOf(a) - turnOf(b));
}
