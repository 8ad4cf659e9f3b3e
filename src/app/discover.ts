import { readFileSync } from "node:fs";
import type { EcosystemId } from "../core/artifact.ts";
import { isLoopbackHost } from "../core/loopback.ts";
import type { Log } from "../core/ports/log.ts";
import { Secret } from "../core/secret.ts";
import type { ClientIndex } from "./client-index.ts";
import { type Config, defaultUpstream, type RepositoryConfig, type UpstreamConfig } from "./config.ts";
import { npmIndexes } from "./npm-indexes.ts";
import { isOwnAddress } from "./own-address.ts";
import { decodePercent, isExempt, parseProxy } from "./proxy.ts";
import { pypiIndexes } from "./pypi-indexes.ts";
import { type RunCommand, runCommand } from "./run-command.ts";

/** A repository whose upstreams are known: as configured, or as discovered. */
export interface MirroredRepository extends RepositoryConfig {
  readonly upstreams: readonly UpstreamConfig[];
}

export interface DiscoveryDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Addresses by repository name, from the last start, for a machine that has no such client. */
  readonly remembered?: Readonly<Record<string, string>>;
  /** Runs npm, python3 and pip; a real process unless a test chooses otherwise. */
  readonly run?: RunCommand;
}

/**
 * The configured repositories with their upstreams. One that was given none takes over the index which the clients on this machine are
 * configured with, so that a company's settings are honoured and no registry's address stands in our code; offline, that of last time. Never throws: a repository
 * for which none is found is answered with an empty list, and the log says how to set one.
 */
export async function discoverUpstreams(
  config: Pick<Config, "repositories" | "listen" | "publicUrl" | "offline">,
  deps: DiscoveryDeps,
): Promise<readonly MirroredRepository[]> {
  // Each client is asked once, however many repositories want to know.
  const answers = new Map<EcosystemId, Promise<Discovered>>();
  const discover = (ecosystem: EcosystemId): Promise<Discovered> => {
    // Offline only what the data folder was filled from is of use; and the clients that would be asked may themselves connect to somewhere, as npm does for news of itself.
    const answer = answers.get(ecosystem) ?? (config.offline ? NOTHING_FOUND : findIndex(ecosystem, config, deps));
    answers.set(ecosystem, answer);
    return answer;
  };
  return Promise.all(
    config.repositories.map(async (repository) => {
      const upstreams =
        repository.upstreams === "discover" ? report(repository, await discover(repository.ecosystem), deps) : repository.upstreams;
      if (upstreams.length === 0 && repository.type === "mirror") {
        deps.log.warn(
          { repository: repository.name, help: "set its `upstreams` in config/assay.yaml, or ASSAY_REPOSITORIES" },
          "this repository has no upstream: it serves what it holds and answers UPSTREAM_NOT_CONFIGURED to everything else",
        );
      }
      return { ...repository, upstreams };
    }),
  );
}

type Discovered =
  | { readonly kind: "found"; readonly source: string; readonly upstream: UpstreamConfig }
  | { readonly kind: "unusable"; readonly source: string; readonly reason: string }
  | { readonly kind: "none" };

const NOTHING_FOUND = Promise.resolve<Discovered>({ kind: "none" });

function report(repository: RepositoryConfig, discovered: Discovered, { log, remembered }: DiscoveryDeps): readonly UpstreamConfig[] {
  if (discovered.kind === "found") {
    const fields = { repository: repository.name, upstream: discovered.upstream.url.href, source: discovered.source };
    log.info(fields, "this repository mirrors the index that the clients here are configured with");
    return [discovered.upstream];
  }
  if (discovered.kind === "unusable") {
    const fields = { repository: repository.name, source: discovered.source, reason: discovered.reason };
    log.warn(fields, "the index that the clients here are configured with cannot be mirrored as it is");
    return [];
  }
  const address = remembered?.[repository.name];
  if (address === undefined) return [];
  log.info(
    { repository: repository.name, upstream: address },
    "no client here names an index, or none is asked: the one of last time is taken",
  );
  return [defaultUpstream(new URL(address))];
}

/**
 * The strongest index that is not this Assay itself. Where that one cannot be used, no weaker one stands in for it: names of a company's
 * index would then be asked of a public one, where anybody may have registered them.
 */
async function findIndex(ecosystem: EcosystemId, config: Pick<Config, "listen" | "publicUrl">, deps: DiscoveryDeps): Promise<Discovered> {
  for await (const index of clientIndexes(ecosystem, { env: deps.env, run: deps.run ?? runCommand })) {
    const url = parseAddress(index.address);
    if (url && isOwnAddress(url, config)) {
      deps.log.info({ source: index.source }, "this index is Assay itself, so the one behind it is looked for");
      continue;
    }
    return url
      ? toUpstream(url, index)
      : { kind: "unusable", source: index.source, reason: "it is no http or https url that can be read here" };
  }
  return { kind: "none" };
}

function clientIndexes(
  ecosystem: EcosystemId,
  tools: { env: DiscoveryDeps["env"]; run: RunCommand },
): AsyncIterable<ClientIndex> | readonly ClientIndex[] {
  switch (ecosystem) {
    case "npm":
      return npmIndexes(tools);
    case "pypi":
      return pypiIndexes(tools);
    case "aam":
      return []; // AAM clients have no registry by default; theirs are always given.
    default:
      return ecosystem satisfies never;
  }
}

function parseAddress(address: string): URL | undefined {
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  return url.protocol === "https:" || url.protocol === "http:" ? url : undefined;
}

function toUpstream(url: URL, { source, caPath, proxy, noProxy }: ClientIndex): Discovered {
  const bare = new URL(`${url.origin}${url.pathname}`);
  if (!bare.pathname.endsWith("/")) bare.pathname += "/";
  const hasCredentials = url.username !== "" || url.password !== "";
  if (hasCredentials && url.protocol === "http:" && !isLoopbackHost(url.hostname)) {
    return { kind: "unusable", source, reason: "it holds credentials, which are not sent over plain http" };
  }
  let ca: string | undefined;
  try {
    ca = caPath === undefined ? undefined : readFileSync(caPath, "utf8");
  } catch {
    return { kind: "unusable", source, reason: `its certificates cannot be read: ${caPath}` };
  }
  const through = proxy === undefined || isLoopbackHost(bare.hostname) ? undefined : parseProxy(proxy);
  const upstream: UpstreamConfig = {
    ...defaultUpstream(bare),
    ...(hasCredentials
      ? { auth: { kind: "basic", username: decodePercent(url.username), password: new Secret(decodePercent(url.password)) } }
      : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(through ? { proxy: isExempt(bare, noProxy ?? "") ? "none" : through } : {}),
  };
  return { kind: "found", source, upstream };
}
