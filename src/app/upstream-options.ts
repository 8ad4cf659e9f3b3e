import type { RepositoryPolicy } from "../core/policy.ts";
import type { Repository } from "../core/ports/ecosystem.ts";
import type { Log } from "../core/ports/log.ts";
import { upstreamId } from "../core/upstream-names.ts";
import type { UpstreamAuth, UpstreamOptions } from "../upstream/options.ts";
import type { Config, ProxyConfig, RepositoryConfig, UpstreamConfig, UpstreamCredentials } from "./config.ts";
import { discoverUpstreams } from "./discover.ts";
import { proxyOfEnvironment } from "./proxy.ts";
import { recallUpstreams, rememberUpstreams } from "./remembered-upstreams.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The configured repositories as the other rooms take them. */
export interface ConnectedRepositories {
  readonly repositories: readonly Repository[];
  /** How to reach each upstream of each repository. */
  readonly upstreams: readonly UpstreamOptions[];
  /** By repository name. */
  readonly rules: ReadonlyMap<string, RepositoryPolicy>;
}

/** Finds the upstreams of repositories that were given none, and parts what is configured by who needs it. */
export async function connectRepositories(
  config: Pick<Config, "repositories" | "listen" | "publicUrl" | "dataDir" | "offline">,
  log: Log,
  env: Environment = process.env,
): Promise<ConnectedRepositories> {
  const remembered = await recallUpstreams(config.dataDir, log);
  const mirrored = await discoverUpstreams(config, { env, log, remembered });
  await rememberUpstreams(config, mirrored, remembered, log);
  const connected = mirrored.map((repository) => {
    const { name, evidence } = repository;
    const upstreams = repository.upstreams.map((upstream) => (evidence === undefined ? upstream : { evidence, ...upstream }));
    return { repository, options: upstreamOptions(name, upstreams, env) };
  });
  return {
    repositories: withMembers(
      mirrored,
      connected.map(({ repository, options }) => toRepository(repository, options)),
    ),
    upstreams: connected.flatMap(({ options }) => options),
    rules: new Map(mirrored.map(({ name, policy }) => [name, policy])),
  };
}

/** A hosted repository has one upstream: the registry that this Assay is itself. */
function toRepository(repository: RepositoryConfig, options: readonly UpstreamOptions[]): Repository {
  const { name, ecosystem, type, trust, requireApproval } = repository;
  const scopes = repository.scopes.length > 0 ? { scopes: repository.scopes } : {};
  if (type !== "hosted") return { name, ecosystem, upstreams: options.map(({ upstream }) => upstream), ...scopes };
  const url = new URL(`hosted:///${name}/`);
  return {
    name,
    ecosystem,
    upstreams: [{ id: upstreamId(name, { name, url }), name, url, trust, own: true, dialect: "uaaps" }],
    hosted: { requireApproval },
    ...scopes,
  };
}

/** A virtual repository has the repositories themselves, so that what they hold is held once. */
function withMembers(configured: readonly RepositoryConfig[], repositories: readonly Repository[]): readonly Repository[] {
  return repositories.map((repository) => {
    const { type, members = [] } = configured.find(({ name }) => name === repository.name) ?? {};
    if (type !== "virtual") return repository;
    return { ...repository, members: members.flatMap((member) => repositories.find(({ name }) => name === member) ?? []) };
  });
}

/** The only place where credentials are taken out of their wrapping. */
export function upstreamOptions(repository: string, upstreams: readonly UpstreamConfig[], env: Environment): UpstreamOptions[] {
  return upstreams.map(
    ({ name, url, auth, ca, proxy, timeouts, retries, concurrency, fileOrigins, trust, evidence, verdicts, dialect }) => {
      const through = proxy === "none" ? undefined : (proxy ?? proxyOfEnvironment(url, env));
      const named = name === undefined ? { url } : { name, url };
      return {
        upstream: {
          id: upstreamId(repository, named),
          ...named,
          trust,
          ...(evidence ? { evidence } : {}),
          ...(verdicts ? { verdicts } : {}),
          ...(dialect ? { dialect } : {}),
        },
        ...(auth ? { auth: revealAuth(auth) } : {}),
        ...(ca === undefined ? {} : { ca }),
        ...(through ? { proxy: proxyUrl(through) } : {}),
        timeouts,
        retries,
        concurrency,
        fileOrigins,
      };
    },
  );
}

function revealAuth(auth: UpstreamCredentials): UpstreamAuth {
  if (auth.kind === "bearer") return { kind: "bearer", token: auth.token.reveal() };
  return { kind: "basic", username: auth.username, password: auth.password.reveal() };
}

function proxyUrl({ url, username, password }: ProxyConfig): URL {
  const address = new URL(url);
  if (username !== undefined) address.username = encodeURIComponent(username);
  if (password !== undefined) address.password = encodeURIComponent(password.reveal());
  return address;
}
