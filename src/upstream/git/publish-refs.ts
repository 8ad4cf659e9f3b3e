import type { GitRefs } from "../../core/ports/git.ts";
import type { GitFolder } from "./git-folder.ts";

/** From so many changed refs on they are put into one file. */
const MANY_REFS = 100;

/** Makes exactly `wanted` the refs of a folder that holds their objects. Not atomic over all refs: each one is at any time what it was or what it becomes. Throws STORE_IO. */
export async function publishRefs(folder: GitFolder, wanted: GitRefs): Promise<void> {
  const now = await folder.refs();
  const superfluous = [...now.keys()].filter((ref) => !wanted.refs.has(ref));
  const changed = [...wanted.refs].filter(([ref, object]) => now.get(ref) !== object);
  // Before the others, in a transaction of their own: `a` must be gone before there can be `a/b`. An empty old value asks for no check.
  await update(
    folder,
    superfluous.map((ref) => `delete ${ref}\0\0`),
  );
  await update(
    folder,
    changed.map(([ref, object]) => `update ${ref}\0${object}\0\0`),
  );
  if (changed.length >= MANY_REFS) await folder.mustRun({ args: ["pack-refs", "--all"] });
  if (wanted.head) await folder.mustRun({ args: ["symbolic-ref", "HEAD", wanted.head] });
}

async function update(folder: GitFolder, commands: readonly string[]): Promise<void> {
  if (commands.length > 0) await folder.mustRun({ args: ["update-ref", "--no-deref", "--stdin", "-z"], input: commands.join("") });
}
