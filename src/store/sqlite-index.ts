import { join } from "node:path";
import type Database from "better-sqlite3";
import { LRUCache } from "lru-cache";
import { type ArtifactRef, artifactKey } from "../core/artifact.ts";
import type { DecisionEntry, LoggedDecision } from "../core/decision.ts";
import type { Activity, RefusedPackage, UpstreamAnswers } from "../core/ports/activity.ts";
import type { Clock } from "../core/ports/clock.ts";
import type {
  Counter,
  CounterDelta,
  DecisionFilter,
  DocumentKey,
  DocumentRecord,
  Index,
  IndexUsage,
  KnownFile,
  Listing,
  Sighting,
} from "../core/ports/index-store.ts";
import type { Admission } from "../core/verdict.ts";
import { SqliteCacheRecords } from "./cache/sqlite-cache-records.ts";
import { SqliteScrubRecords } from "./scrub/sqlite-scrub-records.ts";
import { StoredItems } from "./scrub/stored-items.ts";
import { ActivityDays } from "./sqlite/activity-days.ts";
import { Admissions } from "./sqlite/admissions.ts";
import { Artifacts } from "./sqlite/artifacts.ts";
import { CounterSums } from "./sqlite/counter-sums.ts";
import { Decisions } from "./sqlite/decisions.ts";
import { Leases } from "./sqlite/leases.ts";
import { fingerprintFiles, ListedFiles } from "./sqlite/listed-files.ts";
import { Names } from "./sqlite/names.ts";
import { openDatabase } from "./sqlite/open-database.ts";
import { packBody, StoredDocuments, unpackDocument } from "./sqlite/stored-documents.ts";
import { Transactions } from "./sqlite/transactions.ts";
import { Usage } from "./sqlite/usage.ts";

/** Rows of each kind kept in memory. A row with its evidence takes a few KB. */
const CACHED_ROWS = 4096;
/** Their evidence, in characters of JSON: statements are foreign text, and a hostile one has a MiB. */
const CACHED_EVIDENCE_CHARACTERS = 32 * 1024 * 1024;
/** The same of whole packages, without the statements: each archive is judged by all that was admitted of its package, and one release may have a hundred. */
const CACHED_PACKAGE_CHARACTERS = 8 * 1024 * 1024;

/** A cached row, or that there is none: archives nobody has are asked for again and again, too. */
interface Cached<T> {
  readonly row: T | undefined;
}

export interface SqliteIndexOptions {
  /** Must exist. Holds `assay.db` with its log and shared memory, so it cannot be on a network file system. */
  readonly dataDir: string;
  readonly clock: Clock;
}

/**
 * The index in one SQLite database with a write-ahead log. Commits are synced, but for leases and validation times: those survive
 * the end of this process, not that of the machine, where nothing rests on them.
 *
 * Admissions and listed files are kept in memory. Writes of this process drop what they may have changed; those of others are noticed by
 * `PRAGMA data_version`, asked before each use, and drop everything. So an answer is never older than the last commit.
 */
