import { hash } from "node:crypto";
import type Database from "better-sqlite3";
import { z } from "zod";
import type { ArtifactRef } from "../../core/artifact.ts";
import { type Checksum, parseHexChecksum } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import type { DocumentRecord, KnownFile, ListedFile, Sighting } from "../../core/ports/index-store.ts";
import type { Artifacts } from "./artifacts.ts";
import { integerOrNull } from "./integer-or-null.ts";
import { Names } from "./names.ts";
import { bytesSchema, jsonColumn, readRow, timeSchema } from "./read-row.ts";

const rowSchema = z.object({
  id: z.int(),
  version: z.string(),
  file: z.string(),
  upstream: z.string(),
  url: z.string().refine((text) => URL.canParse(text)),
  sizeBytes: bytesSchema.nullable(),
  publishedAt: z.int().nullable(),
  firstSeenAt: timeSchema,
  extra: jsonColumn(z.record(z.string(), z.unknown())).nullable(),
  listed: z.literal([0, 1]).transform((flag) => flag === 1),
});

const sightingSchema = z.object({ version: z.string(), file: z.string(), firstSeenAt: timeSchema }) satisfies z.ZodType<Sighting>;

const claimSchema = z
  .object({ algorithm: z.string(), digest: z.instanceof(Uint8Array), claimedBy: z.string() })
  .transform(({ algorithm, digest, claimedBy }): Checksum => {
    const checksum = parseHexChecksum(algorithm, Buffer.from(digest).toString("hex"), claimedBy);
    if (!checksum) throw new AssayError("STORE_CORRUPT", `unknown algorithm ${JSON.stringify(algorithm)}`);
    return checksum;
  });

const COLUMNS = `
  l.id, a.version, a.file, u.name AS upstream, l.url, l.size_bytes AS sizeBytes, l.published_at AS publishedAt,
  a.first_seen_at AS firstSeenAt, l.extra, l.listed`;
const TABLES = `
  packages p
  JOIN artifacts a ON a.package_id = p.id
  JOIN listed_files l ON l.artifact_id = a.id
  JOIN upstreams u ON u.id = l.upstream_id`;
/** Several documents may list an archive. What is still listed counts first, then what changed last. */
const BEST_FIRST = `l.listed DESC, l.changed_at DESC, l.id DESC`;

/** A file of a new listing, with the digest over all that is said about it. */
export interface FingerprintedFile {
  readonly file: ListedFile;
  readonly fingerprint: string;
}

interface HeldFile {
  readonly id: number;
  readonly packageId: number;
  readonly version: string;
  readonly file: string;
  readonly fingerprint: string;
  readonly listed: number;
}

/**
 * The files of a listing by archive, to be compared with those held. Of two entries for one archive the last one counts.
 * Throws UPSTREAM_MALFORMED for a URL that is not absolute: once stored, it would make every later read of the package fail.
 */
export function fingerprintFiles(files: readonly ListedFile[], upstream: string): Map<string, FingerprintedFile> {
  const fingerprinted = new Map<string, FingerprintedFile>();
  for (const file of files) {
    if (!URL.canParse(file.url)) {
      throw new AssayError(
        "UPSTREAM_MALFORMED",
        `${upstream} gives ${file.file} a URL that is not absolute: ${JSON.stringify(file.url.slice(0, 200))}`,
      );
    }
    fingerprinted.set(archiveKey(file), { file, fingerprint: fingerprintOf(file, upstream) });
  }
  return fingerprinted;
}

/** What upstream indexes say about archives, and what they said. */
export class ListedFiles {
  readonly #artifacts: Artifacts;
  readonly #upstreams: Names;
  readonly #claimants: Names;
  readonly #one: Database.Statement;
  readonly #ofPackage: Database.Statement;
  readonly #sightings: Database.Statement;
  readonly #firstSeen: Database.Statement<unknown[], { firstSeenAt: number | null }>;
  readonly #claimsOfOne: Database.Statement;
  readonly #claimsOfPackage: Database.Statement<unknown[], { id: number }>;
  readonly #ofDocument: Database.Statement<unknown[], HeldFile>;
  readonly #add: Database.Statement;
  readonly #update: Database.Statement;
  readonly #unlist: Database.Statement;
  readonly #addClaim: Database.Statement;
  readonly #dropClaims: Database.Statement;

