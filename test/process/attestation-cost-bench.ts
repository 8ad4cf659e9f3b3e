// Started by hand: node test/process/attestation-cost-bench.ts. Tells what verifying an attestation adds to a first fetch of a wheel and to a cached one, in CPU
// time of the whole `assay serve` process with its threads. Both kinds are fetched in turns in one warm process, so what the machine does meanwhile meets both.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAssay } from "../support/assay-process.ts";
import { startFakeUpstream } from "../support/fake-upstream.ts";
import { publishSignedWheel } from "../support/signed-packages.ts";
import { SigstoreInstance } from "../support/sigstore-instance.ts";

const ROUNDS = 12;
/** The system counts CPU time in hundredths of a second, so one fetch is too short to be measured. */
const FETCHES_A_ROUND = 25;
const WARM_UP_ROUNDS = 3;
const HITS_A_ROUND = 10_000;
const CLIENTS = 8;
const TARGET_MS = 15;

const KINDS = ["unattested", "attested"] as const;
type Kind = (typeof KINDS)[number];

const folder = mkdtempSync(join(tmpdir(), "assay-attestation-cost-"));
// With the key sizes of the public-good instance: larger ones take longer to verify.
const instance = new SigstoreInstance(undefined, "P-384");
writeFileSync(join(folder, "trusted_root.json"), JSON.stringify(instance.trustedRoot()));
const upstream = await startFakeUpstream();
const assay = await startAssay({
  config: `
trust: {internal: {sigstore: ${join(folder, "trusted_root.json")}}}
repositories:
  - {name: pypi, ecosystem: pypi, upstreams: [{url: "${upstream.url("/pypi/simple/").href}", trust: internal, retries: 0}]}
`,
});
const ticksASecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** User and system time of all threads since the process started, in milliseconds. */
function cpuMs(): number {
  const stat = readFileSync(`/proc/${assay.pid}/stat`, "utf8");
  // The command's name, in brackets, may hold spaces; utime and stime are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksASecond;
}

async function get(path: string): Promise<Buffer> {
  const response = await fetch(`${assay.url}${path}`, { headers: { accept: "application/vnd.pypi.simple.v1+json" } });
  const body = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${body}`);
  return body;
}

/** A page of its own for each wheel, as pip asks for it, and then the wheel: answers the wheel's path. */
async function firstFetch(name: string): Promise<string> {
  const page = `/pypi/simple/${name}/`;
  const { files } = JSON.parse((await get(page)).toString());
  const path = new URL(files[0].url, `${assay.url}${page}`).pathname;
  await get(path);
  return path;
}

/** Milliseconds of CPU for each call, over all of them. */
async function costOf(calls: readonly (() => Promise<unknown>)[]): Promise<number> {
  const before = cpuMs();
  for (const call of calls) await call();
  // What a first fetch leaves to be done after its answer belongs to it.
  await new Promise((resolve) => setTimeout(resolve, 200));
  return (cpuMs() - before) / calls.length;
}

const paths: Record<Kind, string[]> = { unattested: [], attested: [] };

async function coldRound(kind: Kind): Promise<number> {
  const names = Array.from({ length: FETCHES_A_ROUND }, (_, index) => `${kind}-${paths[kind].length + index}`);
  for (const name of names) publishSignedWheel(upstream, name, kind === "attested" ? instance : undefined);
  return costOf(names.map((name) => async () => paths[kind].push(await firstFetch(name))));
}

async function warmRound(kind: Kind): Promise<number> {
  const hits = Array.from({ length: HITS_A_ROUND / CLIENTS }, (_, index) => paths[kind][index % paths[kind].length] ?? "");
  return (await costOf(hits.map((path) => () => Promise.all(Array.from({ length: CLIENTS }, () => get(path)))))) / CLIENTS;
}

/** The rounds of both kinds in turns, the first one of each pair changing. */
async function compare(rounds: number, measure: (kind: Kind) => Promise<number>): Promise<Record<Kind, number[]>> {
  const costs: Record<Kind, number[]> = { unattested: [], attested: [] };
  for (let round = 0; round < rounds; round++)
    for (const kind of round % 2 === 0 ? KINDS : KINDS.toReversed()) costs[kind].push(await measure(kind));
  return costs;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

function report(what: string, costs: Record<Kind, number[]>): number {
  const [without, with_] = [median(costs.unattested), median(costs.attested)];
  const added = median(costs.attested.map((cost, round) => cost - (costs.unattested[round] ?? 0)));
  const columns = [without, with_, added].map((ms) => ms.toFixed(3).padStart(11));
  console.log(`${what.padEnd(12)}${columns.join("")}${(with_ / without).toFixed(2).padStart(8)}`);
  return added;
}

try {
  await compare(WARM_UP_ROUNDS, coldRound);
  const cold = await compare(ROUNDS, coldRound);
  await compare(WARM_UP_ROUNDS, warmRound);
  const warm = await compare(ROUNDS, warmRound);
  console.log(`CPU of the whole process in ms, medians of ${ROUNDS} rounds\n${"".padEnd(12)} unattested   attested      added   ratio`);
  const added = report("first fetch", cold);
  report("cached", warm);
  console.log(`target: less than ${TARGET_MS} ms added to a first fetch, ${added < TARGET_MS ? "met" : "MISSED"}`);
} finally {
  await assay.discard();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
}
