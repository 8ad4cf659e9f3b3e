import type { IncomingMessage } from "node:http";
import { AssayError } from "../core/errors.ts";

/** A host and perhaps a port: letters, digits, dots, hyphens, underscores, or a bracketed IPv6 address. Nothing that could end up as markup. */
const HOST = /^(?:[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$/i;

/**
 * Where the client reached us, for links in answers: `public_url` where the operator set it, else the Host header.
 * Forwarded headers are not read: anybody can send them. Throws BAD_REQUEST for a Host that is none.
 */
export function originOf(request: IncomingMessage, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) return publicUrl;
  const host = request.headers.host;
  if (host === undefined || !HOST.test(host))
    throw new AssayError("BAD_REQUEST", "the Host header is not a host name with an optional port");
  return `http://${host}`;
}
