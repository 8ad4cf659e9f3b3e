import type { IncomingMessage, ServerResponse } from "node:http";
import { type AddressRange, canonicalAddress, isInRanges } from "../core/address-range.ts";
import type { Asker } from "../core/decision.ts";
import { printableLine } from "../core/printable-line.ts";

const USER_AGENT_CHARACTERS = 200;
/** Proxies in a row. */
const MAX_HOPS = 16;

/** Who sent a request, for the decision log. `response` has its id. */
export function askerOf(
  request: IncomingMessage,
  response: ServerResponse,
  trustedProxies: readonly AddressRange[],
): Extract<Asker, { kind: "client" }> {
  const userAgent = printableLine(request.headers["user-agent"] ?? "", USER_AGENT_CHARACTERS);
  return {
    kind: "client",
    requestId: String(response.getHeader("x-request-id") ?? ""),
    method: request.method ?? "",
    ...addressOf(request, trustedProxies),
    ...(userAgent === "" ? {} : { userAgent }),
  };
}

/**
 * The address at the other end of the connection; where that is a trusted proxy, the one that it names, and so on. Read from the right: each proxy puts the address it
 * was asked from at the end, and everything before that is what a client may have made up.
 */
function addressOf(
  request: IncomingMessage,
  trustedProxies: readonly AddressRange[],
): { readonly address: string; readonly proxy?: string } {
  const peer = canonicalAddress(request.socket.remoteAddress ?? "") ?? "unknown";
  const forwarded = [request.headers["x-forwarded-for"] ?? []].flat().join(",").split(",").slice(-MAX_HOPS);
  let address = peer;
  while (isInRanges(address, trustedProxies)) {
    const before = canonicalAddress(forwarded.pop()?.trim() ?? "");
    if (before === undefined) break;
    address = before;
  }
  return address === peer ? { address } : { address, proxy: peer };
}
