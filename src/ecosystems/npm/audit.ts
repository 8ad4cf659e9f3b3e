import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { AssayError } from "../../core/errors.ts";
import { type JsonObject, parseJsonObject } from "../../core/json.ts";
import type { EcosystemAnswer, EcosystemRequest, EcosystemServices, Repository } from "../../core/ports/ecosystem.ts";
import { FULL_TYPE } from "./abbreviate.ts";
import { auditedBy } from "./audited-by.ts";
import { mayHear, passOn } from "./pass-on.ts";

const decompress = promisify(gunzip);

/**
 * Passes the names and versions of an audit on, to each upstream those that it may hear of, and the advisories back. Throws NOT_FOUND where no upstream audits: npm
 * then installs without. Throws PAYLOAD_TOO_LARGE, BAD_REQUEST for a body that is no JSON object.
 */
export async function audit(
  repository: Repository,
  path: string,
  request: EcosystemRequest,
  services: EcosystemServices,
): Promise<EcosystemAnswer> {
  const asked = parseBody(await plainBody(await request.body(), services.limits.requestBodyBytes), services.limits.jsonDepth);
  const { body } = await passOn(repository, path, services, (upstream) => {
    const audited = auditedBy(asked, mayHear(services, repository, upstream));
    if (!audited) return undefined;
    return { method: "POST", requestBody: Buffer.from(JSON.stringify(audited)), contentType: FULL_TYPE };
  });
  return { kind: "plain", status: 200, contentType: FULL_TYPE, body };
}

function parseBody(body: Buffer, maxDepth: number): JsonObject {
  try {
    return parseJsonObject(body, { maxDepth, source: "the request body" });
  } catch (error) {
    if (error instanceof AssayError) throw new AssayError("BAD_REQUEST", error.message, { cause: error });
    throw error;
  }
}

/** npm sends audits gzip-compressed; its Content-Encoding does not travel with the body, so what goes on is plain. */
async function plainBody(body: Buffer, maxBytes: number): Promise<Buffer> {
  const isGzip = body[0] === 0x1f && body[1] === 0x8b;
  let plain = body;
  try {
    if (isGzip) plain = await decompress(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof RangeError) throw new AssayError("PAYLOAD_TOO_LARGE", `the request body unpacks to more than ${maxBytes} bytes`);
    throw new AssayError("BAD_REQUEST", "the request body is broken gzip", { cause: error });
  }
  if (plain.length > maxBytes) throw new AssayError("PAYLOAD_TOO_LARGE", `the request body is larger than ${maxBytes} bytes`);
  return plain;
}
