import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { truncateSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { type Checksum, parseDigest } from "../../src/core/digest.ts";
import { AssayError } from "../../src/core/errors.ts";
import type { PolicyQuestion } from "../../src/core/ports/policy.ts";
import type { Admission } from "../../src/core/verdict.ts";
import type { JudgingPolicy } from "../../src/mirror/judge.ts";
import { Mirror, type Obtained, type ObtainSettings } from "../../src/mirror/obtain.ts";
import type { RegistryKey } from "../../src/verify/registry-signature/registry-keys.ts";
import { codeOf } from "../contract/code-of.ts";
import { SILENT_LOG } from "../support/candidate.ts";
import { noise, publishTarball } from "../support/fake-registry.ts";
import type { FakeUpstream } from "../support/fake-upstream.ts";
import { keySource } from "../support/key-source.ts";
import { policyAsking } from "../support/question.ts";
import { ASKER, record } from "../support/record.ts";
import { dataFolder, fakeUpstream, filesIn, npmRef, openParts, type Parts, type PartsOptions } from "./parts.ts";

const REFUSAL_TTL_MS = 30_000;

function mirrorOf(
  parts: Parts,
  settings: Partial<ObtainSettings> & { policy?: JudgingPolicy } = {},
): { mirror: Mirror; admitted: Admission[] } {
  const admitted: Admission[] = [];
  const { policy = parts.policy, ...rest } = settings;
  const mirror = new Mirror(
    {
      ...parts,
      policy,
      upstream: parts.client,
      log: SILENT_LOG,
      decided: (admission) => void (admission.verdict.kind === "admit" && admitted.push(admission)),
    },
    { withhold: 1024 * 1024, refusalTtlMs: REFUSAL_TTL_MS, ...rest },
  );
  return { mirror, admitted };
}

/** What it comes to once the flight, if there is one, has landed. */
async function settled(mirror: Mirror, parts: Parts, name: string): Promise<Exclude<Obtained, { kind: "arriving" }> | Admission> {
  const obtained = await mirror.obtain(parts.repository, npmRef(name), ASKER);
  return obtained.kind === "arriving" ? obtained.flight.admission : obtained;
}

test("fifty requests for an archive are one download, and the next is answered from disk", async () => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  const { mirror, admitted } = mirrorOf(parts);
  const { path } = publishTarball(upstream, { name: "demo" });
  await Promise.all(Array.from({ length: 50 }, () => settled(mirror, parts, "demo")));
  expect(upstream.requestsFor(path)).toHaveLength(1);
  expect(admitted).toHaveLength(1);
  upstream.fault("*", { kind: "disconnect" });
  expect(await settled(mirror, parts, "demo")).toMatchObject({ kind: "held" });
});

test("what one asker's pins make of an archive is told to nobody else, though all ask at once", async () => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  const { mirror, admitted } = mirrorOf(parts);
  const { bytes } = publishTarball(upstream, { name: "demo" });
  const pin = (hex: string): Checksum => ({ algorithm: "sha256", hex, claimedBy: "a lock" });
  const right = pin(createHash("sha256").update(bytes).digest("hex"));
  const outcomes = [[pin("ab".repeat(32))], [], [right], [pin("ab".repeat(32)), right]].map(async (pins) => {
    const obtained = await mirror.obtain(parts.repository, npmRef("demo"), ASKER, pins);
    return obtained.kind === "arriving" ? (await obtained.flight.admission).verdict.kind : obtained.kind;
  });
  const [wrong, unpinned, pinned, oneOfTwo] = await Promise.all(outcomes);
  // Which flight lands first is chance. What was admitted by then is answered as it is: whoever gave pins compares.
  for (const outcome of [wrong, oneOfTwo]) expect(["refuse", "admit"]).toContain(outcome);
  expect([unpinned, pinned]).toEqual(["admit", "admit"]);
  expect(new Set(admitted.map(({ digest }) => digest)).size).toBe(1);
});

test.each([
  ["one that is not met", ["ab".repeat(32)]],
  ["one that is not met beside one that is", undefined],
])("bytes that are fetched must meet the asker's pins: %s", async (_, hexes) => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  const { mirror } = mirrorOf(parts);
  const { bytes } = publishTarball(upstream, { name: "demo" });
  const given = hexes ?? [createHash("sha256").update(bytes).digest("hex"), "ab".repeat(32)];
  const pins = given.map((hex): Checksum => ({ algorithm: "sha256", hex, claimedBy: "a lock" }));
  const obtained = await mirror.obtain(parts.repository, npmRef("demo"), ASKER, pins);
  if (obtained.kind !== "arriving") throw new Error("expected a flight");
  expect(await obtained.flight.admission).toMatchObject({ verdict: { kind: "refuse", reasons: [{ code: "CHECKSUM_MISMATCH" }] } });
  expect(await parts.index.admission(npmRef("demo"), { admittedOnly: true })).toBeUndefined();
  expect(await settled(mirror, parts, "demo")).toMatchObject({ verdict: { kind: "admit" } });
});

