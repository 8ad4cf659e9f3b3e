import { AssayError } from "../../core/errors.ts";
import type { Config } from "../config.ts";

const EVERYWHERE: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/**
 * Where a client of this machine or, with `public_url`, of any other reaches the mirror; without a final slash. `given` is an address that the caller was told.
 * Throws USAGE where none can be told, or where what was given is no plain http or https URL.
 */
export function mirrorAddress({ listen, publicUrl }: Pick<Config, "listen" | "publicUrl">, given: string | undefined): string {
  if (given !== undefined) return plainAddress(given);
  if (publicUrl !== undefined) return publicUrl;
  if (listen.port === 0) {
    throw new AssayError("USAGE", "the mirror listens on any free port, so its address is not known", { help: "name it with --url" });
  }
  const host = EVERYWHERE.has(listen.host) ? "127.0.0.1" : listen.host;
  return `http://${host.includes(":") ? `[${host}]` : host}:${listen.port}`;
}

function plainAddress(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isPlain = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !/[?#]/.test(given);
  if (!isPlain) throw new AssayError("USAGE", "--url: expected an http or https address without credentials, query and fragment");
  return url.href.replace(/\/+$/, "");
}
