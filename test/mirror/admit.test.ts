import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { AssayError } from "../../src/core/errors.ts";
import type { Ecosystem, SignedItem } from "../../src/core/ports/ecosystem.ts";
import type { Verifier } from "../../src/core/ports/verifier.ts";
import type { Admission } from "../../src/core/verdict.ts";
import { type AdmitDeps, admit } from "../../src/mirror/admit.ts";
import { codeOf } from "../contract/code-of.ts";
import { buildNpmTarball } from "../support/archives.ts";
import { publishTarball } from "../support/fake-registry.ts";
import type { FakeUpstream } from "../support/fake-upstream.ts";
import { ASKER } from "../support/record.ts";
import { SigstoreInstance } from "../support/sigstore-instance.ts";
import { fakeUpstream, filesIn, npmRef, openParts, type Parts } from "./parts.ts";

function walk(parts: Parts, name: string, changes: Partial<AdmitDeps> = {}): Promise<Admission> {
  return admit(
    parts.repository,
    npmRef(name),
    ASKER,
    { ...parts, ecosystem: parts.ecosystems.npm, upstream: parts.client, ...changes },
    () => {},
  );
}

function publish(upstream: FakeUpstream, name: string) {
  return publishTarball(upstream, { name });
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

test.each<{ name: string; arrange: (upstream: FakeUpstream) => void; code: string }>([
  {
    name: "bytes that are not those of the packument",
    arrange: (upstream) => upstream.fault(publish(upstream, "demo").path, { kind: "wrong-bytes" }),
    code: "CHECKSUM_MISMATCH",
  },
  {
    name: "a packument that claims another digest",
    arrange: (upstream) => publishTarball(upstream, { name: "demo", claims: "ab".repeat(64) }),
    code: "CHECKSUM_MISMATCH",
  },
  {
    name: "an X-Checksum header that contradicts the packument",
    arrange: (upstream) => {
      const { path, bytes } = publish(upstream, "demo");
      upstream.serve(path, { body: bytes, headers: { "x-checksum-sha256": "ab".repeat(32) } });
    },
    code: "CHECKSUM_MISMATCH",
  },
  {
    name: "an archive that nobody claims a digest for",
    arrange: (upstream) => publishTarball(upstream, { name: "demo", claims: "none" }),
    code: "CHECKSUM_UNCLAIMED",
  },
  {
    name: "the honest archive of another package",
    arrange: (upstream) => publishTarball(upstream, { name: "demo", bytes: buildNpmTarball({ name: "other", version: "1.0.0" }).bytes }),
    code: "IDENTITY_MISMATCH",
  },
  {
    name: "an archive that is no archive",
    arrange: (upstream) => publishTarball(upstream, { name: "demo", bytes: Buffer.from("<!doctype html>sign in") }),
    code: "ARCHIVE_MALFORMED",
  },
])("refused, journalled and not kept: $name", async ({ arrange, code }) => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  arrange(upstream);
  const { verdict } = await walk(parts, "demo");
  // Bytes that are wrong are rarely a sound archive besides: the digest is what is named first.
  expect(verdict).toMatchObject({ kind: "refuse", reasons: expect.arrayContaining([expect.objectContaining({ code })]) });
  expect(await parts.index.admission(npmRef("demo"))).toMatchObject({ verdict });
  expect(await parts.index.admission(npmRef("demo"), { admittedOnly: true })).toBeUndefined();
  expect([...filesIn(parts.dataDir, "blobs-v1"), ...filesIn(parts.dataDir, "tmp")]).toEqual([]);
});

