import type { EcosystemId } from "../core/artifact.ts";
import { AssayError } from "../core/errors.ts";
import type { Repository } from "../core/ports/ecosystem.ts";
import { quote } from "../core/quote.ts";

/** The repositories that have packages of an ecosystem, in the order of the configuration, or the one of them that is named. Throws BAD_REQUEST for a name that none of them has. */
export function repositoriesOf(all: readonly Repository[], ecosystem: EcosystemId, name: string | undefined): readonly Repository[] {
  const fitting = all.filter((repository) => repository.ecosystem === ecosystem);
  if (name === undefined) return fitting;
  const named = fitting.filter((repository) => repository.name === name);
  if (named.length > 0) return named;
  throw new AssayError("BAD_REQUEST", `no repository for ${ecosystem} packages is called ${quote(name)}`, {
    help: `there are: ${fitting.map((repository) => repository.name).join(", ") || "none"}`,
  });
}

/** Where nothing is known of a package yet and nobody said where to ask: the first repository, since no other upstream is to hear its name. Throws NOT_FOUND where there is none. */
export function firstOf(repositories: readonly Repository[], ecosystem: EcosystemId): Repository {
  const [first] = repositories;
  if (first) return first;
  throw new AssayError("NOT_FOUND", `no repository of this mirror has packages of the type ${ecosystem}`);
}
