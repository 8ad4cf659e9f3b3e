import { isLoopbackHost } from "../core/loopback.ts";
import { Secret } from "../core/secret.ts";
import type { ProxyConfig } from "./config.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for `url`, as curl and pip read it: HTTPS_PROXY or HTTP_PROXY by the URL's scheme, then ALL_PROXY,
 * in lower case first, unless NO_PROXY lists the host. This machine is never reached through a proxy.
 */
export function proxyOfEnvironment(url: URL, env: Environment): ProxyConfig | undefined {
  const kind = url.protocol === "https:" ? "https_proxy" : url.protocol === "http:" ? "http_proxy" : undefined;
  if (kind === undefined || isLoopbackHost(url.hostname) || isExempt(url, read(env, "no_proxy") ?? "")) return undefined;
  return parseProxy(read(env, kind) ?? read(env, "all_proxy") ?? "");
}

/** A proxy as clients write it, `http://[user:password@]host:port`, scheme optional; undefined for anything else. */
export function parseProxy(text: string): ProxyConfig | undefined {
  const address = text.includes("://") ? text : `http://${text}`;
  if (text === "" || !URL.canParse(address)) return undefined;
  const url = new URL(address);
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  const bare = new URL(url.origin);
  if (url.username === "") return { url: bare };
  return { url: bare, username: decodePercent(url.username), password: new Secret(decodePercent(url.password)) };
}

/** User names and passwords stand percent-encoded in URLs, but not everybody encodes a percent sign that is meant as itself. */
export function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `NO_PROXY`: hosts separated by commas, each with all its subdomains, with or without a port; `*` for every host. */
export function isExempt(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return noProxy.split(/[\s,]+/).some((entry) => {
    if (entry === "*") return true;
    const [, name = "", entryPort] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (name === "" || (entryPort !== undefined && entryPort !== port)) return false;
    return host === name || host.endsWith(`.${name}`);
  });
}

function read(env: Environment, name: string): string | undefined {
  return env[name] || env[name.toUpperCase()] || undefined;
}
