import type { LeftOutArtifact, LockedArtifacts } from "./locked-artifacts.ts";

/** One archive of each package of which a lock's platform leaves all out: some installers look at the index page of everything that a lock names. */
export function leftOutPages({ artifacts, leftOut }: Pick<LockedArtifacts, "artifacts" | "leftOut">): readonly LeftOutArtifact[] {
  const pageOf = ({ ref: { repository, name } }: Pick<LeftOutArtifact, "ref">): string => `${repository}\0${name}`;
  const wanted = new Set(artifacts.map(pageOf));
  const others = leftOut.filter((artifact) => !wanted.has(pageOf(artifact)));
  return [...new Map(others.map((artifact) => [pageOf(artifact), artifact])).values()];
}
