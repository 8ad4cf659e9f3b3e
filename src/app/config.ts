import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { z } from "zod";
import type { AddressRange } from "../core/address-range.ts";
import type { EcosystemId } from "../core/artifact.ts";
import { AssayError } from "../core/errors.ts";
import { formatGitRepository, parseGitRepository } from "../core/git.ts";
import { parseGlob } from "../core/glob.ts";
import type { Limits } from "../core/limits.ts";
import { isLoopbackHost } from "../core/loopback.ts";
import type { PurlPattern, RepositoryPolicy } from "../core/policy.ts";
import type { Dialect, Upstream } from "../core/ports/upstream-client.ts";
import { formatProblem, type Problem } from "../core/problems.ts";
import { schemaProblems } from "../core/schema.ts";
import type { Secret } from "../core/secret.ts";
import type { CollectSettings } from "../mirror/cache/collector.ts";
import type { SpaceSettings } from "../mirror/cache/space.ts";
import type { GitHost, GitSettings } from "../mirror/git/git-sources.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_RETRIES, DEFAULT_TIMEOUTS, type UpstreamTimeouts } from "../upstream/options.ts";
import { crossProblems } from "./config-cross-problems.ts";
import { type ConfigFlags, readLayers } from "./config-layers.ts";
import { configSchema, LIMITS_BY_KEY, type REPOSITORY_TYPES } from "./config-schema.ts";
import type { LogLevel } from "./log.ts";

export type UpstreamCredentials =
  | { readonly kind: "bearer"; readonly token: Secret }
  | { readonly kind: "basic"; readonly username: string; readonly password: Secret };

export interface ProxyConfig {
  /** Without credentials. */
  readonly url: URL;
  readonly username?: string;
  readonly password?: Secret;
}

export interface UpstreamConfig {
  /** As the policy's rules and the log call it. */
  readonly name?: string;
  /** Ends with a slash, holds no credentials. */
  readonly url: URL;
  readonly auth?: UpstreamCredentials;
  /** PEM text. */
  readonly ca?: string;
  /** `none` where the operator wants none; undefined leaves it to HTTPS_PROXY, HTTP_PROXY and NO_PROXY. */
  readonly proxy?: ProxyConfig | "none";
  readonly timeouts: UpstreamTimeouts;
  readonly retries: number;
  readonly concurrency: number;
  readonly fileOrigins: readonly string[];
  /** Name of the trust material that evidence from here is checked against; `public` or a key of `trust`. */
  readonly trust: string;
  /** Undefined for what its repository says. */
  readonly evidence?: EvidenceSetting;
  /** Whether it is another Assay, whose signed verdicts a policy may rely on. */
  readonly verdicts: boolean;
  /** What an AAM registry speaks; found out where left out. */
  readonly dialect?: Dialect;
}

/** What it means that an index announces evidence which its upstream does not have: see `Upstream`. */
export type EvidenceSetting = NonNullable<Upstream["evidence"]>;

export interface RepositoryConfig {
  readonly name: string;
  readonly ecosystem: EcosystemId;
  /** `hosted`: packages are published here. `virtual`: several others at one address. */
  readonly type: (typeof REPOSITORY_TYPES)[number];
  /** `discover`: none were given, so the clients' own index is taken over. Empty: the operator wants none. */
  readonly upstreams: readonly UpstreamConfig[] | "discover";
  readonly policy: RepositoryPolicy;
  /** Names of the repositories that a virtual one shows, in its order. */
  readonly members: readonly string[];
  /** Scopes whose packages belong to this repository in every virtual one. */
  readonly scopes: readonly string[];
  /** Name of the trust material that signatures on what is published are checked against. */
  readonly trust: string;
  /** Whether what is published waits for somebody else's approval. */
  readonly requireApproval: boolean;
  /** For upstreams that say nothing of it themselves. */
  readonly evidence?: EvidenceSetting;
}

