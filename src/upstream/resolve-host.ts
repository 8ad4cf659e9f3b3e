import { lookup } from "node:dns/promises";
import type { LookupFunction } from "node:net";
import { AssayError } from "../core/errors.ts";
import { isPublicAddress } from "./address-filter.ts";
import { UpstreamFailure } from "./upstream-failure.ts";

export interface HostAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Every address of a host name. Throws what node:dns throws. */
export type ResolveHost = (hostname: string) => Promise<readonly HostAddress[]>;

/** As the machine resolves names: hosts file included, in the order it prefers. */
export const resolveByMachine: ResolveHost = async (hostname) => {
  const found = await lookup(hostname, { all: true, order: "verbatim" });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

/** `resolve`, given up after `timeoutMs`: the system's resolver may take half a minute. Throws UPSTREAM_TIMEOUT, and what `resolve` throws. */
export async function resolveWithin(resolve: ResolveHost, hostname: string, timeoutMs: number): Promise<readonly HostAddress[]> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<never>((_, reject) => {
    const error = new UpstreamFailure("UPSTREAM_TIMEOUT", `the name ${hostname} could not be resolved in time`, { mayPass: false });
    timer = setTimeout(() => reject(error), timeoutMs);
  });
  try {
    return await Promise.race([resolve(hostname), expiry]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * For node:net and node:tls: resolves and, with `publicOnly`, drops internal addresses. The socket connects to what this answers and resolves
 * no second time, so a name that changes its address between check and use (DNS rebinding) gains nothing. Fails with UPSTREAM_ADDRESS where
 * nothing is left.
 */
export function lookupFor(resolve: ResolveHost, publicOnly: boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (found) => {
        const allowed = publicOnly ? found.filter(({ address }) => isPublicAddress(address)) : found;
        const [first] = allowed;
        if (!first) callback(internalAddress(hostname, found), "");
        else if (options.all) callback(null, [...allowed]);
        else callback(null, first.address, first.family);
      },
      (error) => callback(error, ""),
    );
  };
}

export function internalAddress(hostname: string, found: readonly HostAddress[] = []): AssayError {
  const addresses = found.map(({ address }) => address).join(", ");
  return new AssayError(
    "UPSTREAM_ADDRESS",
    `${hostname}${addresses && ` (${addresses})`} is not a public address, and the upstream points there`,
    {
      help: "if that is right, list its origin in the upstream's file_origins",
    },
  );
}
