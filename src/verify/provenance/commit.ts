/** What predicates call the digest of a Git commit. `sha256` is for repositories with SHA-256 object names. */
export const COMMIT_ALGORITHMS = ["sha1", "gitCommit", "sha256"] as const;

/** What a predicate says the commit is. A `sha256` may also be of an archive of the source, so it counts only against a commit of its length. */
export function commitsFor(commit: string, digest: Readonly<Record<string, string>>): readonly string[] {
  return COMMIT_ALGORITHMS.flatMap((algorithm) => {
    const hex = Object.hasOwn(digest, algorithm) ? digest[algorithm] : undefined;
    return hex !== undefined && (algorithm !== "sha256" || hex.length === commit.length) ? [hex] : [];
  });
}

/** Whether two digest sets name one commit: they share an algorithm, and in none that they share do they differ. */
export function sameCommit(left: Readonly<Record<string, string>>, right: Readonly<Record<string, string>>): boolean {
  const [these, those] = [names(left), names(right)];
  return (
    these.some((hex) => those.includes(hex)) && these.every((hex) => those.every((other) => other.length !== hex.length || other === hex))
  );
}

function names(digest: Readonly<Record<string, string>>): readonly string[] {
  return COMMIT_ALGORITHMS.flatMap((algorithm) => (Object.hasOwn(digest, algorithm) ? [digest[algorithm] ?? ""] : []));
}
