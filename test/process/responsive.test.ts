import { Worker } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import { download } from "../support/download.ts";
import { noise } from "../support/fake-registry.ts";
import { largeTarball } from "../support/large-archives.ts";
import { type LargeBench, startLargeBench } from "../support/large-bench.ts";

const MB = 1_000_000;

let bench: LargeBench;
afterEach(() => bench.close());

/** Asks for `/healthz` without a pause from a thread of its own, so that it measures the server's delays and not those of this test. */
const PROBE = `
const { parentPort, workerData } = require("node:worker_threads");
const { Agent, get } = require("node:http");
const agent = new Agent({ keepAlive: true });
const times = [];
let done = false;
parentPort.once("message", () => { done = true; });
function ask() {
  if (done) { parentPort.postMessage(times); agent.destroy(); return; }
  const startedAt = performance.now();
  get(workerData, { agent }, (response) => response.resume().on("end", () => { times.push(performance.now() - startedAt); setTimeout(ask, 2); }));
}
ask();
`;

test("while an archive of 100 MB arrives and is checked, other requests are answered at once", async () => {
  bench = await startLargeBench();
  const archive = largeTarball("busy", noise(100 * MB));
  bench.upstream.publish(archive);
  const link = await bench.link(archive);
  const probe = new Worker(PROBE, { eval: true, workerData: `${bench.assay.url}/healthz` });
  expect(await download(link)).toMatchObject({ status: 200, sha256: archive.sha256 });
  const times = await new Promise<number[]>((resolve) => {
    probe.once("message", resolve);
    probe.postMessage("stop");
  });
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN;
  const figures = `${times.length} answers, median ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms, longest ${at(0.999).toFixed(1)} ms`;
  expect(times.length, figures).toBeGreaterThan(20);
  expect(at(0.99), figures).toBeLessThan(100);
  if (process.env["ASSAY_FIGURES"] !== undefined) console.info(figures);
}, 60_000);
