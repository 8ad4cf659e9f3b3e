import { AssayError, type ErrorCode, type ErrorDetails } from "../core/errors.ts";

/** An upstream's failure, and whether asking again may help. `mayPass` is this room's own business: outside, the code says enough. */
export class UpstreamFailure extends AssayError {
  readonly mayPass: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails & { readonly mayPass: boolean }) {
    super(code, message, details);
    this.mayPass = details.mayPass;
  }
}

/** A URL for messages and the log: no credentials, no query (signed URLs carry their secret there), bounded. */
export function describeUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`.slice(0, 400);
}
