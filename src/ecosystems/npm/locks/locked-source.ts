import type { UncoveredEntry } from "../../../core/lock-file.ts";

type Source = Pick<UncoveredEntry, "source" | "reason">;

const GIT: Source = { source: "git", reason: "it comes from a git repository" };

/** What a `resolved`, or a version in place of one, says of a package that no registry publishes. Undefined for one that looks like a registry's. An address may hold a password, so none is shown. */
export function whereElse(place: string): Source | undefined {
  if (/^(?:git(?:\+[a-z]+)?:|git@|github:|gitlab:|bitbucket:|gist:)/i.test(place)) return GIT;
  if (/^(?:file|link|workspace|portal):/i.test(place) || /^\.{0,2}[/\\]/.test(place))
    return { source: "path", reason: "it comes from a path on disk, not from a registry" };
  return undefined;
}

/** A package that was asked for by its address. */
export const BY_ADDRESS: Source = { source: "url", reason: "it comes from an address of its own, not from a registry" };
