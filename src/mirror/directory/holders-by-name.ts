import type { Repository } from "../../core/ports/ecosystem.ts";
import type { Index } from "../../core/ports/index-store.ts";
import { admittedNames } from "../admitted-names.ts";

/** The names of which each repository has admitted something once, with those repositories in their order. */
export async function holdersByName(
  repositories: readonly Repository[],
  index: Pick<Index, "admittedRefs">,
): Promise<ReadonlyMap<string, readonly Repository[]>> {
  const holders = new Map<string, Repository[]>();
  for (const repository of repositories) {
    for await (const name of admittedNames(repository, index)) {
      const known = holders.get(name);
      if (known) known.push(repository);
      else holders.set(name, [repository]);
    }
  }
  return holders;
}
