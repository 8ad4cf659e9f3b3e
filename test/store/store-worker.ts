// A process of its own that works on a data folder until it is done or killed: node store-worker.ts DATA_DIR TASK NAME.
// Prints one line for each thing it was promised to be durable.
import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ArtifactRef } from "../../src/core/artifact.ts";
import { parseDigest } from "../../src/core/digest.ts";
import type { Log } from "../../src/core/ports/log.ts";
import type { Admission } from "../../src/core/verdict.ts";
import { openStore, type Store } from "../../src/store/open-store.ts";
import { record } from "../support/record.ts";

/** Processes that fight for leases at once. */
const FIGHTERS = 3;

const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => log };

const TASKS: Readonly<Record<string, (store: Store, name: string) => Promise<void>>> = {
  /** Admits archives for ever. */
  async admit(store, name) {
    for (let count = 0; ; count++) {
      const blob = await store.blobs.receive(chunks(1 + (count % 5) * 300_000), { maxBytes: 2_000_000, algorithms: [] }).whole;
      await store.blobs.promote(blob, { kind: "admit", warnings: [] });
      await record(store.index, admissionOf(`${name}-${count}.tgz`, blob.digest, blob.sizeBytes));
      print(`${name}-${count}.tgz`);
    }
  },

  /** Receives an archive that never ends. */
  async stall(store) {
    async function* source(): AsyncGenerator<Uint8Array> {
      yield randomBytes(1_500_000);
      await new Promise<void>(() => setInterval(() => {}, 1000));
    }
    const reception = store.blobs.receive(source(), { maxBytes: 10_000_000, algorithms: [] });
    reception.onProgress(() => {
      if (reception.receivedBytes === 1_500_000) print("stalled");
    });
    await reception.whole;
  },

  /** Fights for leases, and counts and records what it gets. */
  async fight(store, name) {
    for (let count = 0; count < 60; count++) {
      if (!(await store.index.lease(`lease-${count}`, name, 60_000))) continue;
      await record(store.index, admissionOf(`lease-${count}.tgz`, "00".repeat(32), 1));
      await store.index.count([{ repository: "npm", counter: "hits", by: 1 }]);
      print(String(count));
    }
    // A process that ends gives up its leases: who is still at it would take them, and be right to.
    await store.index.count([{ repository: "npm", counter: "misses", by: 1 }]);
    while (((await store.index.counters()).get("npm")?.misses ?? 0) < FIGHTERS) await sleep(10);
  },

  /** Opens and closes. */
  async open() {},
};

const [, , dataDir = "", task = "", name = ""] = process.argv;
const store = await openStore({ dataDir, clock: { now: () => Date.now() }, log });
print("ready");
await TASKS[task]?.(store, name);
await store.blobs.close();
await store.index.close();

async function* chunks(sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let left = sizeBytes; left > 0; left -= 65_536) yield randomBytes(Math.min(left, 65_536));
}

function admissionOf(file: string, digest: string, sizeBytes: number): Admission {
  const ref: ArtifactRef = { repository: "npm", ecosystem: "npm", name: "churn", version: "1.0.0", file };
  const url = `https://registry.example/${createHash("md5").update(file).digest("hex")}`;
  return {
    ref,
    decidedAt: Date.now(),
    digest: parseDigest(digest),
    sizeBytes,
    url,
    upstream: "npm#0",
    claims: [],
    evidence: [],
    verdict: { kind: "admit", warnings: [] },
  };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
