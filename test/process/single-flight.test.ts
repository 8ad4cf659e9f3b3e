import { afterAll, beforeAll, expect, test } from "vitest";
import { download } from "../support/download.ts";
import { noise } from "../support/fake-registry.ts";
import { largeTarball, largeWheel } from "../support/large-archives.ts";
import { type LargeBench, startLargeBench } from "../support/large-bench.ts";

const CLIENTS = 50;
const payload = noise(20_000_000);

let bench: LargeBench;
beforeAll(async () => {
  bench = await startLargeBench();
});
afterAll(() => bench.close());

test.each([
  { name: "wheel", archive: largeWheel("together", payload) },
  { name: "tarball", archive: largeTarball("together", payload) },
])(
  "fifty clients that ask at once for a cold $name of 20 MB cause one upstream request, and each gets the right bytes",
  async ({ archive }) => {
    bench.upstream.publish(archive);
    const link = await bench.link(archive);
    const answers = await Promise.all(Array.from({ length: CLIENTS }, () => download(link)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ sha256 }) => sha256))).toEqual(new Set([archive.sha256]));
    expect(bench.upstream.requestsFor(archive).archive).toBe(1);
  },
  60_000,
);

test("fifty clients that ask at once for a cold index page cause one upstream request", async () => {
  const archive = largeWheel("page", Buffer.from("small"));
  bench.upstream.publish(archive);
  const page = `${bench.assay.url}/pypi/simple/page/`;
  const answers = await Promise.all(Array.from({ length: CLIENTS }, () => download(page)));
  expect(new Set(answers.map(({ status, sha256 }) => `${status} ${sha256}`)).size).toBe(1);
  expect(answers[0]).toMatchObject({ status: 200, text: expect.stringContaining(archive.file) });
  expect(bench.upstream.requestsFor(archive).index).toBe(1);
});

test("a page and an archive that nobody has asked for yet, asked for together, are fetched once each", async () => {
  const archive = largeWheel("cold", payload);
  bench.upstream.publish(archive);
  // The address is the same for every wheel but for its name, so the page need not have been read.
  const known = await bench.link(largeWheelOnPage());
  const link = known.replaceAll("page", "cold");
  const answers = await Promise.all(Array.from({ length: CLIENTS }, () => download(link)));
  expect(new Set(answers.map(({ status, sha256 }) => `${status} ${sha256}`))).toEqual(new Set([`200 ${archive.sha256}`]));
  expect(bench.upstream.requestsFor(archive)).toEqual({ archive: 1, index: 1 });
}, 60_000);

function largeWheelOnPage() {
  return largeWheel("page", Buffer.from("small"));
}
