import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync } from "node:fs";
import type { Digest } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import { listingDigest } from "../../core/listing-digest.ts";
import { quote } from "../../core/quote.ts";
import { gunzip } from "../../verify/archive/gzip.ts";
import { listArchive } from "../../verify/archive/list-archive.ts";
import type { ScanJob } from "../../verify/archive/scan-report.ts";
import type { ScannedMember } from "../../verify/archive/scanned-member.ts";
import { type TarFields, tarFields } from "../../verify/archive/tar-fields.ts";
import { compareListings, type Difference } from "./difference.ts";

export interface Comparison {
  readonly publishedListing: Digest;
  readonly rebuiltListing: Digest;
  /** Of what they hold; only where that is the same, of how it is written. Never empty: the archives are known to differ. */
  readonly differences: readonly Difference[];
}

/** Names what differs between two tar archives of different bytes. Reads both whole, in this thread. Throws UNPROCESSABLE for one that the mirror's scan refuses. */
export async function compareArchives(published: ScanJob, rebuilt: ScanJob): Promise<Comparison> {
  const [ours, theirs] = [await read(published, "the published archive"), await read(rebuilt, "the rebuilt archive")];
  const differences = compareListings(ours.entries, theirs.entries);
  return {
    publishedListing: listingDigest(ours.entries),
    rebuiltListing: listingDigest(theirs.entries),
    differences: differences.length > 0 ? differences : await formDifferences(ours, theirs),
  };
}

/** How one member is written, beside what it holds. */
interface Form extends TarFields {
  readonly name: string;
  readonly type: string;
  /** Types of the extended headers before it. */
  readonly extensions: string;
}

interface ReadArchive {
  readonly job: ScanJob;
  readonly entries: Awaited<ReturnType<typeof listArchive>>["entries"];
  readonly members: readonly Form[];
}

async function read(job: ScanJob, what: string): Promise<ReadArchive> {
  const members: Form[] = [];
  const { report, entries } = await listArchive(job, (member) => void members.push(formOf(member)));
  if (report.kind !== "sound") throw new AssayError("UNPROCESSABLE", `${what} cannot be read: ${report.detail}`);
  return { job, entries, members };
}

function formOf({ name, type, header, extensions }: ScannedMember): Form {
  return { name, type, ...tarFields(header), extensions: extensions.map((extension) => extension.type).join("") };
}

/** In the words of a tar header. */
const FIELDS = ["type", "mode", "uid", "gid", "uname", "gname", "mtime", "extensions"] as const satisfies readonly (keyof Form)[];

async function formDifferences(published: ReadArchive, rebuilt: ReadArchive): Promise<readonly Difference[]> {
  const [ours, theirs] = [published.members.map(({ name }) => name), rebuilt.members.map(({ name }) => name)];
  const place = ours.findIndex((name, position) => theirs[position] !== name);
  if (place !== -1 || ours.length !== theirs.length) {
    const at = place === -1 ? ours.length : place;
    return [
      form(
        `${ours.length} entries, number ${at + 1} is ${named(ours[at])}`,
        `${theirs.length} entries, number ${at + 1} is ${named(theirs[at])}`,
      ),
    ];
  }
  const fields = FIELDS.flatMap((field) => fieldDifference(field, published.members, rebuilt.members));
  if (fields.length > 0) return fields;
  const [tar, other] = [await tarDigest(published.job), await tarDigest(rebuilt.job)];
  if (tar !== other) return [form("another padding or extended headers", "the same entries")];
  return [form("another gzip header or compression", "the same tar archive")];
}

function fieldDifference(field: (typeof FIELDS)[number], published: readonly Form[], rebuilt: readonly Form[]): readonly Difference[] {
  const differing = published.flatMap((ours, position) => {
    const theirs = rebuilt[position];
    return theirs && theirs[field] !== ours[field] ? [{ ours, theirs }] : [];
  });
  const [first] = differing;
  if (!first) return [];
  const where = `of ${named(first.ours.name)}${differing.length === 1 ? "" : ` and ${differing.length - 1} more`}`;
  return [form(`${field} ${valueText(field, first.ours)} ${where}`, valueText(field, first.theirs))];
}

function valueText(field: (typeof FIELDS)[number], member: Form): string {
  const value = member[field];
  return field === "mode" && typeof value === "number" && value >= 0 ? value.toString(8).padStart(4, "0") : quote(String(value));
}

function named(name: string | undefined): string {
  return name === undefined ? "none" : quote(name);
}

async function tarDigest({ path, format }: ScanJob): Promise<string | undefined> {
  if (format.container !== "tar.gz") return undefined;
  const fd = openSync(path, "r");
  try {
    const hash = createHash("sha256");
    for await (const chunk of gunzip(fd, fstatSync(fd).size)) hash.update(chunk);
    return hash.digest("hex");
  } finally {
    closeSync(fd);
  }
}

function form(published: string, rebuilt: string): Difference {
  return { kind: "form", path: null, published, rebuilt };
}
