import { isIP } from "node:net";
import { z } from "zod";
import { parseAddressRange } from "../core/address-range.ts";
import { ECOSYSTEM_IDS } from "../core/artifact.ts";
import { DEFAULT_LIMITS, type Limits } from "../core/limits.ts";
import { isLoopbackHost } from "../core/loopback.ts";
import { DIALECTS } from "../core/ports/upstream-client.ts";
import { boolean, choice, duration, integer, list, map, parsedBy, text, unexpected, wordOr } from "../core/schema.ts";
import { Secret } from "../core/secret.ts";
import { isLogName } from "../core/tlog/note-key.ts";
import { cacheSchema, scrubSchema } from "./cache-schema.ts";
import { gitSchema } from "./git-schema.ts";
import { parseSize } from "./size.ts";

/** What the schema may look up while it checks: a secret or a certificate that is not there is an error of the configuration too. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file, by its path relative to the working directory. Throws where it cannot be read. */
  readText(path: string): string;
}

/** First path segments that Assay answers itself, or may one day. */
const RESERVED_NAMES = ["api", "assets", "git", "healthz", "livez", "log", "metrics", "readyz", "static"];

export const REPOSITORY_TYPES = ["mirror", "hosted", "virtual"] as const;

interface RepositoryKeys {
  readonly type?: (typeof REPOSITORY_TYPES)[number] | undefined;
  readonly ecosystem: string;
  readonly upstreams?: unknown;
  readonly members?: readonly string[] | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly require_approval?: boolean | undefined;
  readonly trust?: string | undefined;
}

const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const EVIDENCE = ["required", "as_served"] as const;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const TIB = 1024 ** 4;

/**
 * The configuration as it is written, checked and parsed key by key. Every message is a noun phrase that completes "expected …";
 * `schemaProblems` adds where the value stands and what it is.
 */