test("an honest archive is admitted under its digest, with the evidence of every verifier about these bytes", async () => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  const { bytes } = publish(upstream, "demo");
  const admission = await walk(parts, "demo");
  expect(admission).toMatchObject({ digest: sha256(bytes), sizeBytes: bytes.length, verdict: { kind: "admit" } });
  expect(admission.evidence.map(({ verifier, subject }) => ({ verifier, subject }))).toEqual([
    { verifier: "checksum", subject: sha256(bytes) },
    { verifier: "archive", subject: sha256(bytes) },
    { verifier: "sigstore", subject: sha256(bytes) },
    { verifier: "openpgp", subject: sha256(bytes) },
    { verifier: "registry-signature", subject: sha256(bytes) },
  ]);
  expect(await parts.blobs.find(admission.digest, bytes.length)).toBeDefined();
  expect(filesIn(parts.dataDir, "tmp")).toEqual([]);
});

test("other bytes under a name that was admitted are an integrity violation, whatever upstream claims now", async () => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  publish(upstream, "demo");
  await walk(parts, "demo");
  publishTarball(upstream, { name: "demo", files: { "evil.js": "steal()" } });
  parts.advance(61_000);
  expect((await walk(parts, "demo")).verdict).toMatchObject({ kind: "refuse", reasons: [{ code: "INTEGRITY_VIOLATION" }] });
  expect(filesIn(parts.dataDir, "blobs-v1")).toHaveLength(1);
});

test("a verifier that is missing from the list is not taken for one that passed", async () => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  publish(upstream, "demo");
  const verifiers = parts.verifiers.filter(({ id }) => id !== "archive");
  expect((await walk(parts, "demo", { verifiers })).verdict).toMatchObject({ kind: "refuse", reasons: [{ verifier: "archive" }] });
});

const failing = new AssayError("STORE_IO", "the disk is gone");
const fails = async (): Promise<never> => {
  throw failing;
};

test.each<{ name: string; change: (parts: Parts) => Partial<AdmitDeps> }>([
  { name: "a verifier throws", change: ({ verifiers }) => ({ verifiers: [...verifiers, { id: "archive", verify: fails } as Verifier] }) },
  {
    name: "what is published cannot be told",
    change: ({ ecosystems: { npm } }) => ({ ecosystem: { ...npm, published: fails } }),
  },
])("nothing is kept and nothing recorded where $name", async ({ change }) => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  publish(upstream, "demo");
  await expect(walk(parts, "demo", change(parts))).rejects.toBe(failing);
  expect(await parts.index.admission(npmRef("demo"))).toBeUndefined();
  expect([...filesIn(parts.dataDir, "blobs-v1"), ...filesIn(parts.dataDir, "tmp")]).toEqual([]);
});

test("an archive whose row could not be written is not admitted, and the next try makes it whole", async () => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  publish(upstream, "demo");
  const { index: real } = parts;
  const index = {
    admission: real.admission.bind(real),
    admitted: real.admitted.bind(real),
    firstSeenAt: real.firstSeenAt.bind(real),
    record: fails,
  };
  await expect(walk(parts, "demo", { index })).rejects.toBe(failing);
  expect(await parts.index.admission(npmRef("demo"))).toBeUndefined();
  expect(await walk(parts, "demo")).toMatchObject({ verdict: { kind: "admit" } });
  expect(filesIn(parts.dataDir, "blobs-v1")).toHaveLength(1);
});

test("the line says how old the archive was, for rules that ask later", async () => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream] });
  publish(upstream, "demo");
  const admission = await walk(parts, "demo");
  const listed = await parts.index.file(npmRef("demo"));
  expect(admission).toMatchObject({ publishedAt: listed?.publishedAt, firstSeenAt: listed?.firstSeenAt });
  expect(await parts.index.admission(npmRef("demo"))).toEqual(admission);
});

