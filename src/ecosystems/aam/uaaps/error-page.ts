import { AssayError } from "../../../core/errors.ts";
import type { EcosystemAnswer } from "../../../core/ports/ecosystem.ts";
import { isProtocolCode, PROTOCOL_CODES } from "../protocol-codes.ts";

/** What an error's `docs` leads to: the code in words, for people. Throws NOT_FOUND for a code that no answer of ours has. */
export function errorPage(code: string): EcosystemAnswer {
  if (!isProtocolCode(code))
    throw new AssayError("NOT_FOUND", `no answer of this registry has the code ${JSON.stringify(code.slice(0, 80))}`);
  const { status, meaning } = PROTOCOL_CODES[code];
  return {
    kind: "plain",
    status: 200,
    contentType: "text/plain; charset=utf-8",
    body: Buffer.from(`${code} (HTTP ${status})\n\n${meaning}\n`),
  };
}