export function configSchema(surroundings: Surroundings) {
  const path = text("a path");
  const readable = (what: string) =>
    parsedBy(`the path of a readable file with ${what}`, (value) => {
      if (typeof value !== "string" || value === "") return undefined;
      try {
        return surroundings.readText(value);
      } catch {
        return undefined;
      }
    });
  const secretFile = readable("a secret in it")
    .refine((content) => content.trim() !== "", { error: "the path of a file with a secret in it, not an empty one" })
    .transform((content) => new Secret(content.trim()));
  const secretEnv = parsedBy("the name of an environment variable that is set", (value) => {
    const secret = typeof value === "string" ? surroundings.env[value] : undefined;
    return secret ? new Secret(secret) : undefined;
  });
  const certificates = readable("PEM certificates").refine((content) => content.includes("-----BEGIN CERTIFICATE-----"), {
    error: "the path of a file with PEM certificates",
  });

  const auth = map({
    token_env: secretEnv.optional(),
    token_file: secretFile.optional(),
    username: text("a user name").optional(),
    password_env: secretEnv.optional(),
    password_file: secretFile.optional(),
  }).transform((keys, context) => {
    const token = keys.token_env ?? keys.token_file;
    const password = keys.password_env ?? keys.password_file;
    const given = Object.values(keys).filter((value) => value !== undefined).length;
    if (token && given === 1) return { kind: "bearer" as const, token };
    if (keys.username && password && given === 2) return { kind: "basic" as const, username: keys.username, password };
    return unexpected(context, "either token_env or token_file, or username with password_env or password_file");
  });

  const upstream = map({
    name: name().optional(),
    url: upstreamUrl(),
    auth: auth.optional(),
    ca: certificates.optional(),
    proxy: z.union([z.literal("none"), proxyUrl()], { error: "http://HOST:PORT of a proxy without credentials, or none" }).optional(),
    timeouts: map({
      connect: duration(1, DAY_MS, "1ms to 1d").optional(),
      headers: duration(1, DAY_MS, "1ms to 1d").optional(),
      idle: duration(1, DAY_MS, "1ms to 1d").optional(),
    }).optional(),
    retries: integer(0, 10).optional(),
    concurrency: integer(1, 1024).optional(),
    file_origins: list(origin(), 100).optional(),
    trust: name().optional(),
    evidence: choice(EVIDENCE).optional(),
    verdicts: boolean().optional(),
    dialect: choice(DIALECTS).optional(),
  }).superRefine((keys, context) => {
    const isOnTheWire = keys.url.protocol === "http:" && !isLoopbackHost(keys.url.hostname);
    if (keys.auth && (isOnTheWire || keys.url.protocol === "file:")) {
      context.addIssue({ code: "custom", path: ["auth"], message: "credentials only for an https url, or for http to this machine" });
    }
    if (keys.url.protocol === "file:" && keys.dialect !== undefined) {
      context.addIssue({
        code: "custom",
        path: ["dialect"],
        message: "nothing here for a file: url, which is a folder and speaks neither",
      });
    }
    if (keys.url.protocol === "file:" && keys.verdicts) {
      context.addIssue({ code: "custom", path: ["verdicts"], message: "nothing here for a file: url, which is no other Assay" });
    }
    if (keys.url.protocol === "file:" && (keys.ca !== undefined || keys.proxy !== undefined)) {
      context.addIssue({ code: "custom", path: [keys.ca === undefined ? "proxy" : "ca"], message: "nothing here for a file: url" });
    }
  });

  const repository = map({
    name: name().refine((value) => !RESERVED_NAMES.includes(value), {
      error: `a name that Assay does not use itself (${RESERVED_NAMES.join(", ")})`,
    }),
    ecosystem: choice(ECOSYSTEM_IDS),
    type: choice(REPOSITORY_TYPES).optional(),
    upstreams: list(upstream, 16).optional(),
    members: list(name(), 16).optional(),
    scopes: list(scope(), 100).optional(),
    require_approval: boolean().optional(),
    trust: name().optional(),
    unclaimed: choice(["refuse", "allow"]).optional(),
    weak_checksum: choice(["warn", "error"]).optional(),
    evidence: choice(EVIDENCE).optional(),
  }).superRefine((keys, context) => {
    for (const [key, message] of misplacedKeys(keys)) context.addIssue({ code: "custom", path: [key], message });
    for (const [position, { url, dialect }] of (keys.upstreams ?? []).entries()) {
      if (dialect !== undefined && keys.ecosystem !== "aam") {
        const message = "nothing here: only aam registries have several protocols";
        context.addIssue({ code: "custom", path: ["upstreams", position, "dialect"], message });
      }
      if (url.protocol !== "file:" || keys.ecosystem === "aam") continue;
      context.addIssue({
        code: "custom",
        path: ["upstreams", position, "url"],
        message: "an https or http url: only aam registries can be folders",
      });
    }
  });

  return map({
    listen: map({ host: host(), port: integer(0, 65_535) }),
    data: path,
    policy: path,
    public_url: publicUrl().optional(),
    trusted_proxies: list(addressRange(), 100),
    repositories: list(repository, 100),
    trust: trust(path, certificates),
    withhold: parsedBy("all, or a size from 64KiB, such as 8MiB", (value) => {
      if (value === "all") return "all" as const;
      const bytes = typeof value === "string" ? parseSize(value) : undefined;
      // With less held back, what a client got before a refusal could pass for the whole archive.
      return bytes !== undefined && bytes >= 64 * 1024 ? bytes : undefined;
    }),
    metadata_ttl: duration(0, 30 * DAY_MS, "0 to 30d"),
    negative_ttl: duration(0, DAY_MS, "0 to 1d"),
    refusal_ttl: duration(0, DAY_MS, "0 to 1d"),
    stale_if_error: duration(0, 3650 * DAY_MS, "0 to 3650d"),
    offline: boolean(),
    import: map({ keys: list(text("a key's id, sha256:…, or the path of a file with public keys"), 100) }),
    aam: map({ directory: path.optional(), repository: name().optional(), every: duration(1000, DAY_MS, "1s to 1d") }),
    git: gitSchema({ auth, certificates, url: upstreamUrl(), proxy: proxyUrl() }),
    cache: cacheSchema(),
    scrub: scrubSchema(),
    metrics: map({ enabled: boolean(), token_env: secretEnv.optional(), token_file: secretFile.optional() }).refine(
      (keys) => keys.token_env === undefined || keys.token_file === undefined,
      { error: "either token_env or token_file" },
    ),
    log: map({
      level: choice(["debug", "info", "warn", "error", "silent"]),
      origin: parsedBy("the name of the decision log, printable ASCII without spaces and +, such as mirror.example/log", (value) =>
        typeof value === "string" && isLogName(value) ? value : undefined,
      ).optional(),
      entries: boolean().optional(),
    }),
    memory: map({ documents: size(1024 ** 2), bodies: size(1024 ** 2) }),
    limits: map(limitShape()),
    shutdown_grace: duration(0, DAY_MS, "0 to 1d"),
  });
}