test("a policy that changed decides over what is held, without another download", async () => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  let policy = parts.policy;
  const { mirror } = mirrorOf(parts, { policy: { ...parts.policy, decide: (question) => policy.decide(question) } });
  const { path } = publishTarball(upstream, { name: "demo" });
  await settled(mirror, parts, "demo");
  const reason = { code: "CHECKSUM_WEAK", rule: "weak_checksum", verifier: "checksum", text: "too weak", help: "use another" } as const;
  policy = { ...parts.policy, decide: () => ({ kind: "refuse", reasons: [reason] }) };
  expect(await settled(mirror, parts, "demo")).toMatchObject({ kind: "refused", refusal: { reasons: [reason] } });
  expect(upstream.requestsFor(path)).toHaveLength(1);
});

test("the policy hears since when bytes are held, and when each archive before them was seen and admitted", async () => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  const asked: PolicyQuestion[] = [];
  const listening: JudgingPolicy = {
    ...parts.policy,
    decide: (question) => {
      asked.push(question);
      return parts.policy.decide(question);
    },
  };
  const { mirror } = mirrorOf(parts, { policy: listening });
  publishTarball(upstream, { name: "demo" });
  const admission = (await settled(mirror, parts, "demo")) as Admission;
  await settled(mirror, parts, "demo");
  const { decidedAt, publishedAt, firstSeenAt } = admission;
  expect(asked.map(({ heldSince }) => heldSince)).toEqual([undefined, decidedAt]);
  expect(asked.at(-1)).toMatchObject({
    publishedAt,
    firstSeenAt,
    packageFirstSeenAt: firstSeenAt,
    precedents: [{ version: "1.0.0", publishedAt, firstSeenAt, admittedAt: decidedAt }],
  });
});

