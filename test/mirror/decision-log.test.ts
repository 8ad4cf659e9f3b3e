import { describe, expect, test } from "vitest";
import type { Asker, DecisionEntry } from "../../src/core/decision.ts";
import { AssayError } from "../../src/core/errors.ts";
import type { Policy } from "../../src/core/ports/policy.ts";
import { DecisionLog } from "../../src/mirror/decision-log.ts";
import { Mirror } from "../../src/mirror/obtain.ts";
import { codeOf } from "../contract/code-of.ts";
import { SILENT_LOG } from "../support/candidate.ts";
import { publishTarball } from "../support/fake-registry.ts";
import { ASKER, IN_FORCE } from "../support/record.ts";
import { fakeUpstream, npmRef, openParts } from "./parts.ts";

const REASON = { code: "DENIED", rule: "deny[0]", verifier: "policy", text: "it is denied", help: "use another" } as const;
const MINUTE_MS = 60_000;

function client(address: string, more: Partial<Extract<Asker, { kind: "client" }>> = {}): Asker {
  return { kind: "client", requestId: "0123456789abcdef", method: "GET", address, ...more };
}

/** A mirror of one package under a policy that a test may change, and what it has logged. */
async function bench() {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  const { path } = publishTarball(upstream, { name: "demo" });
  let policy: Pick<Policy, "decide" | "inForce"> = parts.policy;
  const mirror = new Mirror(
    {
      ...parts,
      policy: { ...parts.policy, decide: (question) => policy.decide(question), inForce: (ref) => policy.inForce(ref) },
      upstream: parts.client,
      log: SILENT_LOG,
      decided: () => {},
    },
    { withhold: "all", refusalTtlMs: 0 },
  );
  return {
    parts,
    upstream,
    path,
    setPolicy: (decide: Policy["decide"], revision: string) => {
      policy = { decide, inForce: () => ({ ...IN_FORCE, revision }) };
    },
    ask: async (asker: Asker = ASKER): Promise<void> => {
      const obtained = await mirror.obtain(parts.repository, npmRef("demo"), asker);
      if (obtained.kind === "arriving") await obtained.flight.admission;
    },
    logged: async (): Promise<readonly DecisionEntry[]> => (await parts.index.decisions({ from: 0, limit: 100 })).map(({ entry }) => entry),
  };
}

const refusing: Policy["decide"] = () => ({ kind: "refuse", reasons: [REASON] });
const warning: Policy["decide"] = () => ({ kind: "admit", warnings: [{ ...REASON, setAside: "audit" }] });
const undecided: Policy["decide"] = () => ({ kind: "undecided", detail: "the registry answers 500" });

describe("an archive that is admitted", () => {
  test("is one entry with who asked first, and none for those who ask again", async () => {
    const { ask, logged } = await bench();
    await ask(client("192.0.2.1", { userAgent: "npm/11" }));
    await ask(client("192.0.2.2"));
    await ask(client("192.0.2.3"));
    expect(await logged()).toMatchObject([
      {
        outcome: "admit",
        basis: "fetched",
        asker: { kind: "client", address: "192.0.2.1", userAgent: "npm/11", requestId: "0123456789abcdef", method: "GET" },
        purl: "pkg:npm/demo@1.0.0",
        repository: "npm",
        upstream: "npm#0",
        policy: IN_FORCE,
        wouldRefuse: false,
        evidence: [{ verifier: "checksum", outcome: "pass" }, { verifier: "archive" }, { verifier: "sigstore" }, {}, {}],
      },
    ]);
  });

  test("is an entry again where the policy is another, and where the verdict is", async () => {
    const { ask, logged, setPolicy, parts, upstream } = await bench();
    await ask();
    upstream.fault("*", { kind: "disconnect" });
    setPolicy(parts.policy.decide, "second");
    for (let i = 0; i < 3; i++) await ask();
    setPolicy(warning, "third");
    for (let i = 0; i < 3; i++) await ask();
    setPolicy(refusing, "fourth");
    await ask();
    setPolicy(parts.policy.decide, "fifth");
    await ask();
    expect((await logged()).map(({ outcome, basis, wouldRefuse, policy }) => [outcome, basis, wouldRefuse, policy?.revision])).toEqual([
      ["admit", "fetched", false, IN_FORCE.revision],
      ["admit", "held", false, "second"],
      ["admit-with-warnings", "held", true, "third"],
      ["refuse", "held", false, "fourth"],
      ["admit", "held", false, "fifth"],
    ]);
  });

  test("is no news for words that count the days", async () => {
    const { ask, logged, setPolicy } = await bench();
    let days = 0;
    setPolicy(() => ({ kind: "admit", warnings: [{ ...REASON, text: `${++days} days old` }] }), "first");
    for (let i = 0; i < 3; i++) await ask();
    expect(await logged()).toHaveLength(1);
  });
});