/** Keys of a repository that its type or ecosystem does not have, or lacks, with what is expected there. */
function misplacedKeys({ type = "mirror", ecosystem, ...keys }: RepositoryKeys): readonly (readonly [string, string])[] {
  const wrong: [string, string][] = [];
  const only = (key: keyof typeof keys, types: readonly string[]): void => {
    if (keys[key] !== undefined && !types.includes(type))
      wrong.push([key, `nothing here: it is for repositories of type ${types.join(" or ")}`]);
  };
  if (type !== "mirror" && ecosystem !== "aam") wrong.push(["type", "mirror: only aam repositories can be hosted or virtual"]);
  only("upstreams", ["mirror"]);
  only("require_approval", ["hosted"]);
  only("trust", ["hosted"]);
  only("members", ["virtual"]);
  only("scopes", ["mirror", "hosted"]);
  if (keys.scopes && ecosystem !== "aam") wrong.push(["scopes", "nothing here: it is for aam repositories"]);
  if (type === "virtual" && (keys.members ?? []).length === 0) wrong.push(["members", "a list of names of other aam repositories"]);
  return wrong;
}

/** `archiveBytes` is written `archive: 2GiB`, `verifySeconds` `verify: 5m`, a plain count `json_depth: 128`. */
function limitKey(limit: keyof Limits): string {
  return limit.replace(/(?:Bytes|Seconds)$/, "").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The name of a limit, in code, for each of its keys. */
export const LIMITS_BY_KEY: ReadonlyMap<string, keyof Limits> = new Map(
  (Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]).map((limit) => [limitKey(limit), limit]),
);

function limitShape(): Record<string, z.ZodType<number>> {
  return Object.fromEntries(
    [...LIMITS_BY_KEY].map(([key, limit]) => {
      if (limit.endsWith("Bytes")) return [key, size(1)];
      if (limit.endsWith("Seconds")) return [key, duration(1000, DAY_MS, "1s to 1d").transform((milliseconds) => milliseconds / 1000)];
      return [key, integer(limit === "redirects" || limit === "fetchQueue" ? 0 : 1, 100_000_000)];
    }),
  );
}

