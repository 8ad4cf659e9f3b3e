import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type AssayProcess, startAssay } from "../support/assay-process.ts";
import { download } from "../support/download.ts";
import { type PublishedFile, publishTarball, publishWheel } from "../support/fake-registry.ts";
import { type FakeUpstream, type Fault, startFakeUpstream } from "../support/fake-upstream.ts";

/** Every way in which an upstream fails to give an index document, and what the client hears where nothing is held. */
const FAULTS: readonly { name: string; fault: Fault; uncached: number }[] = [
  { name: "cut before an answer", fault: { kind: "disconnect" }, uncached: 502 },
  { name: "silent", fault: { kind: "stall", at: "headers" }, uncached: 504 },
  { name: "silent midway", fault: { kind: "stall", at: 20 }, uncached: 504 },
  { name: "500", fault: { kind: "status", status: 500 }, uncached: 502 },
  { name: "503", fault: { kind: "status", status: 503 }, uncached: 502 },
  { name: "403", fault: { kind: "status", status: 403 }, uncached: 502 },
  { name: "a login page", fault: { kind: "html" }, uncached: 502 },
  { name: "cut midway", fault: { kind: "truncate", afterBytes: 20 }, uncached: 502 },
  { name: "a longer length than it sends", fault: { kind: "content-length", bytes: 100_000 }, uncached: 502 },
  { name: "a redirect to a private address", fault: { kind: "redirect", location: "http://127.0.0.2:9/" }, uncached: 502 },
];

const KINDS = [
  { kind: "pypi", publish: publishWheel, page: (name: string) => `/pypi/simple/${name}/` },
  { kind: "npm", publish: publishTarball, page: (name: string) => `/npm/${name}` },
] as const;

let upstream: FakeUpstream;
let assay: AssayProcess;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  assay = await startAssay({ config: config("metadata_ttl: 500ms\nnegative_ttl: 0s\nstale_if_error: 1h") });
});
afterEach(() => upstream.heal());
afterAll(async () => {
  await assay.discard();
  await upstream.close();
});

/** No circuit may open between cases, and silence must not take the minutes that it takes by default. */
function config(more: string): string {
  const options = "retries: 0, timeouts: {connect: 1s, headers: 700ms, idle: 700ms}";
  return `
repositories:
  - {name: pypi, ecosystem: pypi, upstreams: [{url: "${upstream.origin}/pypi/simple/", ${options}}]}
  - {name: npm, ecosystem: npm, upstreams: [{url: "${upstream.origin}/npm/", ${options}}]}
${more}
`;
}

let counter = 0;
function freshName(): string {
  counter++;
  return `case-${counter}`;
}

describe.each(KINDS)("an index document of $kind from an upstream that is", ({ publish, page }) => {
  test.each(FAULTS)("$name: an error where nothing is held, never 404", async ({ fault, uncached }) => {
    const name = freshName();
    const { indexPath } = publish(upstream, { name });
    upstream.fault(indexPath, fault);
    const answer = await download(`${assay.url}${page(name)}`);
    expect(answer.status).toBe(uncached);
    expect(JSON.parse(answer.text)).toMatchObject({ status: uncached, code: expect.stringMatching(/^UPSTREAM_/) });
    upstream.heal(indexPath);
    expect((await download(`${assay.url}${page(name)}`)).status).toBe(200);
  });

  test.each(FAULTS)("$name: what is held is served, and says how old it is and why", async ({ fault }) => {
    const name = freshName();
    const { indexPath, file } = publish(upstream, { name });
    const fresh = await download(`${assay.url}${page(name)}`);
    expect(fresh).toMatchObject({ status: 200 });
    expect(fresh.headers["x-assay-stale"]).toBeUndefined();
    await delay(600);
    publish(upstream, { name, version: "2.0.0" }); // Else the answer is a 304, which has no body to go wrong.
    upstream.fault(indexPath, fault);
    const stale = await download(`${assay.url}${page(name)}`);
    expect(stale).toMatchObject({ status: 200, sha256: fresh.sha256, text: expect.stringContaining(file) });
    expect(stale.headers).toMatchObject({ warning: expect.stringMatching(/^110 /), "x-assay-stale": expect.stringMatching(/./) });
    expect(Number(stale.headers["age"])).toBeGreaterThanOrEqual(1);
  });
});

test("an upstream that is gone altogether: what is held is served, archives too; what is not held is 502", async () => {
  const gone = await startFakeUpstream();
  const published: PublishedFile = publishWheel(gone, { name: "survivor" });
  const own = await startAssay({
    config: `repositories: [{name: pypi, ecosystem: pypi, upstreams: [{url: "${gone.origin}/pypi/simple/", retries: 0}]}]\nmetadata_ttl: 500ms`,
  });
  try {
    const page = `${own.url}/pypi/simple/survivor/`;
    const { text } = await download(page, { headers: { accept: "application/vnd.pypi.simple.v1+json" } });
    const link = new URL(JSON.parse(text).files[0].url, page).href;
    const archive = await download(link);
    expect(archive).toMatchObject({ status: 200, receivedBytes: published.bytes.length });
    await gone.close();
    await delay(600);
    expect(await download(page)).toMatchObject({ status: 200, headers: { warning: expect.stringMatching(/^110 /) } });
    expect(await download(link)).toMatchObject({ status: 200, sha256: archive.sha256 });
    expect((await download(`${own.url}/pypi/simple/unknown/`)).status).toBe(502);
  } finally {
    await own.discard();
    await gone.close();
  }
}, 60_000);

test("past stale_if_error an old document is no answer any more", async () => {
  const own = await startAssay({ config: config("metadata_ttl: 100ms\nstale_if_error: 1s") });
  try {
    const name = freshName();
    const { indexPath } = publishWheel(upstream, { name });
    expect((await download(`${own.url}/pypi/simple/${name}/`)).status).toBe(200);
    await delay(1_200);
    upstream.fault(indexPath, { kind: "status", status: 500 });
    expect((await download(`${own.url}/pypi/simple/${name}/`)).status).toBe(502);
  } finally {
    await own.discard();
  }
}, 60_000);
