import { type PublishFlags, publish } from "../../src/cli/publish.ts";
import type { PackageRepository } from "./package-repository.ts";
import type { Loose } from "./sigstore-instance.ts";
import { githubToken, type SigstoreServices } from "./sigstore-services.ts";

export interface SignedRelease {
  readonly repository: PackageRepository;
  /** The package's folder; the repository's root where it is left out. */
  readonly folder?: string;
  /** Address of the registry's repository. */
  readonly to: string;
  /** Secret of a token that may publish there. */
  readonly token: string;
  readonly sigstore: Pick<SigstoreServices, "url">;
  /** File of the instance's trusted root. */
  readonly trustedRoot: string;
  readonly flags: PublishFlags;
  readonly env?: Readonly<Record<string, string>>;
}

/** Publishes a repository's package as its release workflow on GitHub does, in the tag `v1.0.0` of `acme/tool`. Answers what `assay publish --json` prints. */
export async function signedRelease({ repository, sigstore, ...release }: SignedRelease): Promise<Loose> {
  const env = {
    PATH: process.env["PATH"],
    HOME: repository.folder,
    GITHUB_ACTIONS: "true",
    GITHUB_SERVER_URL: "https://github.com",
    GITHUB_REPOSITORY: "acme/tool",
    GITHUB_REF: "refs/tags/v1.0.0",
    GITHUB_SHA: repository.commit,
    GITHUB_WORKFLOW_REF: "acme/tool/.github/workflows/release.yml@refs/tags/v1.0.0",
    RUNNER_ENVIRONMENT: "github-hosted",
    SIGSTORE_ID_TOKEN: githubToken({ sha: repository.commit }),
    TOKEN: release.token,
    ...release.env,
  };
  const flags: PublishFlags = {
    ...release.flags,
    to: release.to,
    tokenEnv: "TOKEN",
    fulcioUrl: sigstore.url,
    rekorUrl: sigstore.url,
    trustedRoot: release.trustedRoot,
    json: true,
  };
  const printed: string[] = [];
  const print = (text: string): void => void printed.push(text);
  await publish({ env, now: Date.now(), print, warn: () => {}, isTerminal: false }, release.folder ?? repository.folder, flags);
  return JSON.parse(printed.join(""));
}
