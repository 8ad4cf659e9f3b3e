import { afterEach } from "vitest";
import { AssayError, type ErrorCode } from "../../src/core/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/core/limits.ts";
import type { Clock } from "../../src/core/ports/clock.ts";
import type { Log, LogFields } from "../../src/core/ports/log.ts";
import type { DocumentAnswer, DocumentQuery, Upstream, UpstreamClient } from "../../src/core/ports/upstream-client.ts";
import { createUpstreamClient, type UpstreamSeams } from "../../src/upstream/client.ts";
import type { UpstreamOptions } from "../../src/upstream/options.ts";
import { type FakeUpstream, type FakeUpstreamOptions, startFakeUpstream } from "../support/fake-upstream.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Closed after the test. */
export function track<T extends { close(): Promise<void> }>(thing: T): T {
  closers.push(() => thing.close());
  return thing;
}

export async function fake(options?: FakeUpstreamOptions): Promise<FakeUpstream> {
  return track(await startFakeUpstream(options));
}

export interface Harness {
  readonly client: UpstreamClient;
  readonly upstream: Upstream;
  /** Milliseconds of every wait the client asked for; none of them passes. */
  readonly waits: number[];
  readonly logged: string[];
  readonly fetch: (url: string | URL, query?: Partial<DocumentQuery>) => ReturnType<UpstreamClient["fetch"]>;
  readonly open: (url: string | URL, maxBytes?: number) => ReturnType<UpstreamClient["open"]>;
}

export interface HarnessOptions extends Partial<Omit<UpstreamOptions, "upstream">> {
  readonly offline?: boolean;
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  readonly seams?: Partial<UpstreamSeams>;
}

/** A client with one upstream: short timeouts, no retries, no real waiting between attempts. */
export function clientFor(base: string | URL, { offline = false, limits, clock, seams, ...options }: HarnessOptions = {}): Harness {
  const upstream: Upstream = { id: "test#0", url: new URL(base) };
  const waits: number[] = [];
  const logged: string[] = [];
  const client = createUpstreamClient(
    {
      upstreams: [
        {
          upstream,
          timeouts: { connectMs: 1_000, headersMs: 300, idleMs: 300 },
          retries: 0,
          concurrency: 8,
          fileOrigins: [],
          ...options,
        },
      ],
      offline,
      limits: { ...DEFAULT_LIMITS, ...limits },
      clock: clock ?? { now: Date.now },
      log: logTo(logged),
    },
    {
      random: () => 0.5,
      delay: async (ms) => {
        waits.push(ms);
      },
      ...seams,
    },
  );
  track(client);
  return {
    client,
    upstream,
    waits,
    logged,
    fetch: (url, query = {}) =>
      client.fetch(upstream, { url: new URL(url, upstream.url), accept: "application/json", maxBytes: 1_000_000, ...query }),
    open: (url, maxBytes = 10_000_000) => client.open(upstream, new URL(url, upstream.url), { maxBytes }),
  };
}

function logTo(lines: string[]): Log {
  const write = (fields: LogFields, message: string): void => {
    lines.push(JSON.stringify({ ...fields, message }));
  };
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  return log;
}

/** The AssayError that `work` throws. Fails the test where it throws none. */
export async function failureOf(work: Promise<unknown>): Promise<AssayError> {
  const outcome = await work.then(
    (value) => ({ value }),
    (error: unknown) => error,
  );
  if (outcome instanceof AssayError) return outcome;
  throw new Error(`expected an AssayError, got ${outcome instanceof Error ? outcome.stack : JSON.stringify(outcome)}`);
}

export async function codeOf(work: Promise<unknown>): Promise<ErrorCode> {
  return (await failureOf(work)).code;
}

export async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(Buffer.from(chunk)); // A chunk is valid only until the next.
  return Buffer.concat(chunks);
}

/** Where a document came from. `toMatchObject` would take any two URLs for equal. */
export function addressOf(answer: DocumentAnswer): string | undefined {
  return answer.kind === "document" ? answer.response.url.href : undefined;
}

/** The whole archive, or what opening or reading it throws. */
export async function download(harness: Harness, url: string | URL, maxBytes?: number): Promise<Buffer> {
  return collect((await harness.open(url, maxBytes)).bytes);
}

/** Bytes that repeat nowhere, so that a shifted or doubled piece shows. */
export function patternBytes(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let i = 0; i + 4 <= sizeBytes; i += 4) bytes.writeUInt32LE((i * 2_654_435_761) % 0x1_0000_0000, i);
  return bytes;
}
