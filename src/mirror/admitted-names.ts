import type { ArtifactRef } from "../core/artifact.ts";
import type { Repository } from "../core/ports/ecosystem.ts";
import type { Index } from "../core/ports/index-store.ts";

const PAGE_ROWS = 500;

/** The names of which a repository has admitted something once, each one time, in their order. Reads a page of the index at a time. */
export async function* admittedNames(
  { name: repository, ecosystem }: Pick<Repository, "name" | "ecosystem">,
  index: Pick<Index, "admittedRefs">,
): AsyncGenerator<string> {
  let last = "";
  let after: ArtifactRef | undefined = { repository, ecosystem, name: "", version: "", file: "" };
  while (after) {
    const refs: readonly ArtifactRef[] = await index.admittedRefs(PAGE_ROWS, after);
    for (const ref of refs) {
      if (ref.repository !== repository) return;
      if (ref.name !== last) yield ref.name;
      last = ref.name;
    }
    after = refs.at(-1);
  }
}
