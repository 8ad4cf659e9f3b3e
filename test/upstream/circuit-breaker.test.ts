import { describe, expect, test } from "vitest";
import type { Fault } from "../support/fake-upstream.ts";
import { clientFor, codeOf, failureOf, fake } from "./harness.ts";

const DOC = { body: "{}", contentType: "application/json" };
const circuit = { failures: 3, openMs: 10_000 };

async function brokenUpstream(fault: Fault = { kind: "status", status: 503 }) {
  const upstream = await fake();
  upstream.serve("/doc", DOC);
  upstream.serve("/other", DOC);
  upstream.fault("/doc", fault);
  let now = 1_000_000;
  const harness = clientFor(upstream.url("/"), { circuit, clock: { now: () => now } });
  return {
    upstream,
    harness,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe("the circuit", () => {
  test.each<{ name: string; fault: Fault; code: string }>([
    { name: "502 to 504", fault: { kind: "status", status: 503 }, code: "UPSTREAM_STATUS" },
    { name: "cut connections", fault: { kind: "disconnect" }, code: "UPSTREAM_UNREACHABLE" },
    { name: "silence", fault: { kind: "stall", at: "headers" }, code: "UPSTREAM_TIMEOUT" },
  ])("opens after so many failures in a row, by $name, and then nobody is asked", async ({ fault, code }) => {
    const { upstream, harness } = await brokenUpstream(fault);
    for (let i = 0; i < circuit.failures; i++) expect(await codeOf(harness.fetch("/doc"))).toBe(code);
    const failure = await failureOf(harness.fetch("/other"));
    expect(failure).toMatchObject({ code: "UPSTREAM_CIRCUIT_OPEN", retryAfterSeconds: 10 });
    expect(upstream.requests).toHaveLength(circuit.failures);
  });

  test.each<{ name: string; fault: Fault }>([
    { name: "404", fault: { kind: "status", status: 404 } },
    { name: "429", fault: { kind: "status", status: 429 } },
    { name: "500, which may be about one package", fault: { kind: "status", status: 500 } },
    { name: "a forbidden redirect", fault: { kind: "redirect", location: "https://127.0.0.1/" } },
  ])("stays closed on $name", async ({ fault }) => {
    const { harness } = await brokenUpstream(fault);
    for (let i = 0; i < 2 * circuit.failures; i++) await harness.fetch("/doc").catch(() => {});
    expect(await harness.fetch("/other")).toMatchObject({ kind: "document" });
  });

  test("stays closed while answers come in between", async () => {
    const { harness } = await brokenUpstream();
    for (let i = 0; i < 2 * circuit.failures; i++) {
      expect(await codeOf(harness.fetch("/doc"))).toBe("UPSTREAM_STATUS");
      expect(await harness.fetch("/other")).toMatchObject({ kind: "document" });
    }
  });

  test("lets one request try once the time is up, and closes when that is well", async () => {
    const { upstream, harness, pass } = await brokenUpstream();
    for (let i = 0; i < circuit.failures; i++) await codeOf(harness.fetch("/doc"));
    pass(circuit.openMs - 1);
    expect(await codeOf(harness.fetch("/other"))).toBe("UPSTREAM_CIRCUIT_OPEN");
    pass(1);
    const [probe, second] = await Promise.allSettled([harness.fetch("/other"), harness.fetch("/other")]);
    expect([probe.status, second.status]).toEqual(["fulfilled", "rejected"]);
    expect(await harness.fetch("/other")).toMatchObject({ kind: "document" });
    expect(upstream.requestsFor("/other")).toHaveLength(2);
  });

  test("opens again at once when the try fails", async () => {
    const { harness, pass } = await brokenUpstream();
    for (let i = 0; i < circuit.failures; i++) await codeOf(harness.fetch("/doc"));
    pass(circuit.openMs);
    expect(await codeOf(harness.fetch("/doc"))).toBe("UPSTREAM_STATUS");
    expect(await codeOf(harness.fetch("/other"))).toBe("UPSTREAM_CIRCUIT_OPEN");
  });

  test("is one for each origin: a broken file host leaves the index alone", async () => {
    const upstream = await fake();
    const files = await fake();
    upstream.serve("/doc", DOC);
    files.fault("/x", { kind: "disconnect" });
    const harness = clientFor(upstream.url("/"), { circuit, fileOrigins: [files.origin] });
    for (let i = 0; i < circuit.failures; i++) expect(await codeOf(harness.open(files.url("/x")))).toBe("UPSTREAM_UNREACHABLE");
    expect(await codeOf(harness.open(files.url("/x")))).toBe("UPSTREAM_CIRCUIT_OPEN");
    expect(await harness.fetch("/doc")).toMatchObject({ kind: "document" });
  });

  test("that one call's retries opened does not hide what they met", async () => {
    const upstream = await fake();
    upstream.fault("/doc", { kind: "status", status: 503 });
    const harness = clientFor(upstream.url("/"), { circuit, retries: 5 });
    expect(await codeOf(harness.fetch("/doc"))).toBe("UPSTREAM_STATUS");
    expect(upstream.requests).toHaveLength(circuit.failures);
  });
});
