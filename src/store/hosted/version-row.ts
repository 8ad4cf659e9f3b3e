import { z } from "zod";
import type { JsonObject } from "../../core/json.ts";
import type { HostedVersion } from "../../core/ports/hosted-packages.ts";
import { bytesSchema, digestSchema, jsonColumn, readRow, timeSchema } from "../sqlite/read-row.ts";

/** JSON of our own writing: whoever serves it picks what it knows. */
export const objectColumn = jsonColumn(
  z.custom<JsonObject>((value) => typeof value === "object" && value !== null && !Array.isArray(value)),
);

const rowSchema = z.object({
  id: z.int(),
  name: z.string(),
  version: z.string(),
  digest: digestSchema,
  sizeBytes: bytesSchema,
  publishedAt: timeSchema,
  publishedBy: z.string(),
  status: z.enum(["pending", "approved", "rejected"]),
  tag: z.string().nullable(),
  yankedAt: timeSchema.nullable(),
  deprecated: jsonColumn(z.object({ message: z.string(), replacement: z.string().exactOptional() })).nullable(),
  fields: objectColumn,
});

/** Selects what `toVersion` reads. Without the signatures, which may have a MiB. */
export const SELECT_VERSION = `
  SELECT v.id, p.name, v.version, v.digest, v.size_bytes AS sizeBytes, v.published_at AS publishedAt, v.published_by AS publishedBy, v.status,
    v.tag, v.yanked_at AS yankedAt, v.deprecated, v.fields
  FROM hosted_versions v JOIN hosted_packages p ON p.id = v.package_id`;

export function toVersion(row: unknown): HostedVersion {
  const { tag, yankedAt, deprecated, ...version } = readRow(rowSchema, row, "a published version");
  return {
    ...version,
    ...(tag === null ? {} : { tag }),
    ...(yankedAt === null ? {} : { yankedAt }),
    ...(deprecated === null ? {} : { deprecated }),
  };
}