  constructor(database: Database.Database, artifacts: Artifacts, upstreams: Names) {
    this.#artifacts = artifacts;
    this.#upstreams = upstreams;
    this.#claimants = new Names(database, "claimants");
    this.#one = database.prepare(
      `SELECT ${COLUMNS} FROM ${TABLES} WHERE p.repository = ? AND p.name = ? AND a.version = ? AND a.file = ? ORDER BY ${BEST_FIRST} LIMIT 1`,
    );
    this.#ofPackage = database.prepare(
      `SELECT ${COLUMNS} FROM ${TABLES} WHERE p.repository = ? AND p.name = ? ORDER BY a.id, ${BEST_FIRST}`,
    );
    this.#firstSeen = database.prepare<unknown[], { firstSeenAt: number | null }>(
      `SELECT min(a.first_seen_at) AS firstSeenAt FROM packages p JOIN artifacts a ON a.package_id = p.id WHERE p.repository = ? AND p.name = ?`,
    );
    this.#sightings = database.prepare(
      `SELECT a.version, a.file, a.first_seen_at AS firstSeenAt FROM packages p JOIN artifacts a ON a.package_id = p.id
       WHERE p.repository = ? AND p.name = ? AND a.first_seen_at IS NOT NULL ORDER BY a.id`,
    );
    this.#claimsOfOne = database.prepare(
      `SELECT c.algorithm, c.digest, n.name AS claimedBy FROM claims c JOIN claimants n ON n.id = c.claimant_id
       WHERE c.listed_file_id = ? ORDER BY c.position`,
    );
    this.#claimsOfPackage = database.prepare<unknown[], { id: number }>(
      `SELECT l.id, c.algorithm, c.digest, n.name AS claimedBy FROM ${TABLES}
       JOIN claims c ON c.listed_file_id = l.id JOIN claimants n ON n.id = c.claimant_id
       WHERE p.repository = ? AND p.name = ? ORDER BY l.id, c.position`,
    );
    this.#ofDocument = database.prepare<unknown[], HeldFile>(
      `SELECT l.id, a.package_id AS packageId, a.version, a.file, l.fingerprint, l.listed
       FROM listed_files l JOIN artifacts a ON a.id = l.artifact_id WHERE l.document_id = ?`,
    );
    this.#add = database.prepare(
      `INSERT INTO listed_files (document_id, artifact_id, upstream_id, url, size_bytes, published_at, extra, listed, changed_at, fingerprint)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#update = database.prepare(
      `UPDATE listed_files SET upstream_id = ?, url = ?, size_bytes = ?, published_at = ?, extra = ?, listed = ?, changed_at = ?, fingerprint = ?
       WHERE id = ?`,
    );
    this.#unlist = database.prepare("UPDATE listed_files SET listed = 0, changed_at = ? WHERE id = ?");
    this.#addClaim = database.prepare(
      "INSERT INTO claims (listed_file_id, position, algorithm, digest, claimant_id) VALUES (?, ?, ?, ?, ?)",
    );
    this.#dropClaims = database.prepare("DELETE FROM claims WHERE listed_file_id = ?");
  }

  find(ref: ArtifactRef): KnownFile | undefined {
    const row = this.#one.get(ref.repository, ref.name, ref.version, ref.file);
    if (row === undefined) return undefined;
    const file = readRow(rowSchema, row, `a listed file of ${ref.name}`);
    return toKnownFile(file, readClaims(this.#claimsOfOne.all(file.id), ref.name));
  }

  /** When the first file of a package was first seen; undefined for a package never listed. */
  firstSeenAt(repository: string, name: string): number | undefined {
    return this.#firstSeen.get(repository, name)?.firstSeenAt ?? undefined;
  }

  sightings(repository: string, name: string): Sighting[] {
    return this.#sightings.all(repository, name).map((row) => readRow(sightingSchema, row, `a listed file of ${name}`));
  }

  ofPackage(repository: string, name: string): KnownFile[] {
    const claims = Map.groupBy(this.#claimsOfPackage.all(repository, name), (row) => row.id);
    const files = new Map<string, KnownFile>();
    for (const row of this.#ofPackage.all(repository, name)) {
      const file = readRow(rowSchema, row, `a listed file of ${name}`);
      const key = archiveKey(file);
      if (!files.has(key)) files.set(key, toKnownFile(file, readClaims(claims.get(file.id) ?? [], name)));
    }
    return [...files.values()];
  }

  /**
   * Makes what a document lists what is held of it, and writes only rows that differ. What it lists no more stays, marked unlisted.
   * Call within a transaction.
   */
  put(
    documentId: number,
    key: { readonly repository: string; readonly name: string },
    document: Pick<DocumentRecord, "upstream" | "fetchedAt">,
    { files, isLost = false }: { readonly files: ReadonlyMap<string, FingerprintedFile>; readonly isLost?: boolean },
  ): void {
    const packageId = this.#artifacts.packageId(key.repository, key.name);
    const upstreamId = this.#upstreams.idOf(document.upstream);
    const seenAt = document.fetchedAt;
    const listed = isLost ? 0 : 1;
    const claimants = new Map<string, number>();
    const held = new Map<string, HeldFile>();
    for (const row of this.#ofDocument.all(documentId)) {
      // A document that came to list another package: the files of the one before are listed no more.
      if (row.packageId === packageId && files.has(archiveKey(row))) held.set(archiveKey(row), row);
      else if (row.listed === 1) this.#unlist.run(seenAt, row.id);
    }
    for (const [archive, { file, fingerprint }] of files) {
      const before = held.get(archive);
      if (before?.listed === listed && before.fingerprint === fingerprint) continue;
      const extra = file.extra === undefined ? null : JSON.stringify(file.extra);
      const said = [upstreamId, file.url, integerOrNull(file.sizeBytes, 0), integerOrNull(file.publishedAt), extra, listed];
      let id: number;
      if (before) {
        this.#update.run(...said, seenAt, fingerprint, before.id);
        this.#dropClaims.run(before.id);
        id = before.id;
      } else {
        const artifactId = this.#artifacts.listedId(packageId, file.version, file.file, seenAt);
        id = Number(this.#add.run(documentId, artifactId, ...said, seenAt, fingerprint).lastInsertRowid);
      }
      for (const [position, claim] of file.claims.entries()) {
        let claimantId = claimants.get(claim.claimedBy);
        if (claimantId === undefined) {
          claimantId = this.#claimants.idOf(claim.claimedBy);
          claimants.set(claim.claimedBy, claimantId);
        }
        this.#addClaim.run(id, position, claim.algorithm, Buffer.from(claim.hex, "hex"), claimantId);
      }
    }
  }
}

function archiveKey(file: Pick<ListedFile, "version" | "file">): string {
  return `${file.version}\0${file.file}`;
}

/**
 * Over everything upstream says about a file. The first 132 bits of a SHA-256: an upstream that forges a collision only keeps its own
 * row from changing. Another order of the same properties counts as a change, which costs a write and nothing else.
 */
function fingerprintOf(file: ListedFile, upstream: string): string {
  return hash("sha256", `${upstream}\0${JSON.stringify(file)}`, "base64url").slice(0, 22);
}

function readClaims(rows: readonly unknown[], name: string): Checksum[] {
  return rows.map((row) => readRow(claimSchema, row, `a claim about a file of ${name}`));
}

function toKnownFile(row: z.infer<typeof rowSchema>, claims: readonly Checksum[]): KnownFile {
  const { version, file, upstream, url, firstSeenAt, listed } = row;
  return {
    version,
    file,
    upstream,
    url,
    firstSeenAt,
    listed,
    claims,
    ...(row.sizeBytes === null ? {} : { sizeBytes: row.sizeBytes }),
    ...(row.publishedAt === null ? {} : { publishedAt: row.publishedAt }),
    ...(row.extra === null ? {} : { extra: row.extra }),
  };
}
