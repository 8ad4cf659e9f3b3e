import type Database from "better-sqlite3";
import type { Digest } from "../../core/digest.ts";
import type {
  CacheRecords,
  DocumentUse,
  Holder,
  IdleDocument,
  KeptBlob,
  Pin,
  Removal,
  RemovalCause,
  Reservation,
  ReservationRequest,
  UsePlace,
} from "../../core/ports/cache-records.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { Leases } from "../sqlite/leases.ts";
import type { Transactions } from "../sqlite/transactions.ts";
import { IdleDocuments } from "./idle-documents.ts";
import { IndexSpace } from "./index-space.ts";
import { KeptBlobs } from "./kept-blobs.ts";
import { Pins } from "./pins.ts";

/** The life of the cache in the index database. Reservations are leases that say how many bytes are about to come in under them. */
export class SqliteCacheRecords implements CacheRecords {
  readonly #transactions: Transactions;
  readonly #clock: Clock;
  readonly #blobs: KeptBlobs;
  readonly #documents: IdleDocuments;
  readonly #pins: Pins;
  readonly #space: IndexSpace;
  readonly #leases: Leases;

  constructor(database: Database.Database, transactions: Transactions, clock: Clock) {
    this.#transactions = transactions;
    this.#clock = clock;
    this.#blobs = new KeptBlobs(database);
    this.#documents = new IdleDocuments(database);
    this.#pins = new Pins(database);
    this.#space = new IndexSpace(database);
    this.#leases = new Leases(database);
  }

  async noteUses(uses: { readonly blobs: ReadonlyMap<Digest, number>; readonly documents: readonly DocumentUse[] }): Promise<void> {
    if (uses.blobs.size === 0 && uses.documents.length === 0) return;
    this.#transactions.writeUnsynced(() => {
      for (const [digest, usedAt] of uses.blobs) this.#blobs.use(digest, usedAt);
      for (const use of uses.documents) this.#documents.use(use);
    });
  }

  async reserve(digest: Digest, owner: string, { sizeBytes, maxBytes, ttlMs }: ReservationRequest): Promise<Reservation> {
    return this.#transactions.writeUnsynced((): Reservation => {
      const addedBytes = this.#blobs.find(digest) ? 0 : sizeBytes;
      if (!this.#leases.take(leaseKey(digest), owner, this.#clock.now(), ttlMs, addedBytes)) return { kind: "busy" };
      if (maxBytes === undefined || addedBytes === 0) return { kind: "reserved" };
      const excessBytes = this.#blobs.bytes() + this.#leases.bytes() - maxBytes;
      if (excessBytes <= 0) return { kind: "reserved" };
      this.#leases.release(leaseKey(digest), owner);
      return { kind: "full", excessBytes };
    });
  }

  async unreserve(digest: Digest, owner: string): Promise<void> {
    this.#transactions.writeUnsynced(() => this.#leases.release(leaseKey(digest), owner));
  }

  async leastUsed(limit: number, options: { readonly after?: UsePlace; readonly unusedSince: number }): Promise<readonly KeptBlob[]> {
    return this.#transactions.read(() => this.#blobs.leastUsed(limit, options.after, options.unusedSince));
  }

  async keptBlobs(limit: number, after?: Digest): Promise<readonly KeptBlob[]> {
    return this.#transactions.read(() => this.#blobs.all(limit, after));
  }

  async kept(digest: Digest): Promise<KeptBlob | undefined> {
    return this.#transactions.read(() => this.#blobs.find(digest));
  }

  async isWanted(digest: Digest): Promise<boolean> {
    return this.#transactions.read(() => this.#blobs.isWanted(digest));
  }

  async isHosted(digest: Digest): Promise<boolean> {
    return this.#transactions.read(() => this.#blobs.isHosted(digest));
  }

  async holders(digest: Digest): Promise<readonly Holder[]> {
    return this.#transactions.read(() => this.#blobs.holders(digest));
  }

  async remove(
    blob: Pick<KeptBlob, "digest" | "sizeBytes">,
    removal: { readonly at: number; readonly why: RemovalCause; readonly unusedSince: number },
  ): Promise<boolean> {
    return this.#transactions.write(() => this.#blobs.remove(blob, removal));
  }

  async removal(digest: Digest): Promise<Removal | undefined> {
    return this.#transactions.read(() => this.#blobs.removal(digest));
  }

  async removalsAfter(id: number, limit: number): Promise<readonly Removal[]> {
    return this.#transactions.read(() => this.#blobs.removalsAfter(id, limit));
  }

  async newestRemoval(): Promise<number> {
    return this.#transactions.read(() => this.#blobs.newestRemoval());
  }

  async idleDocuments(
    limit: number,
    options: { readonly after?: number; readonly unusedSince: number; readonly alsoRefused: boolean },
  ): Promise<readonly IdleDocument[]> {
    return this.#transactions.read(() => this.#documents.idle(limit, options));
  }

  async letGo(document: Pick<IdleDocument, "id" | "lastUsedAt">): Promise<boolean> {
    return this.#transactions.write(() => this.#documents.letGo(document));
  }

  async pins(): Promise<readonly Pin[]> {
    return this.#transactions.read(() => this.#pins.all());
  }

  async addPins(pins: readonly Pin[]): Promise<number> {
    return this.#transactions.write(() => this.#pins.add(pins));
  }

  async removePin(pattern: string): Promise<boolean> {
    return this.#transactions.write(() => this.#pins.remove(pattern));
  }

  async freeIndexBytes(): Promise<number> {
    return this.#transactions.read(() => this.#space.freeBytes());
  }

  async shrinkIndex(options: { readonly maxBytes: number } | { readonly whole: true }): Promise<number> {
    return this.#transactions.read(() => ("whole" in options ? this.#space.rewrite() : this.#space.shrink(options.maxBytes)));
  }
}

function leaseKey(digest: Digest): string {
  return `blob\0${digest}`;
}
