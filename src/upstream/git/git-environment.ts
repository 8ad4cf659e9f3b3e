import { devNull } from "node:os";
import type { UpstreamOptions } from "../options.ts";

/** No allocation of git may be larger. An object that is no delta streams from 32 MiB on; a delta that grows past this ends git, not the machine. */
const LARGEST_ALLOCATION_BYTES = 512 * 1024 * 1024;

/** Below this speed, for as long as the upstream's time-out for silence, a transfer is given up. */
const SLOWEST_BYTES_PER_SECOND = 1_000;

/** What holds for every git process, whatever it is for. Foreign repositories bring no configuration of their own: only their objects and refs are taken. */
const ALWAYS: readonly Setting[] = [
  ["core.hooksPath", devNull],
  ["core.fsmonitor", "false"],
  ["core.bigFileThreshold", "32m"],
  ["core.askPass", "false"],
  ["credential.helper", ""],
  ["submodule.recurse", "false"],
  ["fetch.recurseSubmodules", "false"],
  // Nothing runs behind our back, and nothing that is held is thrown away.
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["fetch.writeCommitGraph", "false"],
  // Every object is checked before it has a name: malformed trees, `.git` in a path, submodule addresses that are options (CVE-2018-17456 and the like).
  ["fetch.fsckObjects", "true"],
  ["transfer.fsckObjects", "true"],
  // What tools of long ago wrote into histories that are honoured to this day. None of it can be misread as anything but a name, a date or a mode.
  ...[
    "badTimezone",
    "zeroPaddedFilemode",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "missingNameBeforeEmail",
    "badDateOverflow",
  ].map((problem): Setting => [`fetch.fsck.${problem}`, "ignore"]),
  // One pack, checked as a whole before it is there, never loose objects one by one.
  ["fetch.unpackLimit", "1"],
  ["transfer.unpackLimit", "1"],
  ["transfer.bundleURI", "false"],
  ["transfer.credentialsInUrl", "die"],
  ["pack.threads", "1"],
  ["pack.windowMemory", "64m"],
  ["core.deltaBaseCacheLimit", "64m"],
  // A client may come with the answer to an older advertisement. What must not be served is not in the folder that is served from.
  ["uploadpack.allowAnySHA1InWant", "true"],
  ["uploadpack.allowFilter", "false"],
  ["uploadpack.advertiseBundleURIs", "false"],
];

type Setting = readonly [key: string, value: string];

/** Protocols that git may use for a remote: one, or none. */
type Protocol = "https" | "http" | "file" | "none";

/**
 * The whole environment of a git process: no file of this machine or its user says anything (no `.netrc` either, which curl finds by HOME), and settings come as variables, since a
 * command line with credentials could be read by everybody. `path` is PATH.
 */
export function gitEnvironment(path: string | undefined, protocol: Protocol, settings: readonly Setting[] = []): NodeJS.ProcessEnv {
  const all = [...ALWAYS, ...settings];
  return {
    ...(path === undefined ? {} : { PATH: path }),
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_SYSTEM: devNull,
    GIT_CONFIG_GLOBAL: devNull,
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ALLOW_PROTOCOL: protocol,
    GIT_PROTOCOL_FROM_USER: "0",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_ALLOC_LIMIT: String(LARGEST_ALLOCATION_BYTES),
    GIT_CONFIG_COUNT: String(all.length),
    ...Object.fromEntries(
      all.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}

/** How one upstream is reached. Redirects are not followed: where a repository is said to be has been asked already. `caFile` holds every certificate to trust. */
export function remoteSettings({ upstream, auth, proxy, timeouts }: UpstreamOptions, caFile: string | undefined): readonly Setting[] {
  return [
    ["http.followRedirects", "false"],
    ["http.sslVerify", "true"],
    ["http.proxy", proxy?.href ?? ""],
    ["http.lowSpeedLimit", String(SLOWEST_BYTES_PER_SECOND)],
    ["http.lowSpeedTime", String(Math.max(1, Math.ceil(timeouts.idleMs / 1000)))],
    ...(caFile === undefined ? [] : [["http.sslCAInfo", caFile] as const]),
    ...(auth ? [[`http.${upstream.url.origin}/.extraHeader`, `Authorization: ${authorization(auth)}`] as const] : []),
  ];
}

export function protocolOf(url: URL): Protocol {
  if (url.protocol === "https:") return "https";
  return url.protocol === "http:" ? "http" : "none";
}

function authorization(auth: NonNullable<UpstreamOptions["auth"]>): string {
  if (auth.kind === "bearer") return `Bearer ${auth.token}`;
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`;
}