describe("what was admitted before a verifier was there", () => {
  /** An archive as an Assay admitted it that only looked at digests and contents. */
  async function admittedByOlder(options: Partial<PartsOptions> = {}) {
    const upstream = await fakeUpstream();
    const parts = await openParts({ upstreams: [upstream], ...options });
    const { path, bytes } = publishTarball(upstream, { name: "demo" });
    const older = { ...parts, verifiers: parts.verifiers.filter(({ id }) => id === "checksum" || id === "archive") };
    await settled(mirrorOf(older).mirror, parts, "demo");
    return { upstream, parts, path, bytes, ...mirrorOf(parts) };
  }
  const evidenceOf = async (parts: Parts) => (await parts.index.admission(npmRef("demo")))?.evidence.map(({ verifier }) => verifier);

  test("it is fetched once more for all of them, and answered from disk from then on", async () => {
    const { mirror, parts, upstream, path } = await admittedByOlder();
    expect(await evidenceOf(parts)).toEqual(["checksum", "archive"]);
    expect(await settled(mirror, parts, "demo")).toMatchObject({ verdict: { kind: "admit" } });
    expect(await evidenceOf(parts)).toEqual(["checksum", "archive", "sigstore", "openpgp", "registry-signature"]);
    expect(await settled(mirror, parts, "demo")).toMatchObject({ kind: "held" });
    expect(upstream.requestsFor(path)).toHaveLength(2);
  });

  test.each<{ name: string; fault: Parameters<FakeUpstream["fault"]>[1] }>([
    { name: "is down", fault: { kind: "disconnect" } },
    { name: "answers 500", fault: { kind: "status", status: 500 } },
    { name: "has it no more", fault: { kind: "status", status: 404 } },
    { name: "stops midway", fault: { kind: "truncate", afterBytes: 20 } },
  ])("it is served as before where upstream $name, and checked once upstream is well", async ({ fault }) => {
    const { mirror, parts, upstream, path } = await admittedByOlder();
    upstream.fault(path, fault);
    expect(await settled(mirror, parts, "demo")).toMatchObject({ verdict: { kind: "admit" } });
    expect(await mirror.held(parts.repository, npmRef("demo"), ASKER)).toMatchObject({ kind: "held" });
    expect(await evidenceOf(parts)).toEqual(["checksum", "archive"]);
    upstream.heal();
    await settled(mirror, parts, "demo");
    expect(await evidenceOf(parts)).toContain("sigstore");
  });

  test("it is served as before when somebody whose lock is wrong had it checked", async () => {
    const { mirror, parts, upstream } = await admittedByOlder();
    const pins: readonly Checksum[] = [{ algorithm: "sha256", hex: "ab".repeat(32), claimedBy: "a lock" }];
    const obtained = await mirror.obtain(parts.repository, npmRef("demo"), ASKER, pins);
    if (obtained.kind === "arriving") await obtained.flight.admission;
    upstream.fault("*", { kind: "disconnect" });
    expect(await settled(mirror, parts, "demo")).toMatchObject({ kind: "held" });
  });

  test("it is served as before where the disk is full, and nothing new can be kept", async () => {
    const { parts } = await admittedByOlder();
    const receive = (): never => {
      throw new AssayError("STORE_FULL", "the disk is full");
    };
    const full = new Proxy(parts.blobs, {
      get: (blobs, name) => {
        if (name === "receive") return receive;
        const member: unknown = Reflect.get(blobs, name);
        return typeof member === "function" ? member.bind(blobs) : member;
      },
    });
    expect(await settled(mirrorOf({ ...parts, blobs: full }).mirror, parts, "demo")).toMatchObject({ verdict: { kind: "admit" } });
  });

  test("offline it is served as before, unless the policy wants what it was never checked for", async () => {
    const { parts: online, upstream } = await admittedByOlder();
    const { dataDir } = online;
    const offline = { upstreams: [upstream], dataDir, settings: { offline: true } };
    const lenient = await openParts(offline);
    expect(await settled(mirrorOf(lenient).mirror, lenient, "demo")).toMatchObject({ verdict: { kind: "admit" } });
    const strict = await openParts({ ...offline, policyText: "version: 1\ndefaults: {signature: {require: true, on_missing: error}}" });
    expect(await settled(mirrorOf(strict).mirror, strict, "demo")).toMatchObject({
      verdict: { kind: "refuse", reasons: [{ code: "SIGNATURE_MISSING" }] },
    });
  });

  test("other bytes that upstream has by now are not admitted, and say nothing about those that are held", async () => {
    const { mirror, parts, upstream, bytes, admitted } = await admittedByOlder();
    publishTarball(upstream, { name: "demo", files: { "evil.js": "steal()" } });
    parts.advance(61_000);
    expect(await settled(mirror, parts, "demo")).toMatchObject({ verdict: { kind: "admit" }, sizeBytes: bytes.length });
    expect(admitted).toEqual([]);
    expect(await parts.index.admission(npmRef("demo"))).toMatchObject({ verdict: { reasons: [{ code: "INTEGRITY_VIOLATION" }] } });
    expect(await mirror.held(parts.repository, npmRef("demo"), ASKER)).toMatchObject({ kind: "held", blob: { sizeBytes: bytes.length } });
  });

  test("what the check finds stands, also when upstream is gone afterwards", async () => {
    const { parts, upstream, path } = await admittedByOlder();
    const malformed = async () => [{ label: "the index", kind: "malformed", detail: "no bundle" }] as const;
    const { mirror } = mirrorOf({ ...parts, ecosystems: { ...parts.ecosystems, npm: { ...parts.ecosystems.npm, published: malformed } } });
    const refused = { kind: "refuse", reasons: [{ code: "BUNDLE_MALFORMED" }] };
    expect(await settled(mirror, parts, "demo")).toMatchObject({ verdict: refused });
    upstream.fault(path, { kind: "disconnect" });
    expect(await settled(mirror, parts, "demo")).toMatchObject({ verdict: refused });
    expect(await mirror.held(parts.repository, npmRef("demo"), ASKER)).toMatchObject({ kind: "refused" });
  });

  test("no bytes are sent before the verdict, since they may not be those that it is about", async () => {
    const upstream = await fakeUpstream();
    const parts = await openParts({ upstreams: [upstream] });
    const { path, bytes } = publishTarball(upstream, { name: "large", files: { "noise.bin": noise(3_000_000) } });
    const older = { ...parts, verifiers: parts.verifiers.filter(({ id }) => id === "checksum" || id === "archive") };
    await settled(mirrorOf(older).mirror, parts, "large");
    upstream.fault(path, { kind: "truncate", afterBytes: bytes.length - 10 });
    const obtained = await mirrorOf(parts).mirror.obtain(parts.repository, npmRef("large"), ASKER);
    if (obtained.kind !== "arriving") throw new Error("expected a flight");
    expect(await obtained.flight.ready()).toMatchObject({ kind: "decided", admission: { verdict: { kind: "admit" } } });
  });

  test("evidence about other bytes does not speak for an archive: it counts as never checked", async () => {
    const { mirror, parts, upstream, path } = await admittedByOlder();
    const admission = (await settled(mirror, parts, "demo")) as Admission;
    const evidence = admission.evidence.map((answer) => ({ ...answer, subject: parseDigest("ab".repeat(32)) }));
    await record(parts.index, { ...admission, evidence });
    upstream.fault(path, { kind: "disconnect" });
    expect(await settled(mirror, parts, "demo")).toMatchObject({ verdict: { kind: "refuse" } });
  });
});

