import { type Checksum, parseHexChecksum } from "../../core/digest.ts";
import type { KnownFile, ListedFile, Listing } from "../../core/ports/index-store.ts";
import { parseFileName } from "./file-name.ts";
import type { SimpleFile, SimpleProject } from "./simple-project.ts";

/** A time with its zone: `2023-05-22T15:12:42.000001Z`. Without one it would be read as the time of this machine. */
const UPLOAD_TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})$/;

/** What the index keeps of a project's page. */
export function listingOf(project: SimpleProject): Listing {
  return { name: project.name, files: project.files.map(rowOf) };
}

function rowOf(file: SimpleFile): ListedFile {
  const publishedAt = publicationTime(file.uploadTime);
  return {
    version: file.name.version,
    file: file.name.file,
    url: file.url,
    claims: file.claims,
    ...(file.sizeBytes === undefined ? {} : { sizeBytes: file.sizeBytes }),
    ...(publishedAt === undefined ? {} : { publishedAt }),
    extra: {
      yanked: file.yanked,
      ...(file.requiresPython === undefined ? {} : { requiresPython: file.requiresPython }),
      ...(file.uploadTime === undefined ? {} : { uploadTime: file.uploadTime }),
      ...(file.metadataSha256 === undefined ? {} : { metadataSha256: file.metadataSha256 }),
      ...(file.provenance ? { provenance: file.provenance } : {}),
    },
  };
}

/** Milliseconds since the epoch; undefined for text that is no exact time. */
export function publicationTime(uploadTime: string | undefined): number | undefined {
  if (uploadTime === undefined || !UPLOAD_TIME.test(uploadTime)) return undefined;
  const time = Date.parse(uploadTime);
  return Number.isNaN(time) ? undefined : time;
}

/** A row as a file of a page again. Undefined where its name is none that can be asked for. */
export function fileOf(row: KnownFile, project: string): SimpleFile | undefined {
  const name = parseFileName(row.file, project);
  const yanked = row.extra?.["yanked"];
  const requiresPython = text(row, "requiresPython");
  const uploadTime = text(row, "uploadTime");
  const provenance = provenanceLink(row);
  return (
    name && {
      name,
      url: row.url,
      hashes: Object.fromEntries(row.claims.map((claim) => [claim.algorithm, claim.hex])),
      claims: row.claims,
      yanked: typeof yanked === "string" ? yanked : yanked === true,
      ...(row.sizeBytes === undefined ? {} : { sizeBytes: row.sizeBytes }),
      ...(requiresPython === undefined ? {} : { requiresPython }),
      ...(uploadTime === undefined ? {} : { uploadTime }),
      ...(provenance === undefined ? {} : { provenance }),
      unknown: {},
    }
  );
}

/** What the page promised for the wheel's METADATA, as a claim. */
export function metadataClaim(row: ListedFile, project: string): Checksum | undefined {
  const sha256 = text(row, "metadataSha256");
  return sha256 === undefined ? undefined : parseHexChecksum("sha256", sha256, `the core-metadata of the simple index of ${project}`);
}

/** Where upstream has the file's provenance. */
export function provenanceLink(row: KnownFile): string | undefined {
  return text(row, "provenance");
}

function text(row: ListedFile, key: string): string | undefined {
  const value = row.extra?.[key];
  return typeof value === "string" ? value : undefined;
}