/** Trust material of one name. Paths are relative to the working directory like all others. */
export interface TrustConfig {
  readonly sigstorePath?: string;
  readonly npmKeysPath?: string;
  /** The TUF repository that the root is refreshed from; `off` for `public` where the operator wants none. */
  readonly tuf?: TufConfig | "off";
}

export interface TufConfig {
  /** Ends with a slash. Undefined for `public`: the mirror that the library knows. */
  readonly mirror?: URL;
  /** The repository's first `root.json`. Undefined for `public`: the built-in one. */
  readonly rootPath?: string;
  /** PEM text. */
  readonly ca?: string;
  /** Milliseconds between two refreshes. */
  readonly everyMs: number;
}

/** The folder that is kept as a registry for the `aam` client; none where `directory` is left out. */
export interface AamConfig {
  /** Absolute. */
  readonly directory?: string;
  /** Name of the repository that it is of; of all aam repositories where left out. */
  readonly repository?: string;
  /** Milliseconds between two rounds of which nothing here was the cause. */
  readonly everyMs: number;
}

/** Git repositories that are mirrored: none but those of `hosts`. */
export interface GitConfig extends Omit<GitSettings, "hosts"> {
  readonly hosts: readonly GitHostConfig[];
}

export interface GitHostConfig extends GitHost {
  readonly upstream: UpstreamConfig;
}

export interface LogConfig {
  /** Of what the process logs. */
  readonly level: LogLevel;
  /** The decision log's name for itself, where the operator gave it one. */
  readonly origin?: string;
  /** Whether the decision log's entries, which name clients, are shown to everybody who can reach us. */
  readonly showsEntries: boolean;
}

/** What bounds the store, and what must stay. Undefined is no bound, or never. */
export interface CacheConfig extends SpaceSettings, Omit<CollectSettings, "metadataTtlMs"> {
  readonly pins: readonly PurlPattern[];
  readonly gcEveryMs: number | undefined;
}

/** Everything an operator can set, parsed. Safe to log: credentials print as `[secret]`. */
export interface Config {
  /** The file it was read from; undefined where there was none. */
  readonly file: string | undefined;
  readonly listen: { readonly host: string; readonly port: number };
  /** Absolute. */
  readonly dataDir: string;
  /** Absolute; need not exist. */
  readonly policyPath: string;
  /** Without a final slash; undefined to go by the Host header. */
  readonly publicUrl: string | undefined;
  /** Reverse proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly AddressRange[];
  readonly repositories: readonly RepositoryConfig[];
  readonly trust: Readonly<Record<string, TrustConfig>>;
  readonly withholdBytes: number | "all";
  readonly metadataTtlMs: number;
  readonly negativeTtlMs: number;
  readonly refusalTtlMs: number;
  readonly staleIfErrorMs: number;
  readonly offline: boolean;
  /** Whose bundles are imported: ids of keys, or paths of files with public keys. */
  readonly import: { readonly keys: readonly string[] };
  readonly aam: AamConfig;
  readonly git: GitConfig;
  readonly cache: CacheConfig;
  /** How often the store is looked through in the background; undefined for never. At most so many bytes a second are read. */
  readonly scrub: { readonly everyMs: number | undefined; readonly bytesPerSecond: number };
  /** Undefined where /metrics is not answered. With a token, only to those who show it. */
  readonly metrics: { readonly token?: Secret } | undefined;
  readonly log: LogConfig;
  readonly memory: { readonly documentsBytes: number; readonly bodiesBytes: number };
  readonly limits: Limits;
  readonly shutdownGraceMs: number;
}

export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags: ConfigFlags;
}

const DEFAULT_FILE = "config/assay.yaml";

type Written = z.output<ReturnType<typeof configSchema>>;

/**
 * Flags over `ASSAY_…` variables over the file over the defaults. The file is the one that `--config` or ASSAY_CONFIG names, which must be
 * there, else `config/assay.yaml` of the working directory if there is one. Paths are relative to the working directory wherever they were written,
 * so that a value means the same in all four. Throws CONFIG_INVALID with one line for each problem there is.
 */