describe("what is published", () => {
  const instance = new SigstoreInstance();
  const roots = new Map([["internal", instance.trustRoot("internal")]]);

  function attest(bytes: Buffer, label: string): SignedItem {
    return { kind: "sigstore", label, bundle: Buffer.from(JSON.stringify(instance.signMessage(bytes))) };
  }

  /** Of npm's rules about attestations its own tests tell: here any signature over the bytes is about the archive. */
  function publishing(parts: Parts, published: Ecosystem["published"]): Partial<AdmitDeps> {
    return { ecosystem: { ...parts.ecosystems.npm, published, checkSigned: () => undefined } };
  }

  test("is asked for before the bytes are there, and judged with them: every item a line of evidence", async () => {
    const upstream = await fakeUpstream();
    const parts = await openParts({ upstreams: [upstream], verifiers: { roots }, trust: "internal" });
    const { bytes, path } = publish(upstream, "demo");
    const archiveRequests: number[] = [];
    const items = [attest(bytes, "good"), attest(Buffer.from("other"), "bad")];
    const changes = publishing(parts, async () => {
      archiveRequests.push(upstream.requestsFor(path).length);
      return [{ label: "the index", kind: "published", items }];
    });
    const { evidence, verdict } = await walk(parts, "demo", changes);
    expect(archiveRequests).toEqual([0]);
    expect(evidence.filter(({ verifier }) => verifier === "sigstore")).toMatchObject([
      { subject: sha256(bytes), outcome: { kind: "pass", label: "good", signer: { trust: "internal" } } },
      { subject: sha256(bytes), outcome: { kind: "invalid", label: "bad", code: "SUBJECT_MISMATCH" } },
    ]);
    expect(verdict).toMatchObject({ kind: "refuse", reasons: [{ code: "SUBJECT_MISMATCH", verifier: "sigstore" }] });
  });

  test("does not hold back the bytes: they flow while it is still asked for", async () => {
    const upstream = await fakeUpstream();
    const parts = await openParts({ upstreams: [upstream] });
    publish(upstream, "demo");
    let arrived = (): void => {};
    const whole = new Promise<void>((resolve) => (arrived = resolve));
    const changes = publishing(parts, async () => {
      await whole;
      return [];
    });
    const deps = { ...parts, ecosystem: parts.ecosystems.npm, upstream: parts.client, ...changes };
    const admission = await admit(parts.repository, npmRef("demo"), ASKER, deps, ({ reception }) => void reception.whole.then(arrived));
    expect(admission.verdict.kind).toBe("admit");
  });

  test("that could not be had leaves nothing behind and decides nothing; once it can be, the archive comes in", async () => {
    const upstream = await fakeUpstream();
    const parts = await openParts({ upstreams: [upstream], verifiers: { roots }, trust: "internal", client: { concurrency: 1 } });
    const { bytes } = publish(upstream, "demo");
    const down = publishing(parts, async () => [{ label: "the index", kind: "unavailable", detail: "503" }]);
    expect(await codeOf(walk(parts, "demo", down))).toBe("UPSTREAM_EVIDENCE");
    expect(await parts.index.admission(npmRef("demo"))).toBeUndefined();
    expect([...filesIn(parts.dataDir, "blobs-v1"), ...filesIn(parts.dataDir, "tmp")]).toEqual([]);
    const up = publishing(parts, async () => [{ label: "the index", kind: "published", items: [attest(bytes, "good")] }]);
    const admission = await walk(parts, "demo", up);
    expect(admission.verdict.kind).toBe("admit");
    // What was kept says as much as what was found.
    expect(await parts.index.admission(npmRef("demo"))).toEqual(admission);
  });

  test("fails unheard where the archive itself fails first", async () => {
    const upstream = await fakeUpstream();
    const parts = await openParts({ upstreams: [upstream], client: { concurrency: 1 } });
    const { path } = publish(upstream, "demo");
    upstream.fault(path, { kind: "status", status: 404 });
    const unheard: unknown[] = [];
    const hear = (reason: unknown): void => void unheard.push(reason);
    process.on("unhandledRejection", hear);
    onTestFinished(() => void process.off("unhandledRejection", hear));
    expect(await codeOf(walk(parts, "demo", publishing(parts, fails)))).toBe("NOT_FOUND");
    await setTimeout(20);
    expect(unheard).toEqual([]);
  });
});

