import type { Repository } from "./ports/ecosystem.ts";
import type { Upstream } from "./ports/upstream-client.ts";

/**
 * What an upstream is called in the log, the index and in evidence: by the name that the operator gave it, else by its address. Never by its place in the
 * configuration: another order would make one upstream's archives pass for another's.
 */
export function upstreamId(repository: string, { name, url }: Pick<Upstream, "name" | "url">): string {
  return `${repository}#${name ?? url.href}`;
}

/** What `upstream:` of a rule may call it: its own name, and that of its trust material. */
export function ruleNames({ name, trust }: Pick<Upstream, "name" | "trust">): readonly string[] {
  return [name, trust].filter((each) => each !== undefined);
}

/** The upstream that a journal line is of, also where it was given a name since then. Undefined for one that the repository has no more. */
export function upstreamById({ name, upstreams }: Pick<Repository, "name" | "upstreams">, id: string): Upstream | undefined {
  return upstreams.find((upstream) => upstream.id === id) ?? upstreams.find(({ url }) => upstreamId(name, { url }) === id);
}
