import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { parseDigest } from "../../src/core/digest.ts";
import type { QuarantinedBlob, Reception } from "../../src/core/ports/blob-store.ts";
import type { Admission, Admit, Verdict } from "../../src/core/verdict.ts";
import { Flight, type FlightReader, RefusedMidway, type Withhold } from "../../src/mirror/flight.ts";
import { FileBlobs } from "../../src/store/file-blobs.ts";
import { SILENT_LOG } from "../support/candidate.ts";
import { noise } from "../support/fake-registry.ts";
import { dataFolder, npmRef } from "./parts.ts";

const BODY = noise(1_000_000);
/** Bytes of it that flow at once where its last 100,000 are withheld: a little in front of them is kept to be handed out slowly. */
const BEFORE_TRICKLE = BODY.length - 100_000 - 64 * 1024;
const ADMIT: Admit = { kind: "admit", warnings: [] };
const REFUSE: Verdict = {
  kind: "refuse",
  reasons: [{ code: "CHECKSUM_MISMATCH", rule: "always", verifier: "checksum", text: "wrong", help: "do not" }],
};

/** A flight whose bytes and verdict come when the test says so. */
interface Staged {
  readonly flight: Flight;
  readonly blobs: FileBlobs;
  readonly reception: Reception;
  /** Lets so many bytes arrive, all of them by default, and waits until they are there. */
  arrive(upTo?: number): Promise<void>;
  /** The source ends: what arrived is the whole archive. */
  end(): Promise<QuarantinedBlob>;
  decide(verdict: Verdict): void;
  fail(error: Error): void;
}

async function stage(options: { withhold: Withhold; announced?: boolean }): Promise<Staged> {
  const blobs = await FileBlobs.open({ dataDir: dataFolder(), clock: { now: Date.now }, log: SILENT_LOG });
  onTestFinished(() => blobs.close());
  const pieces: (Buffer | undefined)[] = [];
  let wake = (): void => {};
  async function* source(): AsyncGenerator<Uint8Array> {
    for (;;) {
      while (pieces.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      const piece = pieces.shift();
      if (!piece) return;
      yield piece;
    }
  }
  const push = (piece: Buffer | undefined): void => {
    pieces.push(piece);
    wake();
  };
  const reception = blobs.receive(source(), { maxBytes: BODY.length, algorithms: [] });
  const outcome = Promise.withResolvers<Admission>();
  const ref = npmRef("demo");
  const flight = new Flight(ref, options.withhold, (arriving) => {
    arriving({ reception, sizeBytes: options.announced === false ? undefined : BODY.length });
    return outcome.promise;
  });
  let sent = 0;
  return {
    flight,
    blobs,
    reception,
    arrive: async (upTo = BODY.length) => {
      push(BODY.subarray(sent, upTo));
      sent = upTo;
      while (reception.receivedBytes < upTo) await sleep(2);
    },
    end: () => {
      push(undefined);
      return reception.whole;
    },
    decide: (verdict) =>
      outcome.resolve({
        ref,
        decidedAt: 0,
        digest: parseDigest("ab".repeat(32)),
        sizeBytes: BODY.length,
        url: "https://files.example/demo",
        upstream: "npm#0",
        claims: [],
        evidence: [],
        verdict,
      }),
    fail: (error) => outcome.reject(error),
  };
}

/** Reads to the end, or to what reading throws. */
async function readAll(reader: FlightReader): Promise<{ bytes: Buffer; error?: unknown }> {
  const chunks: Buffer[] = [];
  let position = 0;
  try {
    for (;;) {
      const target = Buffer.alloc(64 * 1024);
      const got = await reader.read(target, position);
      if (got === 0) return { bytes: Buffer.concat(chunks) };
      chunks.push(target.subarray(0, got));
      position += got;
    }
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error };
  } finally {
    await reader.close();
  }
}

async function reader(staged: Staged): Promise<FlightReader> {
  const ready = await staged.flight.ready();
  if (ready.kind !== "flowing") throw new Error(`expected bytes to flow, got ${ready.kind}`);
  return ready.reader;
}

test("of a refused archive nobody gets the withheld end", async () => {
  const staged = await stage({ withhold: 100_000 });
  await staged.arrive();
  const reading = readAll(await reader(staged));
  const blob = await staged.end();
  staged.decide(REFUSE);
  await staged.blobs.discard(blob);
  const { bytes, error } = await reading;
  expect(error).toBeInstanceOf(RefusedMidway);
  expect(bytes.length).toBe(BEFORE_TRICKLE);
  expect(staged.flight.flowed).toBe(true);
});

