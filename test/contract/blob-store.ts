import { createHash } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { ALGORITHMS, type Digest, parseDigest } from "../../src/core/digest.ts";
import { AssayError } from "../../src/core/errors.ts";
import type { AdmittedBlob, BlobStore, QuarantinedBlob, Reception } from "../../src/core/ports/blob-store.ts";
import type { Admit, Verdict } from "../../src/core/verdict.ts";
import { codeOf } from "./code-of.ts";

/** One set of stored data, and the ways a test may look behind the port or damage what is there. */
export interface BlobStoreBench {
  /** Opens the store. A second one is what another process sees of the same data. The bench closes both. */
  open(): Promise<BlobStore>;
  /** Archives in quarantine, of whichever process. */
  quarantined(): Promise<number>;
  /** Digests kept, whichever way they are. */
  kept(): Promise<readonly string[]>;
  /** Cuts the stored bytes of a blob short. */
  truncate(digest: Digest, sizeBytes: number): Promise<void>;
  /** Loses the stored bytes of a blob. */
  lose(digest: Digest): Promise<void>;
}

const ADMIT: Admit = { kind: "admit", warnings: [] };
const MIB = 1024 * 1024;
/** Bytes a store may hold in memory for one archive. */
const MOST_BUFFERED = 4 * MIB;

