import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** Whether a host as it stands in a URL or in `listen.host` is this machine's own loopback. Names are not resolved. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "");
  return isIP(bare) ? ipaddr.process(bare).range() === "loopback" : bare === "localhost" || bare.endsWith(".localhost");
}