test("while the verdict is awaited a little goes out now and then, and never of the withheld end", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const staged = await stage({ withhold: 100_000 });
  await staged.arrive();
  const timersBefore = vi.getTimerCount(); // The store has one of its own.
  const waiting = await reader(staged);
  await staged.end();
  const target = Buffer.alloc(BODY.length);
  expect(await waiting.read(target, 0)).toBe(BEFORE_TRICKLE);
  const more = waiting.read(target, BEFORE_TRICKLE);
  expect(await Promise.race([more, sleep(50)])).toBeUndefined();
  vi.advanceTimersByTime(5_000);
  expect(await more).toBeGreaterThan(0);
  vi.advanceTimersByTime(24 * 3_600_000);
  expect(BEFORE_TRICKLE + (await waiting.read(target, BEFORE_TRICKLE))).toBe(900_000);
  const past = waiting.read(target, 900_000);
  vi.advanceTimersByTime(24 * 3_600_000);
  expect(await Promise.race([past, sleep(50)])).toBeUndefined();
  staged.decide(REFUSE);
  await expect(past).rejects.toBeInstanceOf(RefusedMidway);
  await waiting.close();
  expect(vi.getTimerCount()).toBe(timersBefore);
});

test("without an announced size the end is held back from what is here", async () => {
  const staged = await stage({ withhold: 100_000, announced: false });
  await staged.arrive(300_000);
  const reading = readAll(await reader(staged));
  await staged.arrive(500_000);
  staged.decide(REFUSE);
  expect((await reading).bytes.length).toBeLessThanOrEqual(400_000);
});

test.each<{ name: string; withhold: Withhold }>([
  { name: "all is withheld", withhold: "all" },
  { name: "the archive is no larger than what is withheld", withhold: BODY.length },
])("no byte flows before the verdict where $name", async ({ withhold }) => {
  const staged = await stage({ withhold });
  const ready = staged.flight.ready();
  await staged.arrive();
  await staged.end();
  expect(await Promise.race([ready, sleep(50)])).toBeUndefined();
  staged.decide(REFUSE);
  expect(await ready).toMatchObject({ kind: "decided", admission: { verdict: REFUSE } });
  expect(staged.flight.flowed).toBe(false);
});

test("readers of any time get the admitted bytes, and one that leaves disturbs nobody", async () => {
  const staged = await stage({ withhold: 100_000 });
  await staged.arrive(400_000);
  const early = readAll(await reader(staged));
  const leaving = await reader(staged);
  await leaving.read(Buffer.alloc(1000), 0);
  await leaving.close();
  await staged.arrive();
  const late = readAll(await reader(staged));
  const blob = await staged.end();
  await staged.blobs.promote(blob, ADMIT);
  staged.decide(ADMIT);
  for (const { bytes, error } of [await early, await late]) {
    expect(error).toBeUndefined();
    expect(bytes.equals(BODY)).toBe(true);
  }
});

test.each<{ name: string; settle: (staged: Staged, blob: QuarantinedBlob) => Promise<unknown>; verdict: Verdict }>([
  { name: "promoted", settle: ({ blobs }, blob) => blobs.promote(blob, ADMIT), verdict: ADMIT },
  { name: "removed", settle: ({ blobs }, blob) => blobs.discard(blob), verdict: REFUSE },
])("who comes after the bytes were $name and before the outcome is known is told the outcome", async ({ settle, verdict }) => {
  const staged = await stage({ withhold: 100_000 });
  await staged.arrive();
  await settle(staged, await staged.end());
  const reading = readAll(await reader(staged));
  staged.decide(verdict);
  const { bytes, error } = await reading;
  if (verdict.kind === "admit") expect(bytes.equals(BODY)).toBe(true);
  else expect(error).toBeInstanceOf(RefusedMidway);
});

test("a fetch that fails midway fails every reader, and who comes after", async () => {
  const staged = await stage({ withhold: 100_000 });
  await staged.arrive(400_000);
  const reading = readAll(await reader(staged));
  const failure = new Error("upstream is gone");
  staged.fail(failure);
  expect((await reading).error).toBe(failure);
  await expect(staged.flight.ready()).rejects.toBe(failure);
});