export class SqliteIndex implements Index {
  /** Of the same database, over the same connection: what is written there drops nothing from this one's memory. */
  readonly cache: SqliteCacheRecords;
  /** The same. */
  readonly scrub: SqliteScrubRecords;
  readonly #database: Database.Database;
  readonly #transactions: Transactions;
  readonly #clock: Clock;
  readonly #admissions: Admissions;
  readonly #decisions: Decisions;
  readonly #documents: StoredDocuments;
  readonly #listedFiles: ListedFiles;
  readonly #counters: CounterSums;
  readonly #activity: ActivityDays;
  readonly #leases: Leases;
  readonly #usage: Usage;
  readonly #dataVersion: Database.Statement<unknown[], number>;
  readonly #admissionCache = new LRUCache<string, Cached<Admission>>({
    max: CACHED_ROWS,
    maxSize: CACHED_EVIDENCE_CHARACTERS,
    sizeCalculation: ({ row }) => 1 + (row ? JSON.stringify(row.evidence).length : 0),
  });
  readonly #packageCache = new LRUCache<string, readonly Admission[]>({
    maxSize: CACHED_PACKAGE_CHARACTERS,
    sizeCalculation: (admissions) => 1 + JSON.stringify(admissions).length,
  });
  readonly #fileCache = new LRUCache<string, Cached<KnownFile>>({ max: CACHED_ROWS });
  #cachedVersion: number | undefined;

  /** Use `SqliteIndex.open`, which brings the schema up to date. */
  private constructor(database: Database.Database, clock: Clock) {
    const artifacts = new Artifacts(database);
    const upstreams = new Names(database, "upstreams");
    this.#database = database;
    this.#transactions = new Transactions(database, "the index");
    this.cache = new SqliteCacheRecords(database, this.#transactions, clock);
    this.#clock = clock;
    this.#admissions = new Admissions(database, artifacts, upstreams);
    this.#decisions = new Decisions(database, artifacts);
    this.#documents = new StoredDocuments(database, upstreams);
    const items = new StoredItems(database, { documents: this.#documents, admissions: this.#admissions, decisions: this.#decisions });
    this.scrub = new SqliteScrubRecords(database, this.#transactions, items);
    this.#listedFiles = new ListedFiles(database, artifacts, upstreams);
    this.#counters = new CounterSums(database);
    this.#activity = new ActivityDays(database);
    this.#leases = new Leases(database);
    this.#usage = new Usage(database);
    this.#dataVersion = database.prepare<unknown[], number>("PRAGMA data_version").pluck();
  }

  /** Throws CONFIG_INVALID for a database that a newer Assay or another program wrote, STORE_CORRUPT, STORE_FULL, STORE_IO, BUSY. */
  static async open(options: SqliteIndexOptions): Promise<SqliteIndex> {
    return new SqliteIndex(await openDatabase(join(options.dataDir, "assay.db")), options.clock);
  }

  async admission(ref: ArtifactRef, options: { admittedOnly?: boolean } = {}): Promise<Admission | undefined> {
    const admittedOnly = options.admittedOnly ?? false;
    const find = (): Cached<Admission> => ({ row: this.#admissions.newest(ref, admittedOnly) });
    return this.#cached(this.#admissionCache, admissionKey(ref, admittedOnly), find).row;
  }

  async admitted(repository: string, name: string): Promise<readonly Admission[]> {
    const find = (): readonly Admission[] => this.#admissions.admittedOf(repository, name);
    return this.#cached(this.#packageCache, packageKey(repository, name), find);
  }

  async refused(repository: string, name: string): Promise<readonly Admission[]> {
    return this.#transactions.read(() => this.#admissions.refusedOf(repository, name));
  }

  async admittedRefs(limit: number, after?: ArtifactRef): Promise<readonly ArtifactRef[]> {
    return this.#transactions.read(() => this.#admissions.admittedRefs(limit, after));
  }

  async decidedRefs(limit: number, after?: ArtifactRef): Promise<readonly ArtifactRef[]> {
    return this.#transactions.read(() => this.#admissions.decidedRefs(limit, after));
  }

  async record(admission: Admission, decision: DecisionEntry): Promise<void> {
    this.#transactions.write(() => {
      this.#admissions.add(admission);
      this.#decisions.append(admission.ref, decision);
    });
    this.#admissionCache.delete(admissionKey(admission.ref, false));
    this.#admissionCache.delete(admissionKey(admission.ref, true));
    this.#packageCache.delete(packageKey(admission.ref.repository, admission.ref.name));
  }

  async appendDecision(ref: ArtifactRef, decision: DecisionEntry): Promise<void> {
    this.#transactions.write(() => this.#decisions.append(ref, decision));
  }

  async newestDecision(ref: ArtifactRef): Promise<DecisionEntry | undefined> {
    return this.#transactions.read(() => this.#decisions.newest(ref));
  }

  async decisions(filter: DecisionFilter): Promise<readonly LoggedDecision[]> {
    return this.#transactions.read(() => this.#decisions.matching(filter));
  }

  async document(key: DocumentKey): Promise<DocumentRecord | undefined> {
    const packed = this.#transactions.read(() => this.#documents.find(key));
    return packed && (await unpackDocument(packed));
  }

  async documentOwner(key: DocumentKey): Promise<{ readonly upstream: string; readonly isLetGo: boolean } | undefined> {
    return this.#transactions.read(() => this.#documents.ownerOf(key));
  }

  async putDocument(key: DocumentKey, document: DocumentRecord, listing: Listing | undefined): Promise<void> {
    const body = await packBody(document.body);
    const listed = listing && { ...listing, files: fingerprintFiles(listing.files, document.upstream) };
    this.#transactions.write(() => {
      const id = this.#documents.put(key, document, body);
      if (listed) this.#listedFiles.put(id, { repository: key.repository, name: listed.name }, document, listed);
    });
    if (listed) this.#fileCache.clear();
  }

  async touchDocument(key: DocumentKey, validatedAt: number): Promise<void> {
    this.#transactions.writeUnsynced(() => this.#documents.touch(key, validatedAt));
  }

  async file(ref: ArtifactRef): Promise<KnownFile | undefined> {
    return this.#cached(this.#fileCache, artifactKey(ref), () => ({ row: this.#listedFiles.find(ref) })).row;
  }

  async files(repository: string, name: string): Promise<readonly KnownFile[]> {
    return this.#transactions.read(() => this.#listedFiles.ofPackage(repository, name));
  }

  async firstSeenAt(repository: string, name: string): Promise<number | undefined> {
    return this.#transactions.read(() => this.#listedFiles.firstSeenAt(repository, name));
  }

  async sightings(repository: string, name: string): Promise<readonly Sighting[]> {
    return this.#transactions.read(() => this.#listedFiles.sightings(repository, name));
  }

  async usage(): Promise<IndexUsage> {
    return this.#transactions.read(() => this.#usage.now());
  }

  async count(deltas: readonly CounterDelta[], upstreams: readonly UpstreamAnswers[] = []): Promise<void> {
    if (deltas.length === 0 && upstreams.length === 0) return;
    this.#transactions.write(() => {
      this.#counters.add(deltas);
      this.#activity.add(deltas, upstreams, this.#clock.now());
    });
  }

  async activity(since: number): Promise<Activity> {
    return this.#transactions.read(() => this.#activity.since(since));
  }

  async refusedPackages(wanted: { since: number; limit: number; repository?: string }): Promise<readonly RefusedPackage[]> {
    return this.#transactions.read(() => this.#activity.refused(wanted));
  }

  async counters(): Promise<ReadonlyMap<string, Readonly<Record<Counter, number>>>> {
    return this.#transactions.read(() => this.#counters.all());
  }

  async lease(key: string, owner: string, ttlMs: number): Promise<boolean> {
    return this.#transactions.writeUnsynced(() => this.#leases.take(key, owner, this.#clock.now(), ttlMs));
  }

  async release(key: string, owner: string): Promise<void> {
    this.#transactions.writeUnsynced(() => this.#leases.release(key, owner));
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  #cached<T extends object>(cache: LRUCache<string, T>, key: string, find: () => T): T {
    return this.#transactions.read(() => {
      this.#dropWhatOthersChanged();
      const held = cache.get(key);
      if (held) return held;
      const found = find();
      cache.set(key, found);
      return found;
    });
  }

  #dropWhatOthersChanged(): void {
    const version = this.#dataVersion.get();
    if (version === this.#cachedVersion) return;
    this.#cachedVersion = version;
    this.#admissionCache.clear();
    this.#packageCache.clear();
    this.#fileCache.clear();
  }
}

function packageKey(repository: string, name: string): string {
  return `${repository}\0${name}`;
}

function admissionKey(ref: ArtifactRef, admittedOnly: boolean): string {
  return `${admittedOnly}\0${ref.ecosystem}\0${artifactKey(ref)}`;
}