test("an X-Checksum header that is no digest costs its own archive and no turn of the others", async () => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream], client: { concurrency: 1 } });
  const { path, bytes } = publish(upstream, "hostile");
  upstream.serve(path, { body: bytes, headers: { "x-checksum-sha256": "no digest" } });
  expect(await codeOf(walk(parts, "hostile"))).toBe("UPSTREAM_MALFORMED");
  publish(upstream, "honest");
  expect(await walk(parts, "honest")).toMatchObject({ verdict: { kind: "admit" } });
});

test.each<{ name: string; fault: Parameters<FakeUpstream["fault"]>[1]; code: string }>([
  { name: "cuts the connection", fault: { kind: "disconnect" }, code: "UPSTREAM_UNREACHABLE" },
  { name: "stops midway", fault: { kind: "truncate", afterBytes: 50 }, code: "UPSTREAM_TRUNCATED" },
  { name: "goes silent midway", fault: { kind: "stall", at: 50 }, code: "UPSTREAM_TIMEOUT" },
  { name: "answers 500", fault: { kind: "status", status: 500 }, code: "UPSTREAM_STATUS" },
  { name: "has the archive no more", fault: { kind: "status", status: 404 }, code: "NOT_FOUND" },
])("an upstream that $name leaves nothing behind", async ({ fault, code }) => {
  const upstream = await fakeUpstream();
  const parts = await openParts({ upstreams: [upstream], client: { concurrency: 1 } });
  const { path } = publish(upstream, "demo");
  upstream.fault(path, fault);
  expect(await codeOf(walk(parts, "demo"))).toBe(code);
  expect(await parts.index.admission(npmRef("demo"))).toBeUndefined();
  expect([...filesIn(parts.dataDir, "blobs-v1"), ...filesIn(parts.dataDir, "tmp")]).toEqual([]);
  upstream.heal();
  expect(await walk(parts, "demo")).toMatchObject({ verdict: { kind: "admit" } });
});

describe("a refusal that is told again and again", () => {
  /** When the newest journal line was written, in milliseconds since the first. */
  async function refusedTwice(between: (setting: { parts: Parts; upstream: FakeUpstream; path: string }) => void) {
    const upstream = await fakeUpstream();
    const parts = await openParts({ upstreams: [upstream] });
    const { path } = publish(upstream, "demo");
    upstream.fault(path, { kind: "wrong-bytes" });
    const first = await walk(parts, "demo");
    expect(first.verdict.kind).toBe("refuse");
    parts.advance(1_000);
    between({ parts, upstream, path });
    const second = await walk(parts, "demo");
    expect(second.verdict.kind).toBe("refuse");
    const newest = await parts.index.admission(npmRef("demo"));
    return { first, second, newest, decisions: await parts.index.decisions({ from: 0, limit: 100 }) };
  }

  test("is one line of the journal, and one entry of the decision log for who asked both times", async () => {
    const { first, newest, decisions } = await refusedTwice(() => {});
    expect(newest?.decidedAt).toBe(first.decidedAt);
    expect(decisions).toHaveLength(1);
  });

  test.each<{ name: string; between: Parameters<typeof refusedTwice>[0] }>([
    {
      name: "other bytes",
      between: ({ upstream, path }) => {
        upstream.heal();
        upstream.serve(path, { body: buildNpmTarball({ name: "demo", version: "1.0.0", files: { more: "x" } }).bytes });
      },
    },
    { name: "another upload", between: ({ upstream }) => publishTarball(upstream, { name: "demo", claims: "00".repeat(64) }) },
    { name: "an hour later", between: ({ parts }) => parts.advance(3_600_000) },
  ])("is another line for $name", async ({ between }) => {
    const { second, newest } = await refusedTwice((setting) => {
      between(setting);
      setting.parts.advance(60_000);
    });
    expect(newest?.decidedAt).toBe(second.decidedAt);
  });
});
