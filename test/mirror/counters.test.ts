import { expect, onTestFinished, test } from "vitest";
import { AssayError } from "../../src/core/errors.ts";
import { latencyBucket, type UpstreamAnswers } from "../../src/core/ports/activity.ts";
import type { CounterDelta } from "../../src/core/ports/index-store.ts";
import { Counters } from "../../src/mirror/counters.ts";
import { SILENT_LOG } from "../support/candidate.ts";

test("what could not be written is counted in the next batch, once", async () => {
  const written: { deltas: readonly CounterDelta[]; upstreams: readonly UpstreamAnswers[] }[] = [];
  let isFull = true;
  const index = {
    count: async (deltas: readonly CounterDelta[], upstreams: readonly UpstreamAnswers[] = []): Promise<void> => {
      if (isFull) throw new AssayError("STORE_FULL", "the disk is full");
      written.push({ deltas, upstreams });
    },
  };
  const counters = new Counters(index, SILENT_LOG, 3_600_000);
  onTestFinished(() => counters.close());
  counters.add("npm", "hits", 2);
  counters.heard("npm#0", { ms: 80 });
  counters.heard("npm#0", "failed");
  await counters.flush();
  counters.add("npm", "hits", 3);
  counters.heard("npm#0", { ms: 20 });
  isFull = false;
  await counters.flush();
  await counters.flush();
  expect(written).toEqual([
    {
      deltas: [{ repository: "npm", counter: "hits", by: 5 }],
      upstreams: [
        {
          upstream: "npm#0",
          failed: 1,
          maxMs: 80,
          buckets: new Map([
            [latencyBucket(80), 1],
            [latencyBucket(20), 1],
          ]),
        },
      ],
    },
  ]);
});