export function loadConfig({ env, flags }: ConfigSources): Config {
  const path = flags.config ?? (env["ASSAY_CONFIG"] || existingDefaultFile());
  const schema = configSchema({ env, readText: (name) => readFileSync(name, "utf8") });
  const layers = readLayers(schema, { file: path, env, flags });
  const parsed = schema.safeParse(layers.values);
  const problems = [...layers.problems, ...(parsed.error ? schemaProblems(parsed.error, layers) : []), ...crossProblems(layers)];
  if (!parsed.success || problems.length > 0) throw invalid(problems);
  return toConfig(parsed.data, path);
}

function existingDefaultFile(): string | undefined {
  return existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined;
}

function toMetrics({ enabled, token_env, token_file }: Written["metrics"]): Config["metrics"] {
  const token = token_env ?? token_file;
  return enabled ? { ...(token ? { token } : {}) } : undefined;
}

/** Where nothing is said entries are shown on this machine alone. */
function toLog({ log: { level, origin, entries }, listen, public_url }: Written): LogConfig {
  const isOurs = isLoopbackHost(listen.host) && public_url === undefined;
  return { level, ...(origin === undefined ? {} : { origin }), showsEntries: entries ?? isOurs };
}

function invalid(problems: readonly Problem[]): AssayError {
  const lines = [...new Set(problems.map(formatProblem))];
  return new AssayError("CONFIG_INVALID", `the configuration is not valid:\n${lines.join("\n")}`, {
    help: "config/assay.yaml of the distribution shows every key with its default",
  });
}

function toConfig(written: Written, file: string | undefined): Config {
  return {
    file,
    listen: written.listen,
    dataDir: resolve(written.data),
    policyPath: resolve(written.policy),
    trustedProxies: written.trusted_proxies,
    publicUrl: written.public_url,
    repositories: written.repositories.map(toRepository),
    trust: Object.fromEntries(Object.entries(written.trust).map(([name, trust]) => [name, toTrust(trust)])),
    withholdBytes: written.withhold,
    metadataTtlMs: written.metadata_ttl,
    negativeTtlMs: written.negative_ttl,
    refusalTtlMs: written.refusal_ttl,
    staleIfErrorMs: written.stale_if_error,
    offline: written.offline,
    import: { keys: written.import.keys },
    aam: toAam(written.aam),
    git: toGit(written.git),
    cache: toCache(written.cache),
    scrub: { everyMs: unlessOff(written.scrub.every), bytesPerSecond: written.scrub.rate },
    metrics: toMetrics(written.metrics),
    log: toLog(written),
    memory: { documentsBytes: written.memory.documents, bodiesBytes: written.memory.bodies },
    limits: toLimits(written.limits),
    shutdownGraceMs: written.shutdown_grace,
  };
}

function toRepository(written: Written["repositories"][number]): RepositoryConfig {
  return {
    name: written.name,
    ecosystem: written.ecosystem,
    type: written.type ?? "mirror",
    upstreams: written.upstreams?.map(toUpstream) ?? (written.type === undefined || written.type === "mirror" ? "discover" : []),
    policy: { unclaimed: written.unclaimed ?? "refuse", weakChecksum: written.weak_checksum ?? "warn" },
    members: written.members ?? [],
    scopes: written.scopes ?? [],
    trust: written.trust ?? "public",
    requireApproval: written.require_approval ?? false,
    ...(written.evidence === undefined ? {} : { evidence: written.evidence }),
  };
}

type WrittenUpstream = NonNullable<Written["repositories"][number]["upstreams"]>[number];