/** What every BlobStore must do. `makeBench` is called within a test, and cleans up when it is over. */
export function blobStoreContract(makeBench: () => BlobStoreBench): void {
  async function openStore(bench = makeBench()): Promise<BlobStore> {
    return await bench.open();
  }

  describe("what must not come in", () => {
    test.each([
      { name: "one byte more than the limit is refused", sizeBytes: 1001, code: "UPSTREAM_LIMIT" },
      { name: "exactly the limit is taken", sizeBytes: 1000, code: undefined },
    ])("$name", async ({ sizeBytes, code }) => {
      const bench = makeBench();
      const store = await bench.open();
      const source = new CountedSource([patterned(600), patterned(sizeBytes - 600), patterned(0)]);
      const { whole } = store.receive(source, { maxBytes: 1000, algorithms: [] });
      expect(await codeOf(whole)).toBe(code);
      expect(await bench.quarantined()).toBe(code ? 0 : 1);
      expect(source.ended).toBe(true);
    });

    test("a source that fails midway: its own error comes through, and nothing stays", async () => {
      const bench = makeBench();
      const store = await bench.open();
      const cut = new AssayError("UPSTREAM_TRUNCATED", "the connection was cut");
      async function* source(): AsyncGenerator<Uint8Array> {
        yield patterned(2 * MIB);
        throw cut;
      }
      const reception = store.receive(source(), { maxBytes: 10 * MIB, algorithms: [] });
      await expect(reception.whole).rejects.toBe(cut);
      expect(await bench.quarantined()).toBe(0);
      expect(await codeOf(reception.read(Buffer.alloc(10), 0))).toBe("STORE_IO");
    });

    test("a failure nobody waits for ends no process", async () => {
      const store = await openStore();
      const unheard: unknown[] = [];
      const listen = (error: unknown) => unheard.push(error);
      process.on("unhandledRejection", listen);
      onTestFinished(() => void process.off("unhandledRejection", listen));
      store.receive(chunksOf(patterned(20), 10), { maxBytes: 5, algorithms: [] });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(unheard).toEqual([]);
    });

    test.each<{ name: string; prepare: (store: BlobStore, other: BlobStore, blob: QuarantinedBlob) => Promise<unknown> }>([
      {
        name: "a refused blob",
        // The compiler forbids it; the store must not rest on that alone.
        prepare: (store, _other, blob) =>
          store.promote(blob, { kind: "refuse", reasons: [] } satisfies { kind: Verdict["kind"]; reasons: [] } as unknown as Admit),
      },
      { name: "a discarded blob", prepare: (store, _other, blob) => store.discard(blob).then(() => store.promote(blob, ADMIT)) },
      { name: "a copy of a blob", prepare: (store, _other, blob) => store.promote({ ...blob }, ADMIT) },
      { name: "another process's blob", prepare: (_store, other, blob) => other.promote(blob, ADMIT) },
    ])("$name cannot be promoted", async ({ prepare }) => {
      const bench = makeBench();
      const [store, other] = [await bench.open(), await bench.open()];
      const blob = await receiveAll(store, patterned(100));
      expect(await codeOf(prepare(store, other, blob))).toBe("INTERNAL");
      expect(await bench.kept()).toEqual([]);
    });

    test("what is in quarantine cannot be found", async () => {
      const store = await openStore();
      const { digest, sizeBytes } = await receiveAll(store, patterned(100));
      expect(await store.find(digest, sizeBytes)).toBeUndefined();
    });

    test("closing ends what is arriving and leaves nothing", async () => {
      const bench = makeBench();
      const store = await bench.open();
      const source = new SlowSource(patterned(10));
      const { whole } = store.receive(source, { maxBytes: 100, algorithms: [] });
      await source.next();
      await store.close();
      source.end(patterned(10));
      expect(await codeOf(whole)).toBe("STORE_IO");
      expect(await bench.quarantined()).toBe(0);
      expect(await codeOf(store.receive(chunksOf(patterned(10), 10), { maxBytes: 100, algorithms: [] }).whole)).toBe("STORE_IO");
    });
  });

  describe("what is damaged", () => {
    test.each<{ name: string; damage: (bench: BlobStoreBench, digest: Digest) => Promise<void> }>([
      { name: "a blob that was cut short", damage: (bench, digest) => bench.truncate(digest, 99) },
      { name: "a blob that is gone", damage: (bench, digest) => bench.lose(digest) },
    ])("$name is not found, not opened, and made good by its next admission", async ({ damage }) => {
      const bench = makeBench();
      const store = await bench.open();
      const blob = await store.promote(await receiveAll(store, patterned(100)), ADMIT);
      await damage(bench, blob.digest);
      expect(await store.find(blob.digest, 100)).toBeUndefined();
      expect(await codeOf(store.open(blob))).toBe("STORE_CORRUPT");
      await store.promote(await receiveAll(store, patterned(100)), ADMIT);
      expectSame(await readBlob(store, blob), patterned(100));
    });

    test("a blob is not found by another size than its own", async () => {
      const store = await openStore();
      const { digest } = await store.promote(await receiveAll(store, patterned(100)), ADMIT);
      expect(await store.find(digest, 101)).toBeUndefined();
      expect(await store.find(digest, 100)).toEqual({ digest, sizeBytes: 100 });
    });
  });

  describe("what is taken away", () => {
    test("a removed blob is found by nobody; who reads it reads on to its end", async () => {
      const bench = makeBench();
      const [store, other] = [await bench.open(), await bench.open()];
      const bytes = patterned(3 * MIB);
      const blob = await store.promote(await receiveAll(store, bytes), ADMIT);
      const reader = await store.open(blob);
      expect(await other.remove(blob.digest)).toBe(true);
      expect(await store.find(blob.digest, blob.sizeBytes)).toBeUndefined();
      const target = Buffer.alloc(bytes.length);
      expect(await reader.read(target, 0)).toBe(bytes.length);
      expectSame(target, bytes);
      await reader.close();
      expect(await store.remove(blob.digest)).toBe(false);
      expect(await bench.kept()).toEqual([]);
    });

    test("a blob that was set aside is found no more, and made good by its next admission", async () => {
      const bench = makeBench();
      const store = await bench.open();
      const blob = await store.promote(await receiveAll(store, patterned(100)), ADMIT);
      await store.setAside(blob.digest);
      await store.setAside(blob.digest);
      expect(await store.find(blob.digest, 100)).toBeUndefined();
      expect(await codeOf(store.open(blob))).toBe("STORE_CORRUPT");
      expect(await bench.kept()).toEqual([]);
      await store.promote(await receiveAll(store, patterned(100)), ADMIT);
      expectSame(await readBlob(store, blob), patterned(100));
    });

    test("everything that is kept is listed, and nothing that is not admitted yet", async () => {
      const store = await openStore();
      const sizes = [10, 20, 30];
      for (const size of sizes) await store.promote(await receiveAll(store, patterned(size)), ADMIT);
      await receiveAll(store, patterned(40));
      const files = await Array.fromAsync(store.files());
      expect(files.map(({ sizeBytes }) => sizeBytes).sort()).toEqual(sizes);
      expect(files.map(({ digest }) => digest)).toEqual(files.map(({ digest }) => digest).toSorted());
      const { freeBytes, totalBytes } = await store.freeSpace();
      expect(totalBytes).toBeGreaterThan(0);
      expect(freeBytes).toBeLessThanOrEqual(totalBytes);
    });
  });

  describe("hashing and storing", () => {
    test.each([
      { name: "nothing at all", sizeBytes: 0, chunkBytes: 1 },
      { name: "one byte", sizeBytes: 1, chunkBytes: 1 },
      { name: "many tiny chunks", sizeBytes: 5_000, chunkBytes: 7 },
      { name: "chunks that do not divide a batch", sizeBytes: 3 * MIB + 17, chunkBytes: 65_537 },
      { name: "one chunk larger than everything", sizeBytes: 5 * MIB + 1, chunkBytes: 6 * MIB },
    ])("$name: bytes and all digests are right", async ({ sizeBytes, chunkBytes }) => {
      const bench = makeBench();
      const store = await bench.open();
      const bytes = patterned(sizeBytes);
      const blob = await store.receive(chunksOf(bytes, chunkBytes), { maxBytes: sizeBytes, algorithms: ALGORITHMS }).whole;
      const expected = Object.fromEntries(ALGORITHMS.map((name) => [name, createHash(name).update(bytes).digest("hex")]));
      expect(blob).toMatchObject({ sizeBytes, digest: expected["sha256"], digests: expected });
      const admitted = await store.promote(blob, ADMIT);
      expectSame(await readBlob(store, admitted), bytes);
      expect(await bench.kept()).toEqual([blob.digest]);
      expect(await bench.quarantined()).toBe(0);
    });

    test("SHA-256 and SHA-512 are computed unasked, others are not", async () => {
      const { digests } = await receiveAll(await openStore(), patterned(10));
      expect(Object.keys(digests).sort()).toEqual(["sha256", "sha512"]);
    });

    test("a source may reuse its buffer for the next chunk", async () => {
      const store = await openStore();
      const bytes = patterned(3 * MIB);
      async function* source(): AsyncGenerator<Uint8Array> {
        const buffer = Buffer.alloc(65_536);
        for (let at = 0; at < bytes.length; at += buffer.length) {
          bytes.copy(buffer, 0, at);
          yield buffer;
          buffer.fill(0xee);
        }
      }
      const blob = await store.receive(source(), { maxBytes: bytes.length, algorithms: [] }).whole;
      expectSame(await readBlob(store, await store.promote(blob, ADMIT)), bytes);
    });

    test("a sender faster than the store is slowed down, not buffered", async () => {
      const store = await openStore();
      let sentBytes = 0;
      let mostAhead = 0;
      async function* source(): AsyncGenerator<Uint8Array> {
        const chunk = patterned(65_536);
        for (let count = 0; count < 320; count++) {
          mostAhead = Math.max(mostAhead, sentBytes - reception.receivedBytes);
          sentBytes += chunk.length;
          yield chunk;
        }
      }
      const reception: Reception = store.receive(source(), { maxBytes: 32 * MIB, algorithms: [] });
      expect(await reception.whole).toMatchObject({ sizeBytes: 20 * MIB });
      expect(mostAhead).toBeLessThanOrEqual(MOST_BUFFERED);
    });
  });

  describe("promotion", () => {
    test("the same bytes twice are kept once, and both are admitted", async () => {
      const bench = makeBench();
      const [store, other] = [await bench.open(), await bench.open()];
      const blobs = [await receiveAll(store, patterned(100)), await receiveAll(store, patterned(100))] as const;
      const third = await receiveAll(other, patterned(100));
      const admitted = await Promise.all([store.promote(blobs[0], ADMIT), store.promote(blobs[1], ADMIT), other.promote(third, ADMIT)]);
      expect(new Set(admitted.map((blob) => blob.digest)).size).toBe(1);
      expect(await bench.kept()).toEqual([third.digest]);
      expect(await bench.quarantined()).toBe(0);
      expectSame(await readBlob(other, admitted[0]), patterned(100));
    });

    test("promoting one blob twice does it once", async () => {
      const store = await openStore();
      const blob = await receiveAll(store, patterned(100));
      const [first, second] = await Promise.all([store.promote(blob, ADMIT), store.promote(blob, ADMIT)]);
      expect(second).toBe(first);
    });

    test.each([
      { name: "discarding after promotion does nothing", promote: true, kept: 1 },
      { name: "discarding twice does nothing more", promote: false, kept: 0 },
    ])("$name", async ({ promote, kept }) => {
      const bench = makeBench();
      const store = await bench.open();
      const blob = await receiveAll(store, patterned(100));
      if (promote) await store.promote(blob, ADMIT);
      await Promise.all([store.discard(blob), store.discard(blob)]);
      await store.discard(blob);
      expect(await bench.kept()).toHaveLength(kept);
      expect(await bench.quarantined()).toBe(0);
    });

    test("discarding while the promotion is under way does not undo it", async () => {
      const store = await openStore();
      const blob = await receiveAll(store, patterned(100));
      const promotion = store.promote(blob, ADMIT);
      await store.discard(blob);
      expectSame(await readBlob(store, await promotion), patterned(100));
    });

    test("another process finds what was promoted, and it outlives the store", async () => {
      const bench = makeBench();
      const store = await bench.open();
      const { digest } = await store.promote(await receiveAll(store, patterned(100)), ADMIT);
      await store.close();
      const other = await bench.open();
      const found = await other.find(digest, 100);
      expectSame(found && (await readBlob(other, found)), patterned(100));
      expect(await other.find(parseDigest("0".repeat(64)), 100)).toBeUndefined();
    });

    test("many archives at once come in whole", async () => {
      const store = await openStore();
      const sizes = Array.from({ length: 20 }, (_, position) => 100_000 + position * 77_777);
      const blobs = await Promise.all(sizes.map((size) => receiveAll(store, patterned(size))));
      for (const [position, blob] of blobs.entries()) {
        const admitted = await store.promote(blob, ADMIT);
        expectSame(await readBlob(store, admitted), patterned(sizes[position] ?? 0));
      }
    });
  });

  describe("reading while it arrives", () => {
    test("every byte counted as received can be read, and is right", async () => {
      const store = await openStore();
      const bytes = patterned(4 * MIB + 5);
      const reception = store.receive(chunksOf(bytes, 50_000), { maxBytes: bytes.length, algorithms: [] });
      const letGo = reception.hold();
      const target = Buffer.alloc(bytes.length);
      let position = 0;
      let reports = 0;
      for (;;) {
        while (position < reception.receivedBytes) {
          const count = await reception.read(target.subarray(position, position + 300_000), position);
          expect(count).toBeGreaterThan(0);
          position += count;
        }
        if (position === bytes.length) break;
        await new Promise<void>((resolve) => {
          const stop = reception.onProgress(() => {
            stop();
            resolve();
          });
        });
        reports++;
      }
      expectSame(target, bytes);
      expect(reports).toBeGreaterThan(0);
      expect(await reception.read(target, bytes.length)).toBe(0);
      letGo();
    });

    test("a slow source's first bytes can be read before its next ones come", async () => {
      const store = await openStore();
      const source = new SlowSource(patterned(10));
      const reception = store.receive(source, { maxBytes: 100, algorithms: [] });
      const target = Buffer.alloc(100);
      expect(await reception.read(target, 0)).toBe(0);
      await new Promise<void>((resolve) => void reception.onProgress(resolve));
      expect(await reception.read(target, 0)).toBe(10);
      expect(target.subarray(0, 10)).toEqual(patterned(10));
      source.end(patterned(5));
      expect(await reception.whole).toMatchObject({ sizeBytes: 15 });
    });

    test.each<{ name: string; end: (store: BlobStore, blob: QuarantinedBlob) => Promise<unknown> }>([
      { name: "promotion", end: (store, blob) => store.promote(blob, ADMIT) },
      { name: "discarding", end: (store, blob) => store.discard(blob) },
    ])("a reader that holds reads on after $name, one that does not is told so", async ({ end }) => {
      const store = await openStore();
      const reception = store.receive(chunksOf(patterned(1000), 100), { maxBytes: 1000, algorithms: [] });
      const [letGo, letGoToo] = [reception.hold(), reception.hold()];
      await end(store, await reception.whole);
      letGo();
      letGo(); // Once is enough: the second must not let go of the other reader's hold.
      const target = Buffer.alloc(1000);
      expect(await reception.read(target, 0)).toBe(1000);
      expectSame(target, patterned(1000));
      letGoToo();
      expect(await codeOf(reception.read(target, 0))).toBe("STORE_IO");
    });

    test("listeners hear of the end, also those that come after it, and not those that left", async () => {
      const store = await openStore();
      const heard: string[] = [];
      const reception = store.receive(chunksOf(patterned(10), 10), { maxBytes: 5, algorithms: [] });
      reception.onProgress(() => {
        throw new Error("a reader's mistake");
      });
      reception.onProgress(() => heard.push("early"));
      reception.onProgress(() => heard.push("left"))();
      await codeOf(reception.whole);
      await new Promise<void>((resolve) => void reception.onProgress(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      expect(heard).toEqual(["early"]);
    });
  });

  describe("reading what is kept", () => {
    test("reads anywhere, at once, and answers 0 at the end", async () => {
      const store = await openStore();
      const bytes = patterned(MIB);
      const blob = await store.promote(await receiveAll(store, bytes), ADMIT);
      const reader = await store.open(blob);
      expect(reader.sizeBytes).toBe(MIB);
      const parts = await Promise.all(
        [0, 1, 1000, MIB - 10, MIB, MIB + 5].map(async (position) => {
          const target = Buffer.alloc(100);
          return target.subarray(0, await reader.read(target, position));
        }),
      );
      expect(parts.map((part) => part.length)).toEqual([100, 100, 100, 10, 0, 0]);
      expect(parts[2]).toEqual(bytes.subarray(1000, 1100));
      await reader.close();
      await reader.close();
      expect(await codeOf(reader.read(Buffer.alloc(1), 0))).toBe("STORE_IO");
    });

    test("a close waits for the read under way", async () => {
      const store = await openStore();
      const blob = await store.promote(await receiveAll(store, patterned(MIB)), ADMIT);
      const reader = await store.open(blob);
      const target = Buffer.alloc(MIB);
      const reading = reader.read(target, 0);
      await reader.close();
      expect(await reading).toBe(MIB);
      expectSame(target, patterned(MIB));
    });
  });

  test("a sweep leaves a living process's quarantine alone", async () => {
    const bench = makeBench();
    const [store, other] = [await bench.open(), await bench.open()];
    const blob = await receiveAll(store, patterned(100));
    expect(await other.sweep()).toEqual({ removedFiles: 0, removedBytes: 0 });
    expect(await store.sweep()).toEqual({ removedFiles: 0, removedBytes: 0 });
    expectSame(await readBlob(store, await store.promote(blob, ADMIT)), patterned(100));
  });
}

/** Bytes that differ from one position to the next, and from one size to another. */
function patterned(sizeBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  for (let position = 0; position < sizeBytes; position++) bytes[position] = (position * 31 + (position >>> 8) * 7 + sizeBytes) & 0xff;
  return bytes;
}

async function* chunksOf(bytes: Buffer, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

async function receiveAll(store: BlobStore, bytes: Buffer): Promise<QuarantinedBlob> {
  return await store.receive(chunksOf(bytes, 65_536), { maxBytes: bytes.length, algorithms: [] }).whole;
}

async function readBlob(store: BlobStore, blob: AdmittedBlob): Promise<Buffer> {
  const reader = await store.open(blob);
  const target = Buffer.alloc(reader.sizeBytes);
  for (let at = 0; at < target.length; ) {
    const count = await reader.read(target.subarray(at), at);
    if (count === 0) throw new Error(`the blob ended after ${at} of ${target.length} bytes`);
    at += count;
  }
  await reader.close();
  return target;
}

/** Compares megabytes without the test runner's element by element. */
function expectSame(actual: Buffer | undefined, expected: Buffer): void {
  expect(actual?.length).toBe(expected.length);
  expect(actual?.equals(expected)).toBe(true);
}

/** A source that tells whether its reader was polite: iterated it to the end, or returned it. A connection hangs on that. */
class CountedSource implements AsyncIterable<Uint8Array> {
  ended = false;
  readonly #chunks: readonly Uint8Array[];

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#chunks;
    } finally {
      this.ended = true;
    }
  }
}

/** A source that gives one chunk, and the last one only when it is told to. */
class SlowSource implements AsyncIterable<Uint8Array> {
  readonly #first: Uint8Array;
  readonly #last = Promise.withResolvers<Uint8Array>();
  readonly #asked = Promise.withResolvers<void>();

  constructor(first: Uint8Array) {
    this.#first = first;
  }

  /** Resolves once the chunk after the first is asked for. */
  next(): Promise<void> {
    return this.#asked.promise;
  }

  end(last: Uint8Array): void {
    this.#last.resolve(last);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    yield this.#first;
    this.#asked.resolve();
    yield await this.#last.promise;
  }
}
