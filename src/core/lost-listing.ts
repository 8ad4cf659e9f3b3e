import { z } from "zod";
import type { BundledArtifact } from "./bundle-manifest.ts";
import { canonicalJson } from "./canonical-json.ts";
import { type Checksum, parseHexChecksum } from "./digest.ts";
import { AssayError } from "./errors.ts";
import { parseStrictJson, StrictJsonError } from "./parse-strict-json.ts";
import type { RecalledFile } from "./ports/index-store.ts";
import { quote } from "./quote.ts";

/** Bytes of one: what registries say of a version, with its dependencies. */
export const MAX_LOST_LISTING_BYTES = 1024 * 1024;
/** As deep as registries' own documents may be. */
const MAX_DEPTH = 64;
const MAX_CLAIMS = 64;

const schema = z.strictObject({
  format: z.literal(1),
  /** When the exporter decided of the archive last. Milliseconds since the epoch. */
  saidAt: z.int().min(0).max(8.64e15),
  sizeBytes: z.int().min(0).exactOptional(),
  publishedAt: z.int().exactOptional(),
  claims: z
    .array(z.strictObject({ algorithm: z.string().max(16), hex: z.string().max(256), claimedBy: z.string().max(1024) }))
    .max(MAX_CLAIMS),
  extra: z.record(z.string(), z.unknown()).exactOptional(),
});

/** What a bundle has in the place of an index page, for an archive that its upstream lists no more: what was said of it last, by the exporter's own record. */
export interface LostListing {
  readonly said: RecalledFile;
  readonly saidAt: number;
}

/** The one text of it. Where the archive was and what it is called stand in the manifest. */
export function formatLostListing({ said: { sizeBytes, publishedAt, claims, extra }, saidAt }: LostListing): Buffer {
  const optional = {
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(publishedAt === undefined ? {} : { publishedAt }),
    ...(extra === undefined ? {} : { extra }),
  };
  return Buffer.from(canonicalJson({ format: 1, saidAt, claims, ...optional }));
}

/** Every claim in it is told with `teller`, who says that it was made. Throws UPSTREAM_MALFORMED. */
export function parseLostListing(body: Buffer, { version, file, upstream, url }: BundledArtifact, teller: string): LostListing {
  const parsed = schema.safeParse(parseText(body, file));
  if (!parsed.success) throw malformed(file, parsed.error.issues[0]?.message ?? "");
  const { claims: told, saidAt, format: _, ...rest } = parsed.data;
  const claims = told.map(({ algorithm, hex, claimedBy }): Checksum => {
    const claim = parseHexChecksum(algorithm, hex, `${claimedBy}, as ${teller} says`);
    if (!claim) throw malformed(file, `it claims a digest by an unknown algorithm, ${quote(algorithm)}`);
    return claim;
  });
  return { said: { version, file, upstream, url, claims, ...rest }, saidAt };
}

function parseText(body: Buffer, file: string): unknown {
  try {
    return parseStrictJson(body, MAX_DEPTH);
  } catch (error) {
    if (error instanceof StrictJsonError) throw malformed(file, error.message);
    throw error;
  }
}

function malformed(file: string, detail: string): AssayError {
  return new AssayError(
    "UPSTREAM_MALFORMED",
    `what the bundle has in the place of an index page for ${quote(file)} cannot be read: ${detail}`,
  );
}
