import type { Ecosystem, Repository } from "../../core/ports/ecosystem.ts";
import type { PackageName } from "../../ecosystems/aam/names.ts";

export interface Ownership {
  /** Those that the directory is of, none virtual, in their order. */
  readonly repositories: readonly Repository[];
  readonly ecosystem: Pick<Ecosystem, "memberFor">;
}

/**
 * The repository whose package a name is: among several there is one, as in a virtual repository, so that nobody else's comes in under it. Undefined where there is none.
 * Throws what asking the repositories before it throws: while one fails, no later one steps in.
 */
export async function ownerOf(name: PackageName, { repositories, ecosystem }: Ownership): Promise<Repository | undefined> {
  const [first, another] = repositories;
  if (!another) return first;
  const all: Repository = { name: "", ecosystem: "aam", upstreams: [], members: repositories };
  return ecosystem.memberFor?.(all, ["packages", ...name.split("/")]);
}
