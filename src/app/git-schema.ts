import { z } from "zod";
import { HEADS, parseGitRepository, parseObjectId, parseRefName } from "../core/git.ts";
import { parseGlob } from "../core/glob.ts";
import { isLoopbackHost } from "../core/loopback.ts";
import { boolean, choice, duration, integer, list, map, parsedBy, parsedText } from "../core/schema.ts";
import type { UpstreamCredentials } from "./config.ts";

const DAY_MS = 86_400_000;

/** What the rest of the configuration is made of, too. */
interface Parts {
  readonly auth: z.ZodType<UpstreamCredentials>;
  readonly certificates: z.ZodType<string>;
  readonly url: z.ZodType<URL>;
  readonly proxy: z.ZodType<URL>;
}

/** `git:` of the configuration. */
export function gitSchema({ auth, certificates, url, proxy }: Parts) {
  const time = () => duration(1, DAY_MS, "1ms to 1d").optional();
  const host = map({
    host: parsedBy("a host name in lowercase letters, with a port where its addresses have one, such as git.example", parseHost),
    url: url.refine(({ protocol }) => protocol !== "file:", { error: "an https or http url" }).optional(),
    case_sensitive: boolean().optional(),
    repositories: list(
      parsedText("a pattern of OWNER/NAME such as acme/*", (text) => parseGlob(text, "/")),
      1000,
    ).optional(),
    auth: auth.optional(),
    ca: certificates.optional(),
    proxy: z.union([z.literal("none"), proxy], { error: "http://HOST:PORT of a proxy without credentials, or none" }).optional(),
    timeouts: map({ connect: time(), headers: time(), idle: time() }).optional(),
    retries: integer(0, 10).optional(),
    concurrency: integer(1, 1024).optional(),
  }).superRefine((keys, context) => {
    const isOnTheWire = keys.url?.protocol === "http:" && !isLoopbackHost(keys.url.hostname);
    if (keys.auth && isOnTheWire) {
      context.addIssue({ code: "custom", path: ["auth"], message: "credentials only for an https url, or for http to this machine" });
    }
  });
  const pin = map({
    repository: parsedBy("HOST/OWNER/NAME of a repository of one of git.hosts", parsePinned),
    ref: parsedBy("a branch or tag such as main, refs/heads/main or refs/tags/v1.0.0", parseRef),
    commit: parsedBy("a whole commit id of 40 lowercase hexadecimal digits", (value) =>
      typeof value === "string" ? parseObjectId(value) : undefined,
    ),
  });
  return map({
    hosts: list(host, 100),
    refresh: duration(0, DAY_MS, "0 to 1d"),
    on_rewrite: choice(["refuse", "warn"]),
    pins: list(pin, 10_000),
  });
}

/** As it stands in an address. No IPv6: its brackets do not belong in a path. */
function parseHost(value: unknown): string | undefined {
  return typeof value === "string" && /^[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?(?::[1-9][0-9]{0,4})?$/.test(value) ? value : undefined;
}

function parsePinned(value: unknown): { readonly host: string; readonly owner: string; readonly name: string } | undefined {
  const [host, owner = "", name = "", ...rest] = typeof value === "string" ? value.split("/") : [];
  const isNamed = parseHost(host) !== undefined && rest.length === 0;
  return isNamed && host !== undefined ? parseGitRepository({ host, caseSensitive: true }, owner, name) : undefined;
}

/** A short name stands for a branch and a tag, so it must do for either. */
function parseRef(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  return parseRefName(value.startsWith("refs/") ? value : `${HEADS}${value}`) && value;
}