/** `public` is built in, so only where it is refreshed from can be said; other names are the operator's own. */
function trust(path: z.ZodType<string>, certificates: z.ZodType<string>) {
  const mirror = map({
    mirror: mirrorUrl().optional(),
    root: path.optional(),
    ca: certificates.optional(),
    every: duration(MINUTE_MS, 30 * DAY_MS, "1m to 30d").optional(),
  });
  const tuf = wordOr("off", mirror);
  const material = map({ sigstore: path.optional(), npm_keys: path.optional(), tuf: tuf.optional() });
  return z.record(name(), material, { error: "a map of names to {sigstore, npm_keys, tuf}" }).superRefine((entries, context) => {
    const wrong = (at: readonly string[], message: string): void => context.addIssue({ code: "custom", path: [...at], message });
    for (const [entry, { sigstore, npm_keys, tuf: refreshed }] of Object.entries(entries)) {
      const keys = refreshed === undefined || refreshed === "off" ? undefined : refreshed;
      if (entry === "public") {
        if (sigstore !== undefined) wrong([entry, "sigstore"], "no file: `public` is built in; give your root another name");
        if (npm_keys !== undefined) wrong([entry, "npm_keys"], "no file: the keys of `public` are built in; give yours another name");
        if (keys?.root !== undefined)
          wrong([entry, "tuf", "root"], "no file: what `public` is verified from is built in, whatever mirrors it");
        continue;
      }
      if (refreshed === "off") wrong([entry, "tuf"], "{mirror, root}: only `public` is refreshed unless it is switched off");
      if (keys && keys.mirror === undefined) wrong([entry, "tuf"], "the mirror of a TUF repository: {mirror: URL, root: PATH}");
      if (keys && keys.root === undefined)
        wrong([entry, "tuf"], "the repository's root.json, from which all else is verified: {mirror: URL, root: PATH}");
    }
  });
}

function name() {
  return z
    .string({ error: "a name" })
    .regex(NAME, { error: "a name of lowercase letters, digits and hyphens that starts with a letter or digit" });
}

function scope() {
  return z
    .string({ error: "a scope such as @acme" })
    .regex(/^@[a-z0-9][a-z0-9_-]{0,63}$/, { error: "a scope such as @acme: lowercase letters, digits, hyphens and underscores" });
}

function size(minBytes: number) {
  return parsedBy(`a size with a unit (B, KiB, MiB, GiB, TiB) from ${minBytes === 1 ? "1B" : "1MiB"} to 1024TiB, such as 8MiB`, (value) => {
    const bytes = typeof value === "string" ? parseSize(value) : undefined;
    return bytes !== undefined && bytes >= minBytes && bytes <= 1024 * TIB ? bytes : undefined;
  });
}

function host() {
  return parsedBy("a host name or an IP address without a port", (value) => {
    if (typeof value !== "string") return undefined;
    return isIP(value) || /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(value) ? value : undefined;
  });
}

function addressRange() {
  return parsedBy("an IP address or a range such as 10.0.0.0/8", (value) =>
    typeof value === "string" ? parseAddressRange(value) : undefined,
  );
}

/** Answers it without a final slash, so that paths can be put behind it. */
function publicUrl() {
  return parsedBy("an http or https url without credentials, query and fragment", (value) => {
    const url = plainUrl(value, ["http:", "https:"]);
    return url?.href.replace(/\/+$/, "");
  });
}

/** Answers it with a final slash, which relative links are resolved against. */
function upstreamUrl() {
  return parsedBy("an https, http or file url without query and fragment, with credentials left to `auth`", (value) => {
    const url = plainUrl(value, ["http:", "https:", "file:"]);
    if (!url || (url.protocol === "file:" && url.host !== "")) return undefined;
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    return url;
  });
}

/** Answers it with a final slash. Everything there is signed, so plain http is as good. */
function mirrorUrl() {
  return parsedBy("an https, http or file url without credentials, query and fragment", (value) => {
    const url = plainUrl(value, ["http:", "https:", "file:"]);
    if (!url || (url.protocol === "file:" && url.host !== "")) return undefined;
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    return url;
  });
}

function proxyUrl() {
  return parsedBy("http://HOST:PORT of a proxy", (value) => {
    const url = plainUrl(value, ["http:", "https:"]);
    return url?.pathname === "/" ? url : undefined;
  });
}

function origin() {
  return parsedBy("an origin such as https://files.example", (value) => {
    const url = plainUrl(value, ["http:", "https:"]);
    return url?.pathname === "/" ? url.origin : undefined;
  });
}

function plainUrl(value: unknown, protocols: readonly string[]): URL | undefined {
  if (typeof value !== "string" || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  const isPlain = !url.username && !url.password && !/[?#]/.test(value);
  return isPlain && protocols.includes(url.protocol) ? url : undefined;
}
