import type { Clock } from "../core/ports/clock.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { Log } from "../core/ports/log.ts";
import type { UpstreamClient } from "../core/ports/upstream-client.ts";
import type { Counters } from "../mirror/counters.ts";
import { GIT_NAME, GitSources } from "../mirror/git/git-sources.ts";
import { SqliteGitRecords } from "../store/git/sqlite-git-records.ts";
import { GitFiles, type GitHostOptions } from "../upstream/git/git-files.ts";
import type { Config } from "./config.ts";
import { upstreamOptions } from "./upstream-options.ts";

/** How each configured git host is reached. */
export function gitHosts({ git }: Pick<Config, "git">, env: NodeJS.ProcessEnv): readonly GitHostOptions[] {
  return git.hosts.flatMap(({ host, upstream }) =>
    upstreamOptions(GIT_NAME, [{ ...upstream, name: host }], env).map((reach) => ({ host, reach })),
  );
}

export interface GitParts {
  readonly hosts: readonly GitHostOptions[];
  /** One that knows `hosts`. */
  readonly upstream: Pick<UpstreamClient, "fetch">;
  readonly index: Pick<Index, "lease" | "release">;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
}

export interface ComposedGit {
  readonly sources: GitSources;
  close(): Promise<void>;
}

/** Undefined where no host is configured: nothing is mirrored that was not asked for. The data folder must exist. Throws what `openDatabase` throws. */
export async function composeGit(config: Config, parts: GitParts): Promise<ComposedGit | undefined> {
  const { hosts, upstream, index, counters, clock, log, env } = parts;
  if (hosts.length === 0) return undefined;
  const { dataDir, limits } = config;
  const records = await SqliteGitRecords.open({ dataDir });
  const repositories = new GitFiles({ dataDir, hosts, upstream, limits, searchPath: env["PATH"] });
  return {
    sources: new GitSources({ repositories, records, index, counters, clock, log }, config.git),
    close: async () => {
      await repositories.close();
      await records.close();
    },
  };
}