describe("a refusal", () => {
  test("names each who was told it, who waited for somebody else's fetch too", async () => {
    const { ask, logged, setPolicy, upstream, path } = await bench();
    setPolicy(refusing, "strict");
    await Promise.all(["192.0.2.1", "192.0.2.2", "192.0.2.3"].map((address) => ask(client(address))));
    expect(upstream.requestsFor(path)).toHaveLength(1);
    const entries = await logged();
    expect(entries.map(({ outcome, basis }) => [outcome, basis])).toEqual([
      ["refuse", "fetched"],
      ["refuse", "held"],
      ["refuse", "held"],
    ]);
    expect(entries.map(({ asker }) => asker.kind === "client" && asker.address).toSorted()).toEqual([
      "192.0.2.1",
      "192.0.2.2",
      "192.0.2.3",
    ]);
    expect(entries[0]?.reasons).toEqual([{ code: "DENIED", rule: "deny[0]", verifier: "policy", text: "it is denied" }]);
  });

  test("to one who asks again and again, under any name, is one entry, and one more with the number of repeats", async () => {
    const { ask, logged, setPolicy, parts } = await bench();
    await ask();
    setPolicy(refusing, "strict");
    for (let i = 0; i < 50; i++) await ask(client("192.0.2.9", { userAgent: `bot ${i}` }));
    expect((await logged()).map(({ outcome, repeats }) => [outcome, repeats])).toEqual([
      ["admit", 0],
      ["refuse", 0],
    ]);
    parts.advance(6 * MINUTE_MS);
    await parts.decisions.sweep();
    await parts.decisions.sweep();
    expect((await logged()).slice(2)).toMatchObject([{ outcome: "refuse", repeats: 49, asker: { address: "192.0.2.9" } }]);
  });

  test("is an entry again, to the same asker too, where the log said something else meanwhile", async () => {
    const { ask, logged, setPolicy } = await bench();
    await ask();
    for (const [decide, revision] of [
      [refusing, "strict"],
      [warning, "lenient"],
      [refusing, "strict"],
      [undecided, "strict"],
      [refusing, "strict"],
    ] as const) {
      setPolicy(decide, revision);
      await ask().catch(() => {});
      await ask().catch(() => {});
    }
    expect((await logged()).map(({ outcome, repeats }) => [outcome, repeats])).toEqual([
      ["admit", 0],
      ["refuse", 0],
      ["admit-with-warnings", 0],
      // What was repeated before comes first.
      ["refuse", 1],
      ["refuse", 0],
      ["undecided", 0],
      ["refuse", 1],
      ["refuse", 0],
    ]);
  });

  test("is an entry again after its time, and what was not written by then is written when the log closes", async () => {
    const { ask, logged, setPolicy, parts } = await bench();
    await ask();
    setPolicy(refusing, "strict");
    await ask();
    parts.advance(6 * MINUTE_MS);
    await ask();
    await ask();
    await ask();
    await parts.decisions.close();
    expect((await logged()).map(({ repeats }) => repeats)).toEqual([0, 0, 0, 2]);
  });

  test("of the same bytes, fetched anew, is a repeat for who asked before, and an entry for anybody else", async () => {
    const { ask, logged, upstream, path, parts } = await bench();
    upstream.fault(path, { kind: "wrong-bytes" });
    await ask();
    await ask();
    await ask(client("192.0.2.77"));
    await parts.decisions.close();
    expect((await logged()).map(({ outcome, basis, repeats }) => [outcome, basis, repeats])).toEqual([
      ["refuse", "fetched", 0],
      ["refuse", "fetched", 0],
      ["refuse", "fetched", 1],
    ]);
  });
});

test("that nothing could be decided is an entry, with why; to one who asks again it is one", async () => {
  const { ask, logged, setPolicy } = await bench();
  setPolicy(undecided, "strict");
  expect(await codeOf(ask())).toBe("UPSTREAM_EVIDENCE");
  expect(await codeOf(ask())).toBe("UPSTREAM_EVIDENCE");
  expect(await logged()).toMatchObject([
    {
      outcome: "undecided",
      basis: "fetched",
      detail: "the registry answers 500",
      policy: { revision: "strict" },
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    },
  ]);
});

test("that upstream fails is no decision", async () => {
  const { ask, logged, upstream } = await bench();
  upstream.fault("*", { kind: "disconnect" });
  expect(await codeOf(ask())).toMatch(/^UPSTREAM_/);
  expect(await logged()).toEqual([]);
});

test("a command is on record as one", async () => {
  const { ask, logged } = await bench();
  await ask({ kind: "command", command: "explain" });
  expect(await logged()).toMatchObject([{ asker: { kind: "command", command: "explain" } }]);
});

test("what cannot be written down is told all the same, and said in the log of the process", async () => {
  const { parts, ask } = await bench();
  await ask();
  const [admission] = await parts.index.admitted("npm", "demo");
  if (!admission) throw new Error("it was admitted");
  const errors: string[] = [];
  const index = {
    newestDecision: async () => undefined,
    appendDecision: async () => {
      throw new AssayError("STORE_FULL", "the disk is full");
    },
  };
  const log = { ...SILENT_LOG, error: (_: unknown, message: string) => void errors.push(message) };
  const decisions = new DecisionLog({ index, clock: parts.clock, log });
  await decisions.told(ASKER, admission);
  await decisions.close();
  expect(errors).toEqual(["a decision could not be written to the decision log"]);
});
