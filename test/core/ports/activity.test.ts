import { describe, expect, test } from "vitest";
import { latencyBucket, latencyQuantile } from "../../../src/core/ports/activity.ts";

function quantileOf(times: readonly number[], share: number): number | undefined {
  const buckets = new Map<number, number>();
  for (const time of times) buckets.set(latencyBucket(time), (buckets.get(latencyBucket(time)) ?? 0) + 1);
  return latencyQuantile({ buckets, maxMs: Math.max(...times) }, share);
}

describe("a quantile of times that were put into buckets", () => {
  test.each([0, 0.2, 1, 7, 33, 250, 999, 12_345, 600_000])("is at most a quarter above %d ms, and never below", (time) => {
    // Others are slower, so that it is not the largest that is told.
    const told = quantileOf([...Array.from({ length: 60 }, () => time), ...Array.from({ length: 40 }, () => 900_000)], 0.5);
    expect(told).toBeGreaterThanOrEqual(time);
    expect(told).toBeLessThanOrEqual(Math.max(1, time * 1.2500001));
  });

  test("is never above the slowest, and there is none of nothing", () => {
    expect(quantileOf([10, 20, 101], 0.99)).toBe(101);
    expect(latencyQuantile({ buckets: new Map(), maxMs: 0 }, 0.5)).toBeUndefined();
  });

  test("has an end: whatever takes for ever is in the last bucket", () => {
    expect(latencyBucket(Number.POSITIVE_INFINITY)).toBe(latencyBucket(1e12));
    expect(latencyBucket(0)).toBe(0);
  });
});
