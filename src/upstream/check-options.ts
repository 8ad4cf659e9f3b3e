import { AssayError } from "../core/errors.ts";
import { isLoopbackHost } from "../core/loopback.ts";
import type { UpstreamOptions } from "./options.ts";

/** Throws CONFIG_INVALID for what an operator can write down but we must not or cannot do. */
export function checkOptions({ upstream, auth, proxy, fileOrigins }: UpstreamOptions): void {
  const { id, url } = upstream;
  if (!["https:", "http:", "file:"].includes(url.protocol))
    throw invalid(`${id}: an upstream's url is https, http or file, got ${url.protocol}`);
  if (url.username || url.password) throw invalid(`${id}: the url holds credentials`, "use `auth`, which is never logged");
  if (!url.pathname.endsWith("/")) throw invalid(`${id}: the url must end with a slash`);
  if (proxy && proxy.protocol !== "http:" && proxy.protocol !== "https:")
    throw invalid(`${id}: a proxy's url is http or https, got ${proxy.protocol}`);
  for (const origin of fileOrigins) {
    const parsed = URL.canParse(origin) ? new URL(origin) : undefined;
    if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.pathname !== "/" || parsed.username || parsed.search || parsed.hash) {
      throw invalid(`${id}: expected an origin such as https://files.example in file_origins, got ${JSON.stringify(origin.slice(0, 200))}`);
    }
  }
  // Anyone on the way could read them, and a proxy is on the way even to this machine.
  if (auth && (url.protocol === "file:" || (url.protocol === "http:" && (proxy || !isLoopbackHost(url.hostname))))) {
    throw invalid(`${id}: credentials are only sent over https, or over http to this machine`, "use an https url, or leave `auth` out");
  }
}

function invalid(message: string, help?: string): AssayError {
  return new AssayError("CONFIG_INVALID", message, help === undefined ? {} : { help });
}
