import { hostname, networkInterfaces } from "node:os";
import { isLoopbackHost } from "../core/loopback.ts";

/** Where this Assay is reached. */
export interface OwnAddress {
  readonly listen: { readonly host: string; readonly port: number };
  readonly publicUrl: string | undefined;
}

/** Whether a URL leads back to this Assay: a mirror of itself would answer every miss with another miss, for ever. */
export function isOwnAddress(url: URL, { listen, publicUrl }: OwnAddress): boolean {
  if (publicUrl !== undefined && `${url.href}/`.startsWith(`${publicUrl}/`)) return true;
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  if (port !== listen.port) return false;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (host === listen.host) return true;
  const listensEverywhere = listen.host === "0.0.0.0" || listen.host === "::";
  if (isLoopbackHost(host)) return listensEverywhere || isLoopbackHost(listen.host);
  return listensEverywhere && ownHosts().has(host);
}

function ownHosts(): ReadonlySet<string> {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  return new Set([...addresses, hostname()]);
}