function toUpstream(written: WrittenUpstream): UpstreamConfig {
  const { name, url, auth, ca, proxy, timeouts, retries, concurrency, file_origins, trust, evidence, verdicts, dialect } = written;
  return {
    ...defaultUpstream(url),
    ...(name === undefined ? {} : { name }),
    ...(auth ? { auth } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(proxy === undefined ? {} : { proxy: proxy === "none" ? proxy : { url: proxy } }),
    timeouts: {
      connectMs: timeouts?.connect ?? DEFAULT_TIMEOUTS.connectMs,
      headersMs: timeouts?.headers ?? DEFAULT_TIMEOUTS.headersMs,
      idleMs: timeouts?.idle ?? DEFAULT_TIMEOUTS.idleMs,
    },
    retries: retries ?? DEFAULT_RETRIES,
    concurrency: concurrency ?? DEFAULT_CONCURRENCY,
    fileOrigins: file_origins ?? [],
    trust: trust ?? "public",
    ...(evidence === undefined ? {} : { evidence }),
    verdicts: verdicts ?? false,
    ...(dialect === undefined ? {} : { dialect }),
  };
}

/** An upstream of which only the address is known. */
export function defaultUpstream(url: URL): UpstreamConfig {
  return {
    url,
    timeouts: DEFAULT_TIMEOUTS,
    retries: DEFAULT_RETRIES,
    concurrency: DEFAULT_CONCURRENCY,
    fileOrigins: [],
    trust: "public",
    verdicts: false,
  };
}

function toAam({ directory, repository, every }: Written["aam"]): AamConfig {
  return {
    ...(directory === undefined ? {} : { directory: resolve(directory) }),
    ...(repository === undefined ? {} : { repository }),
    everyMs: every,
  };
}

function toGit({ hosts, refresh, on_rewrite, pins }: Written["git"]): GitConfig {
  const known = hosts.map(({ host, case_sensitive: caseSensitive = false, url, repositories, ...reach }): GitHostConfig => {
    const upstream = toUpstream({ ...reach, url: url ?? new URL(`https://${host}/`) });
    const patterns = repositories?.flatMap(({ text }) => {
      const glob = parseGlob(caseSensitive ? text : text.toLowerCase(), "/");
      return glob.ok ? [glob.value] : [];
    });
    return { host, caseSensitive, repositories: patterns, upstream };
  });
  return {
    hosts: known,
    refreshMs: refresh,
    onRewrite: on_rewrite,
    pins: pins.map(({ repository: { host, owner, name }, ref, commit }) => {
      const caseSensitive = known.find((candidate) => candidate.host === host)?.caseSensitive ?? false;
      const pinned = parseGitRepository({ host, caseSensitive }, owner, name);
      return { repository: pinned ? formatGitRepository(pinned) : "", ref, commit };
    }),
  };
}

function toCache({ max_size, max_age, min_free, pin, keep_refused_evidence, gc_every }: Written["cache"]): CacheConfig {
  return {
    maxBytes: unlessOff(max_size),
    maxAgeMs: unlessOff(max_age),
    minFree: min_free,
    pins: pin,
    keepRefusedEvidence: keep_refused_evidence,
    gcEveryMs: unlessOff(gc_every),
  };
}

function unlessOff(value: number | "off"): number | undefined {
  return value === "off" ? undefined : value;
}

/** A time stamp of the public repository is good for a week. */
const TUF_EVERY_MS = 86_400_000;

function toTrust({ sigstore, npm_keys, tuf }: Written["trust"][string]): TrustConfig {
  return {
    ...(sigstore === undefined ? {} : { sigstorePath: sigstore }),
    ...(npm_keys === undefined ? {} : { npmKeysPath: npm_keys }),
    ...(tuf === undefined ? {} : { tuf: tuf === "off" ? tuf : toTuf(tuf) }),
  };
}

function toTuf({ mirror, root, ca, every }: Exclude<NonNullable<Written["trust"][string]["tuf"]>, "off">): TufConfig {
  return {
    ...(mirror ? { mirror } : {}),
    ...(root === undefined ? {} : { rootPath: root }),
    ...(ca === undefined ? {} : { ca }),
    everyMs: every ?? TUF_EVERY_MS,
  };
}

function toLimits(written: Written["limits"]): Limits {
  return Object.fromEntries([...LIMITS_BY_KEY].map(([key, limit]) => [limit, written[key]])) as unknown as Limits;
}
