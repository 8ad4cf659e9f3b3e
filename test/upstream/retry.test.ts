import { describe, expect, test } from "vitest";
import type { Fault } from "../support/fake-upstream.ts";
import { clientFor, codeOf, download, failureOf, fake } from "./harness.ts";

const DOC = { body: "{}", contentType: "application/json" };

describe("retries", () => {
  test.each<{ name: string; fault: Fault }>([
    { name: "500", fault: { kind: "status", status: 500 } },
    { name: "502", fault: { kind: "status", status: 502 } },
    { name: "503", fault: { kind: "status", status: 503 } },
    { name: "504", fault: { kind: "status", status: 504 } },
    { name: "429", fault: { kind: "status", status: 429 } },
    { name: "a cut before the headers", fault: { kind: "disconnect" } },
    { name: "a cut midway", fault: { kind: "truncate", afterBytes: 1 } },
  ])("$name passes: asked again after growing waits", async ({ fault }) => {
    const upstream = await fake();
    upstream.serve("/doc", DOC);
    upstream.fault("/doc", { ...fault, times: 2 });
    const { fetch, waits } = clientFor(upstream.url("/"), { retries: 2 });
    expect(await fetch("/doc")).toMatchObject({ kind: "document" });
    expect(waits).toEqual([100, 200]); // Half of 200 and of 400: the test's dice always show 0.5.
    expect(upstream.requests).toHaveLength(3);
  });

  test.each<{ name: string; fault: Fault }>([
    { name: "401", fault: { kind: "status", status: 401 } },
    { name: "404", fault: { kind: "status", status: 404 } },
    { name: "501", fault: { kind: "status", status: 501 } },
    { name: "silence, which has cost its time once", fault: { kind: "stall", at: "headers" } },
    { name: "a bomb", fault: { kind: "gzip-bomb", unpackedBytes: 2_000_000 } },
    { name: "a forbidden redirect", fault: { kind: "redirect", location: "https://127.0.0.1/" } },
  ])("$name does not: asked once", async ({ fault }) => {
    const upstream = await fake();
    upstream.serve("/doc", DOC);
    upstream.fault("/doc", fault);
    const { fetch, waits } = clientFor(upstream.url("/"), { retries: 2 });
    await fetch("/doc").catch(() => {});
    expect(waits).toEqual([]);
    expect(upstream.requests).toHaveLength(1);
  });

  test("end with the failure itself", async () => {
    const upstream = await fake();
    upstream.fault("/doc", { kind: "status", status: 503 });
    expect(await codeOf(clientFor(upstream.url("/"), { retries: 2 }).fetch("/doc"))).toBe("UPSTREAM_STATUS");
    expect(upstream.requests).toHaveLength(3);
  });

  test("open an archive too", async () => {
    const upstream = await fake();
    upstream.serve("/a.whl", { body: "bytes" });
    upstream.fault("/a.whl", { kind: "status", status: 503, times: 1 });
    expect(await download(clientFor(upstream.url("/"), { retries: 1 }), "/a.whl")).toEqual(Buffer.from("bytes"));
  });

  test("grow up to a bound", async () => {
    const upstream = await fake();
    upstream.fault("/doc", { kind: "status", status: 500 });
    const { fetch, waits } = clientFor(upstream.url("/"), { retries: 8, seams: { random: () => 0.999 } });
    await codeOf(fetch("/doc"));
    expect(Math.max(...waits)).toBeLessThanOrEqual(5000);
    expect(waits).toHaveLength(8);
  });
});

describe("Retry-After", () => {
  test.each([
    { name: "of a few seconds is honoured", header: "3", waits: [3000], seconds: 3 },
    { name: "as a date is honoured", header: "Mon, 02 Nov 2026 10:00:04 GMT", waits: [4000], seconds: 4 },
    { name: "of a minute is passed on instead", header: "60", waits: [], seconds: 60 },
    { name: "of a year is cut to a day", header: "31536000", waits: [], seconds: 86_400 },
    { name: "that is no time is left out", header: "soon", waits: [100], seconds: undefined },
    { name: "in the past is no wait", header: "Mon, 02 Nov 2020 10:00:00 GMT", waits: [100], seconds: 0 },
  ])("$name", async ({ header, waits, seconds }) => {
    const upstream = await fake();
    upstream.fault("/doc", { kind: "status", status: 429, headers: { "retry-after": header } });
    const clock = { now: () => Date.parse("2026-11-02T10:00:00Z") };
    const harness = clientFor(upstream.url("/"), { retries: 1, clock });
    const failure = await failureOf(harness.fetch("/doc"));
    expect(failure).toMatchObject({ code: "UPSTREAM_RATE_LIMITED", retryAfterSeconds: seconds });
    expect(harness.waits).toEqual(waits);
  });
});
