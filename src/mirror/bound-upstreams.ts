import type { EcosystemServices, Repository } from "../core/ports/ecosystem.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { Policy } from "../core/ports/policy.ts";
import type { Upstream } from "../core/ports/upstream-client.ts";
import { ruleNames, upstreamById } from "../core/upstream-names.ts";
import type { Admission } from "../core/verdict.ts";

type Bindings = Pick<Policy, "boundTo">;

/** The upstreams that may hear of a package by the policy of now: all, or those that its name is bound to. See `EcosystemServices`. */
export function upstreamsFor(policy: Bindings, repository: Repository, name: string): readonly Upstream[] {
  return boundUpstreams(policy, repository, name) ?? repository.upstreams;
}

/** The package's admitted archives, without those from another upstream than its name is bound to: nothing is made of them any more. */
export async function admittedOf(
  repository: Repository,
  name: string,
  { index, policy }: { readonly index: Pick<Index, "admitted">; readonly policy: Bindings },
): Promise<readonly Admission[]> {
  const admissions = await index.admitted(repository.name, name);
  const bound = boundUpstreams(policy, repository, name);
  if (!bound) return admissions;
  return admissions.filter(({ upstream }) => {
    const from = upstreamById(repository, upstream);
    return from !== undefined && bound.includes(from);
  });
}

/** The index as ecosystems see it: without what came from, or was said by, another upstream than a name is bound to. */
export function boundIndex(
  index: EcosystemServices["index"],
  policy: Bindings,
  repositories: readonly Repository[],
): EcosystemServices["index"] {
  const byName = new Map(repositories.map((repository) => [repository.name, repository]));
  const repositoryOf = (name: string): Repository => {
    const repository = byName.get(name);
    if (!repository) throw new Error(`asked about a repository that is not configured: ${name}`);
    return repository;
  };
  /** Listed files name their upstream by its address. */
  const counts = (repository: string, name: string, address: string): boolean => {
    const bound = boundUpstreams(policy, repositoryOf(repository), name);
    return !bound || bound.some(({ url }) => url.href === address);
  };
  return {
    file: async (ref) => {
      const file = await index.file(ref);
      return file && counts(ref.repository, ref.name, file.upstream) ? file : undefined;
    },
    files: async (repository, name) => {
      const files = await index.files(repository, name);
      return files.filter(({ upstream }) => counts(repository, name, upstream));
    },
    admitted: (repository, name) => admittedOf(repositoryOf(repository), name, { index, policy }),
  };
}

/** Undefined for a name that is bound to none. Empty where the repository does not have the one that it is bound to. */
function boundUpstreams(policy: Bindings, repository: Repository, name: string): readonly Upstream[] | undefined {
  const bound = policy.boundTo({ repository: repository.name, ecosystem: repository.ecosystem, name });
  return bound === undefined ? undefined : repository.upstreams.filter((upstream) => ruleNames(upstream).includes(bound));
}
