import { ISSUER, type LeafOptions, uriName } from "./sigstore-instance.ts";

/** What a certificate for the workflow of another GitHub repository says: `owner/name`. */
export function leafOf(repository: string, repositoryId: string): LeafOptions {
  const url = `https://github.com/${repository}`;
  const workflow = `${url}/.github/workflows/release.yml@refs/tags/v1.0.0`;
  return {
    names: [uriName(workflow)],
    claims: {
      8: ISSUER,
      9: workflow,
      11: "github-hosted",
      12: url,
      13: "a".repeat(40),
      14: "refs/tags/v1.0.0",
      15: repositoryId,
      18: workflow,
      20: "push",
    },
  };
}