describe("what was admitted with a signature by a key that nobody knew", () => {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key: RegistryKey = { keyId: "SHA256:abc", key: pair.publicKey, usage: undefined, validFrom: undefined, validUntil: undefined };
  const must = "version: 1\ndefaults: {signature: {require: true, on_missing: error}}";

  async function admittedUnknown() {
    const upstream = await fakeUpstream();
    const known: RegistryKey[] = [];
    const parts = await openParts({ upstreams: [upstream], verifiers: { registryKeys: keySource(async () => known) } });
    const { path, bytes } = publishTarball(upstream, { name: "demo" });
    const message = `demo@1.0.0:sha512-${createHash("sha512").update(bytes).digest("base64")}`;
    const signature = sign("sha256", Buffer.from(message), pair.privateKey).toString("base64");
    const item = { kind: "registry-signature", label: "signature 1", keyId: key.keyId, signature, message } as const;
    const published = async () => [{ label: "the registry", kind: "published", items: [item] }] as const;
    const signing = { ...parts, ecosystems: { ...parts.ecosystems, npm: { ...parts.ecosystems.npm, published } } };
    expect(await settled(mirrorOf(signing).mirror, parts, "demo")).toMatchObject({ verdict: { kind: "admit" } });
    const strict = mirrorOf(signing, { policy: policyAsking(must) });
    return { upstream, parts, path, known, ...strict };
  }

  test("it is checked anew when that is what it is refused for: the key may be known by now", async () => {
    const { mirror, parts, path, upstream, known } = await admittedUnknown();
    const refused = { verdict: { kind: "refuse", reasons: [{ code: "SIGNATURE_MISSING" }] } };
    expect(await settled(mirror, parts, "demo")).toMatchObject(refused);
    known.push(key);
    expect(await settled(mirror, parts, "demo")).toMatchObject({ verdict: { kind: "admit" } });
    const requests = upstream.requestsFor(path).length;
    expect(await settled(mirror, parts, "demo")).toMatchObject({ kind: "held" });
    expect(upstream.requestsFor(path)).toHaveLength(requests);
  });

  test("it is checked by what is kept, whether upstream has it by now or not; and no line says again what one has said", async () => {
    const { mirror, parts, upstream, path, known } = await admittedUnknown();
    upstream.fault("*", { kind: "disconnect" });
    const before = await parts.index.admission(npmRef("demo"));
    expect(await settled(mirror, parts, "demo")).toMatchObject({ verdict: { reasons: [{ code: "SIGNATURE_MISSING" }] } });
    expect(await parts.index.admission(npmRef("demo"))).toEqual(before);
    known.push(key);
    expect(await settled(mirror, parts, "demo")).toMatchObject({ verdict: { kind: "admit" } });
    expect(upstream.requestsFor(path)).toHaveLength(1);
  });

  test("a refusal for another reason asks nobody", async () => {
    const { parts, path, upstream } = await admittedUnknown();
    const denying = policyAsking('deny: [{purl: "pkg:npm/demo", reason: stolen}]');
    expect(await settled(mirrorOf(parts, { policy: denying }).mirror, parts, "demo")).toMatchObject({ kind: "refused" });
    expect(upstream.requestsFor(path)).toHaveLength(1);
  });
});

