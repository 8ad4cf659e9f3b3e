import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changePolicy } from "../support/change-policy.ts";
import { mirrorConfig, noise, publishTarball, publishWheel } from "../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { loggedDecisions } from "../support/logged-decisions.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";

let upstream: FakeUpstream;
let mirror: MirrorBench;
const folder = mkdtempSync(join(tmpdir(), "assay-metrics-"));
const policyFile = join(folder, "policy.yaml");

async function startWith(more: string): Promise<MirrorBench> {
  return startMirror({ config: `${mirrorConfig(upstream)}policy: ${policyFile}\n${more}` });
}

beforeAll(async () => {
  upstream = await startFakeUpstream();
  writeFileSync(policyFile, "version: 1\n");
  mirror = await startWith("withhold: 1MiB\n");
});
afterAll(async () => {
  await mirror.close();
  await upstream.close();
  rmSync(folder, { recursive: true });
});

/** Every sample by its name with labels, as Prometheus would read it. */
async function scrape(of = mirror): Promise<Map<string, number>> {
  const response = await of.get("/metrics");
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** How much each sample grew, of those that did. */
async function growthOver(work: () => Promise<void>): Promise<Record<string, number>> {
  const before = await scrape();
  await work();
  const after = await scrape();
  const grown = [...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const).filter(([, by]) => by !== 0);
  return Object.fromEntries(grown);
}

test("a first fetch and a hit are counted, with what went in and out", async () => {
  const { bytes, path } = publishTarball(upstream, { name: "counted" });
  const ask = async (): Promise<void> => void (await (await mirror.get("/npm/counted/-/counted-1.0.0.tgz")).arrayBuffer());
  const first = await growthOver(ask);
  expect(first).toMatchObject({
    'assay_misses_total{repository="npm"}': 1,
    'assay_requests_total{repository="npm",kind="archive",status="200"}': 1,
    'assay_served_bytes_total{repository="npm"}': bytes.length,
    'assay_upstream_requests_total{upstream="npm#fake",kind="document",outcome="document"}': 1,
    'assay_upstream_requests_total{upstream="npm#fake",kind="archive",outcome="archive"}': 1,
    'assay_upstream_request_seconds_count{upstream="npm#fake",kind="archive"}': 1,
    'assay_verification_seconds_count{verifier="checksum"}': 1,
    'assay_verification_seconds_count{verifier="archive"}': 1,
    assay_store_archives: 1,
    assay_store_archive_bytes: bytes.length,
    assay_store_decisions: 1,
  });
  const hit = await growthOver(ask);
  expect(hit).toMatchObject({
    'assay_hits_total{repository="npm"}': 1,
    'assay_requests_total{repository="npm",kind="archive",status="200"}': 1,
    'assay_served_bytes_total{repository="npm"}': bytes.length,
  });
  expect(Object.keys(hit).filter((name) => /upstream|verification|store/.test(name))).toEqual([]);
  expect(upstream.requestsFor(path)).toHaveLength(1);
});

test("pages are counted cold and warm, by status", async () => {
  publishWheel(upstream, { name: "paged" });
  const pages = await growthOver(async () => {
    const first = await mirror.get("/pypi/simple/paged/");
    await first.text();
    const etag = first.headers.get("etag") ?? "";
    await mirror.get("/pypi/simple/paged/", { headers: { "If-None-Match": etag } });
    await mirror.get("/pypi/simple/nobody-has-this/");
  });
  expect(pages).toMatchObject({
    'assay_requests_total{repository="pypi",kind="page",status="200"}': 1,
    'assay_requests_total{repository="pypi",kind="page",status="304"}': 1,
    'assay_requests_total{repository="pypi",kind="other",status="404"}': 1,
    'assay_errors_total{repository="pypi",code="NOT_FOUND"}': 1,
    'assay_documents_served_total{repository="pypi"}': 2,
    'assay_upstream_requests_total{upstream="pypi#fake",kind="document",outcome="absent"}': 1,
  });
});

test("a refusal is counted by its code, an upstream's failure by its own", async () => {
  publishTarball(upstream, { name: "forged", claims: "ab".repeat(64) });
  publishTarball(upstream, { name: "gone" });
  const path = "/npm/gone/-/gone-1.0.0.tgz";
  upstream.fault(path, { kind: "status", status: 404 });
  const grown = await growthOver(async () => {
    expect((await mirror.get("/npm/forged/-/forged-1.0.0.tgz")).status).toBe(403);
    await mirror.get(path);
  });
  upstream.heal();
  expect(grown).toMatchObject({
    'assay_refusals_total{repository="npm",code="CHECKSUM_MISMATCH"}': 1,
    'assay_refused_requests_total{repository="npm"}': 1,
    'assay_requests_total{repository="npm",kind="archive",status="403"}': 1,
    'assay_upstream_requests_total{upstream="npm#fake",kind="archive",outcome="NOT_FOUND"}': 1,
  });
});

test("an archive that is refused when its first part has gone out is counted as cut, not as an error of ours", async () => {
  const { path } = publishTarball(upstream, { name: "large", files: { "noise.bin": noise(3_000_000) } });
  upstream.fault(path, { kind: "wrong-bytes" });
  const grown = await growthOver(async () => {
    const body = mirror.get("/npm/large/-/large-1.0.0.tgz").then((response) => response.arrayBuffer());
    await expect(body).rejects.toThrow();
  });
  upstream.heal();
  expect(grown).toMatchObject({ 'assay_refused_midway_total{repository="npm"}': 1 });
  expect(Object.keys(grown).filter((name) => name.startsWith("assay_errors_total"))).toEqual([]);
});

describe("an archive that is served with a warning", () => {
  const path = "/npm/warned/-/warned-1.0.0.tgz";
  const denied = 'version: 1\nmode: audit\ndeny: [{purl: "pkg:npm/warned", reason: stolen}]\n';

  test("shows it in the header, is counted each time, hits from memory too, and is in the decision log once", async () => {
    publishTarball(upstream, { name: "warned" });
    await changePolicy(mirror, policyFile, denied);
    const grown = await growthOver(async () => {
      for (let i = 0; i < 5; i++) {
        const response = await mirror.get(path);
        expect(response.status).toBe(200);
        expect(response.headers.get("x-assay-warning")).toMatch(/^DENIED: audit: /);
        await response.arrayBuffer();
      }
    });
    expect(grown).toMatchObject({
      'assay_warnings_total{repository="npm",code="DENIED"}': 5,
      'assay_would_refuse_total{repository="npm",code="DENIED"}': 5,
      'assay_misses_total{repository="npm"}': 1,
      'assay_hits_total{repository="npm"}': 4,
      assay_store_decisions: 1,
    });
    const logged = await loggedDecisions(mirror.dataDir, { package: { ecosystem: "npm", name: "warned" } });
    expect(logged.map(({ entry }) => entry)).toMatchObject([
      { outcome: "admit-with-warnings", wouldRefuse: true, warnings: [{ code: "DENIED", setAside: "audit" }], policy: { mode: "audit" } },
    ]);
  });

  test("by a waiver counts as a warning, and not as what audit mode let through", async () => {
    const waiver = '{purl: "pkg:npm/warned", waive: [deny], owner: sec@acme.example, reason: needed, expires: 2199-12-31}';
    await changePolicy(mirror, policyFile, `${denied.replace("audit", "enforce")}waivers: [${waiver}]\n`);
    const grown = await growthOver(async () => void (await (await mirror.get(path)).arrayBuffer()));
    expect(grown).toMatchObject({ 'assay_warnings_total{repository="npm",code="DENIED"}': 1, assay_store_decisions: 1 });
    expect(Object.keys(grown).filter((name) => name.startsWith("assay_would_refuse"))).toEqual([]);
  });
});

test("the policy in force is named, with when it was read, and a file that is not valid shows", async () => {
  await changePolicy(mirror, policyFile, "version: 1\n");
  const [good] = [...(await scrape())].filter(([name]) => name.startsWith("assay_policy_info"));
  expect(good).toEqual([expect.stringMatching(/^assay_policy_info\{revision="[0-9a-f]+",mode="enforce"\}$/), 1]);
  expect((await scrape()).get("assay_policy_load_success")).toBe(1);
  await expect(changePolicy(mirror, policyFile, "version: 1\nmode: enforc\n")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  const bad = await scrape();
  expect(bad.get("assay_policy_load_success")).toBe(0);
  expect(bad.get(String(good?.[0]))).toBe(1);
  expect(Number(bad.get("assay_policy_loaded_timestamp_seconds"))).toBeGreaterThan(1_600_000_000);
  await changePolicy(mirror, policyFile, "version: 1\n");
});

test("no label ever names a package, a file or a client", async () => {
  const text = await (await mirror.get("/metrics")).text();
  expect(text).not.toMatch(/counted|paged|forged|warned|nobody-has|127\.0\.0\.1/);
  const labels = new Set([...text.matchAll(/[{,]([a-z_]+)="/g)].map(([, label]) => label));
  const ours = [
    "repository",
    "kind",
    "status",
    "code",
    "upstream",
    "outcome",
    "verifier",
    "queue",
    "revision",
    "mode",
    "trust",
    "from",
    "le",
  ];
  const ofNode = ["type", "space", "version", "major", "minor", "patch"];
  expect([...labels].filter((label) => !ours.includes(label ?? "") && !ofNode.includes(label ?? ""))).toEqual([]);
});

test("queues, circuits, trust and the process itself are there", async () => {
  const names = [...(await scrape()).keys()];
  for (const name of [
    'assay_queue_length{queue="fetches"}',
    'assay_queue_length{queue="archives of npm#fake"}',
    'assay_queue_length{queue="verifier archive"}',
    'assay_upstream_open_circuits{upstream="npm#fake"}',
    "nodejs_eventloop_lag_p99_seconds",
    "process_resident_memory_bytes",
    "assay_store_index_bytes",
  ])
    expect(names).toContain(name);
  expect(names).toContainEqual(expect.stringMatching(/^assay_trust_stale\{trust="public"/));
});

test("an origin that does not answer shows as an open circuit", async () => {
  publishTarball(upstream, { name: "dark" });
  upstream.fault("*", { kind: "disconnect" });
  for (let i = 0; i < 12; i++) await mirror.get(`/npm/dark${i}`);
  upstream.heal();
  expect((await scrape()).get('assay_upstream_open_circuits{upstream="npm#fake"}')).toBe(1);
});

describe("whoever may ask", () => {
  test("with a token, nobody without it", async () => {
    const token = join(folder, "token");
    writeFileSync(token, "correct horse\n");
    const guarded = await startWith(`metrics: {token_file: ${token}}\n`);
    try {
      const statusWith = async (headers: Record<string, string>) => (await guarded.get("/metrics", { headers })).status;
      expect(await statusWith({})).toBe(401);
      expect(await statusWith({ Authorization: "Bearer correct hors" })).toBe(401);
      expect(await statusWith({ Authorization: "correct horse" })).toBe(401);
      const refused = await guarded.get("/metrics");
      expect(refused.headers.get("www-authenticate")).toBe("Bearer");
      expect(await refused.text()).not.toContain("assay_");
      expect(await statusWith({ Authorization: "Bearer correct horse" })).toBe(200);
    } finally {
      await guarded.close();
    }
  });

  test("nobody where the operator wants none", async () => {
    const silent = await startWith("metrics: {enabled: false}\n");
    try {
      expect((await silent.get("/metrics")).status).toBe(404);
    } finally {
      await silent.close();
    }
  });
});
