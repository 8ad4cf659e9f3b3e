import type { Problem } from "../../../core/ports/ecosystem.ts";
import { jsonBody } from "../page.ts";
import { PROTOCOL_CODES, type ProtocolCode } from "../protocol-codes.ts";

/** The flat error object of this dialect: `{error, message}`, and ours beside them. A refusal keeps its status, which no client takes for an outage. */
export function flatProblem(
  { kind, status, code: reason, title, detail, purl, why, fields }: Problem,
  code: ProtocolCode,
  base: string,
): { readonly contentType: string; readonly body: Buffer; readonly status: number } {
  const known: { readonly flat: string; readonly flatStatus?: number } = PROTOCOL_CODES[code];
  const body = {
    error: known.flat,
    message: kind === "refusal" ? `${title}: ${detail}` : detail,
    reason,
    ...(purl === undefined ? {} : { purl }),
    docs: why ?? `${base}/errors/${code}`,
    ...(why === undefined ? {} : { why }),
    ...(fields === undefined ? {} : { details: fields.map((one) => ({ ...one })) }),
  };
  return { contentType: "application/json", body: jsonBody(body), status: kind === "refusal" ? status : (known.flatStatus ?? status) };
}
