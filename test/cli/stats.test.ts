import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type StatsFlags, type StatsReport, showStats } from "../../src/cli/stats.ts";
import { SqliteIndex } from "../../src/store/sqlite-index.ts";
import { codeOf } from "../contract/code-of.ts";
import { temporaryFolder } from "../store/temporary-folder.ts";
import { decide, npmArchive } from "../support/decided.ts";
import { mirrorConfig, publishTarball, publishWheel } from "../support/fake-registry.ts";
import { startFakeUpstream } from "../support/fake-upstream.ts";
import { startMirror } from "../support/mirror-bench.ts";

const NOW = Date.UTC(2026, 10, 23, 9);
const DAY_MS = 86_400_000;

async function stats(dataDir: string, flags: StatsFlags = {}, now = NOW): Promise<string> {
  let out = "";
  expect(await showStats({ config: { dataDir }, now, print: (text) => (out += text) }, flags)).toBe(0);
  return out;
}

async function report(dataDir: string, flags: StatsFlags = {}, now = NOW): Promise<StatsReport> {
  return JSON.parse(await stats(dataDir, { ...flags, json: true }, now)) as StatsReport;
}

/** A data folder in which something was counted ten days ago and something today. */
async function counted(): Promise<string> {
  const dataDir = temporaryFolder();
  let now = NOW - 10 * DAY_MS;
  const index = await SqliteIndex.open({ dataDir, clock: { now: () => now } });
  await index.count([{ repository: "npm", counter: "hits", by: 100 }]);
  now = NOW;
  await index.count(
    [
      { repository: "npm", counter: "hits", by: 30 },
      { repository: "npm", counter: "misses", by: 10 },
      { repository: "npm", counter: "refusals", by: 3 },
      { repository: "npm", counter: "bytes_served", by: 5 * 1024 ** 3 },
      { repository: "npm", counter: "bytes_fetched", by: 1024 ** 3 },
      { repository: "pypi", counter: "documents_served", by: 7 },
      { repository: "pypi", counter: "documents_fetched", by: 2 },
    ],
    [
      {
        upstream: "npm#0",
        failed: 2,
        maxMs: 1_300,
        buckets: new Map([
          [10, 98],
          [40, 2],
        ]),
      },
      { upstream: "pypi#0", failed: 1, maxMs: 0, buckets: new Map() },
    ],
  );
  const refusal = {
    kind: "refuse",
    reasons: [{ code: "DENIED", rule: "deny[0]", verifier: "policy", text: "denied", help: "-" }],
  } as const;
  await decide(index, npmArchive("colours"), { verdict: refusal, time: new Date(NOW).toISOString(), repeats: 17 });
  await decide(index, npmArchive("leftpad"), { verdict: refusal, time: new Date(NOW).toISOString() });
  await index.close();
  return dataDir;
}

test.each<{ name: string; flags: StatsFlags; code: string }>([
  { name: "a time that is none", flags: { since: "lately" }, code: "USAGE" },
  { name: "a count that is none", flags: { top: "-1" }, code: "USAGE" },
  { name: "more than anybody reads", flags: { top: "1001" }, code: "USAGE" },
])("assay stats says no to $name", async ({ flags, code }) => {
  expect(await codeOf(stats(await counted(), flags))).toBe(code);
});

test("assay stats says no to a folder without data", async () => {
  expect(await codeOf(stats(join(temporaryFolder(), "none")))).toBe("NOT_FOUND");
});

test("assay stats tells a person what was served, fetched and saved, who was slow, and what was refused", async () => {
  expect(await stats(await counted(), { since: "7d" })).toBe(`\
from 2026-11-16 on (UTC)

repository  served  fetched  hit ratio  refused  bytes served  bytes fetched  bytes saved  requests saved
npm         30      10       75.0%      3        5.0 GiB       1.0 GiB        4.0 GiB      30
pypi        0       0        -          0        0 B           0 B            0 B          5
all         30      10       75.0%      3        5.0 GiB       1.0 GiB        4.0 GiB      35

upstream  answered  failed  half within  99% within  slowest
npm#0     100       2       10 ms        1.3 s       1.3 s
pypi#0    0         1       -            -           -

refused          why     times
pkg:npm/colours  DENIED  17
pkg:npm/leftpad  DENIED  1
`);
});

test("assay stats has whole days since a time, all there is without one, and one repository alone", async () => {
  const dataDir = await counted();
  expect(await report(dataDir, { since: "2026-11-23T08:00Z" })).toMatchObject({ since: "2026-11-23", total: { served: 30 } });
  expect(await report(dataDir, { since: "10d" })).toMatchObject({ since: "2026-11-13", total: { served: 130 } });
  expect(await report(dataDir)).toMatchObject({ since: null, total: { served: 130, hitRatio: 130 / 140 } });
  const one = await report(dataDir, { repository: "pypi", top: "1" });
  expect(one).toMatchObject({
    repositories: [{ repository: "pypi", documentsServed: 7, requestsSaved: 5 }],
    total: { served: 0, requestsSaved: 5 },
    refused: [],
  });
  expect(one.upstreams.map(({ upstream }) => upstream)).toEqual(["npm#0"]);
});

test("a mirror keeps what stats tell: of archives, documents, upstreams and refusals", { timeout: 120_000 }, async () => {
  const upstream = await startFakeUpstream();
  onTestFinished(() => upstream.close());
  const tarball = publishTarball(upstream, { name: "good" });
  const evil = publishWheel(upstream, { name: "evil", claims: "ab".repeat(32) });
  const dataDir = temporaryFolder();
  const mirror = await startMirror({ config: `${mirrorConfig(upstream)}\nmetrics: {enabled: false}\n`, dataDir });
  for (let time = 0; time < 3; time++) expect((await mirror.get(`/npm/good/-/${tarball.file}`)).status).toBe(200);
  expect((await mirror.get(`/pypi/files/evil/${evil.file}`)).status).toBe(403);
  upstream.fault("*", { kind: "disconnect" });
  expect((await mirror.get("/npm/never-seen")).status).toBeGreaterThanOrEqual(500);
  await mirror.close();
  const { repositories, upstreams, refused } = await report(dataDir, { since: "1d" }, Date.now());
  expect(repositories.find(({ repository }) => repository === "npm")).toMatchObject({ fetched: 1, served: 2 });
  expect(repositories.find(({ repository }) => repository === "pypi")).toMatchObject({ refused: 1 });
  expect(refused).toMatchObject([{ repository: "pypi", name: "evil", code: "CHECKSUM_MISMATCH", times: 1 }]);
  const npm = upstreams.find(({ upstream: name }) => name.startsWith("npm"));
  expect(npm?.answered).toBeGreaterThanOrEqual(2);
  expect(npm?.failed).toBeGreaterThanOrEqual(1);
  expect(npm?.p50Ms).toBeGreaterThan(0);
});
