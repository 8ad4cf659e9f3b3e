import { AssayError } from "./errors.ts";
import type { EcosystemServices, Repository } from "./ports/ecosystem.ts";
import type { Upstream } from "./ports/upstream-client.ts";

/**
 * The upstreams that may hear of a package, in their order: whatever is asked about a name is asked of these alone. Empty for a repository without upstreams.
 * Throws UPSTREAM_NOT_ALLOWED where the policy binds the name to one that the repository does not have: no other stands in for it.
 */
export function upstreamsToAsk(
  { upstreamsFor }: Pick<EcosystemServices, "upstreamsFor">,
  repository: Repository,
  name: string,
): readonly Upstream[] {
  const upstreams = upstreamsFor(repository, name);
  if (upstreams.length > 0 || repository.upstreams.length === 0) return upstreams;
  throw new AssayError(
    "UPSTREAM_NOT_ALLOWED",
    `the policy binds ${name} to an upstream that the repository ${repository.name} does not have`,
    {
      help: "no other upstream is asked; the rule's `upstream` names one by its `name` or its `trust`, in the configuration of this repository",
    },
  );
}

/** Ends a sentence like "no upstream of npm has …" where not all of them were asked; empty otherwise. */
export function onlyAsked(services: Pick<EcosystemServices, "upstreamsFor">, repository: Repository, name: string): string {
  const asked = services.upstreamsFor(repository, name);
  if (asked.length === repository.upstreams.length) return "";
  return `; the policy lets only ${asked.map(({ id }) => id).join(", ")} be asked`;
}
