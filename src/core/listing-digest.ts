import { createHash } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";
import { type Digest, parseDigest } from "./digest.ts";

/** What one file or link of an archive is to whoever unpacks it: its path, its content, and whether it may be run. */
export type ListingEntry =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly executable: boolean;
      readonly sizeBytes: number;
      /** Of the content, lowercase hexadecimal. */
      readonly sha256: string;
    }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

/** Stands before the entries, so that a listing of another form can never have the digest of one of this form. */
const FORM = "assay-listing-v1\n";

/**
 * The digest of what an archive holds, whoever packed it: the SHA-256 of the text `assay-listing-v1\n` and one line for each entry, sorted by the UTF-8 bytes of their
 * paths. A line is the RFC 8785 JSON of `["file", path, executable, sizeBytes, sha256]` or `["link", path, target]`, and a line feed.
 * Two archives of the same files have the same digest, though their compression, times, owners, header forms and padding differ; what differs in a path, a byte of
 * content, a link's target or the permission to run does not. Folders have no entry, as they hold nothing of their own.
 */
export function listingDigest(entries: Iterable<ListingEntry>): Digest {
  const hash = createHash("sha256").update(FORM);
  for (const entry of sortedByPath(entries)) hash.update(`${canonicalJson(fieldsOf(entry))}\n`);
  return parseDigest(hash.digest("hex"));
}

function fieldsOf(entry: ListingEntry): readonly unknown[] {
  if (entry.kind === "link") return [entry.kind, entry.path, entry.target];
  return [entry.kind, entry.path, entry.executable, entry.sizeBytes, entry.sha256];
}

/**
 * By the UTF-8 bytes of their paths: the order that does not hang on a locale. JavaScript's own compares UTF-16 units and so puts U+1F600 before U+FB00.
 */
export function sortedByPath<Entry extends { readonly path: string }>(entries: Iterable<Entry>): readonly Entry[] {
  return [...entries]
    .map((entry) => ({ entry, key: Buffer.from(entry.path) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ entry }) => entry);
}