test.each([
  { name: "cut short", damage: (path: string) => truncateSync(path, 10) },
  { name: "longer", damage: (path: string) => writeFileSync(path, noise(5_000)) },
])("an archive whose file is $name is fetched again, and replaced by the same bytes only", async ({ damage }) => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  const { mirror } = mirrorOf(parts);
  publishTarball(upstream, { name: "demo" });
  await settled(mirror, parts, "demo");
  const [path = ""] = filesIn(parts.dataDir, "blobs-v1");

  damage(path);
  publishTarball(upstream, { name: "demo", files: { "evil.js": "steal()" } });
  parts.advance(61_000);
  expect(await settled(mirror, parts, "demo")).toMatchObject({
    verdict: { kind: "refuse", reasons: [{ code: "INTEGRITY_VIOLATION" }] },
  });

  publishTarball(upstream, { name: "demo" });
  parts.advance(61_000);
  expect(await settled(mirror, parts, "demo")).toMatchObject({ verdict: { kind: "admit" } });
  expect(await settled(mirror, parts, "demo")).toMatchObject({ kind: "held" });
});

test("a refusal told at once is asked anew next time; one that cut clients off answers for a while", async () => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  const { mirror } = mirrorOf(parts);
  const small = publishTarball(upstream, { name: "small" });
  upstream.fault(small.path, { kind: "wrong-bytes", times: 1 });
  expect(await settled(mirror, parts, "small")).toMatchObject({ verdict: { kind: "refuse" } });
  expect(await settled(mirror, parts, "small")).toMatchObject({ verdict: { kind: "admit" } });

  const large = publishTarball(upstream, { name: "large", files: { "noise.bin": noise(3_000_000) } });
  upstream.fault(large.path, { kind: "wrong-bytes", times: 1 });
  const obtained = await mirror.obtain(parts.repository, npmRef("large"), ASKER);
  if (obtained.kind !== "arriving") throw new Error("expected a flight");
  const ready = await obtained.flight.ready();
  expect(ready.kind).toBe("flowing");
  await obtained.flight.admission;
  expect(await settled(mirror, parts, "large")).toMatchObject({ kind: "refused" });
  expect(upstream.requestsFor(large.path)).toHaveLength(1);
  parts.advance(REFUSAL_TTL_MS);
  expect(await settled(mirror, parts, "large")).toMatchObject({ verdict: { kind: "admit" } });
});

test("two processes on one data folder download an archive once", async () => {
  const upstream = await fakeUpstream();
  const dataDir = dataFolder();
  const [one, two] = [await openParts({ upstreams: [upstream], dataDir }), await openParts({ upstreams: [upstream], dataDir })];
  const { path } = publishTarball(upstream, { name: "demo" });
  upstream.fault(path, { kind: "slow", bytesPerSecond: 500 });
  const answers = await Promise.all([settled(mirrorOf(one).mirror, one, "demo"), settled(mirrorOf(two).mirror, two, "demo")]);
  expect(answers).toMatchObject([{ verdict: { kind: "admit" } }, { verdict: { kind: "admit" } }]);
  expect(upstream.requestsFor(path)).toHaveLength(1);
});

test("the lease of a process that is gone is waited for, and then taken over", async () => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  publishTarball(upstream, { name: "demo" });
  const { repository, name, version, file } = npmRef("demo");
  await parts.index.lease(`archive\0${repository}\0${name}\0${version}\0${file}`, "a process that crashed", 15_000);
  const landing = settled(mirrorOf(parts).mirror, parts, "demo");
  expect(await Promise.race([landing, sleep(300)])).toBeUndefined();
  parts.advance(15_000);
  expect(await landing).toMatchObject({ verdict: { kind: "admit" } });
});

test("past its queue a fetch is turned away, and the ones before it arrive", async () => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream], limits: { fetches: 1, fetchQueue: 1 } });
  const { mirror } = mirrorOf(parts);
  for (const name of ["a", "b", "c"]) publishTarball(upstream, { name });
  const landings = ["a", "b", "c"].map((name) => settled(mirror, parts, name));
  expect(await Promise.all(landings.map(codeOf))).toEqual([undefined, undefined, "BUSY"]);
  expect(await settled(mirror, parts, "c")).toMatchObject({ verdict: { kind: "admit" } });
});

test("a fetch that failed leaves no lease, no turn and no flight behind", async () => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream], limits: { fetches: 1 } });
  const { mirror } = mirrorOf(parts);
  const { path } = publishTarball(upstream, { name: "demo" });
  upstream.fault(path, { kind: "truncate", afterBytes: 20, times: 1 });
  expect(await codeOf(settled(mirror, parts, "demo"))).toBe("UPSTREAM_TRUNCATED");
  expect(await settled(mirror, parts, "demo")).toMatchObject({ verdict: { kind: "admit" } });
});
