import type { ArtifactRef } from "../../core/artifact.ts";
import type { Repository } from "../../core/ports/ecosystem.ts";
import type { Index } from "../../core/ports/index-store.ts";

const PAGE_ROWS = 500;

/** The names of which each repository has admitted something once, with those repositories in their order. Reads a page of the index at a time. */
export async function holdersByName(
  repositories: readonly Repository[],
  index: Pick<Index, "admittedRefs">,
): Promise<ReadonlyMap<string, readonly Repository[]>> {
  const holders = new Map<string, Repository[]>();
  for (const repository of repositories) {
    for await (const name of namesIn(repository, index)) {
      const known = holders.get(name);
      if (known) known.push(repository);
      else holders.set(name, [repository]);
    }
  }
  return holders;
}

/** Each name once: rows come in the order of repository and name. */
async function* namesIn({ name: repository, ecosystem }: Repository, index: Pick<Index, "admittedRefs">): AsyncGenerator<string> {
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
