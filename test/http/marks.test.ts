import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { mirrorConfig } from "../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";
import { publishAams, publishTarballs, publishWheels } from "../support/releases.ts";

const JSON_TYPE = "application/vnd.pypi.simple.v1+json";
const HOUR_MS = 3_600_000;
const REASON = '<b>stolen</b> "twice"';
const DENIALS = `deny:
  - {purl: "pkg:npm/denied", versions: "vers:npm/>=2.0.0", reason: '${REASON}'}
  - {purl: "pkg:pypi/denied@2.0.0", reason: '${REASON}'}
  - {purl: "pkg:aam/denied@2.0.0", reason: '${REASON}'}
`;
const POLICY = `version: 1\ndefaults: {min_age: 1d}\n`;

let upstream: FakeUpstream;
let mirror: MirrorBench;
let folder: string;
let skippedMs = 0;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  folder = mkdtempSync(join(tmpdir(), "assay-marks-"));
  setPolicy(POLICY + DENIALS);
  const config = mirrorConfig(upstream, `metadata_ttl: 12h\npolicy: ${join(folder, "policy.yaml")}\n`);
  const aam = `repositories:\n  - {name: aam, ecosystem: aam, upstreams: [{url: "${upstream.origin}/aam/"}]}`;
  mirror = await startMirror({ config: config.replace("repositories:", aam) });
});
afterAll(async () => {
  await mirror.close();
  await upstream.close();
  rmSync(folder, { recursive: true });
});

function advance(ms: number): void {
  skippedMs += ms;
  mirror.advance(ms);
}

function setPolicy(text: string): void {
  writeFileSync(join(folder, "policy.yaml"), text);
}

/** Why files of a project are yanked, by version. */
async function yanked(project: string): Promise<Record<string, unknown>> {
  const response = await mirror.get(`/pypi/simple/${project}/`, { headers: { accept: JSON_TYPE } });
  const { files } = (await response.json()) as { files: { filename: string; yanked: unknown }[] };
  return Object.fromEntries(files.map((file) => [file.filename.split("-")[1], file.yanked]));
}

const BOTH = [{ version: "1.0.0" }, { version: "2.0.0" }];

describe("what the policy denies stays listed, with the reason", () => {
  const shown = `assay: denied: ${REASON}`;

  test("yanked on PyPI, in both serializations, and the file itself is refused", async () => {
    publishWheels(upstream, "denied", BOTH);
    expect(await yanked("denied")).toEqual({ "1.0.0": false, "2.0.0": expect.stringContaining(shown) });
    const html = await (await mirror.get("/pypi/simple/denied/", { headers: { accept: "text/html" } })).text();
    expect(html.match(/data-yanked="[^"]*"/g)).toEqual([expect.stringContaining("&lt;b&gt;stolen&lt;/b&gt; &quot;twice&quot;")]);
    const refused = await mirror.get("/pypi/files/denied/denied-2.0.0-py3-none-any.whl");
    expect(refused.status).toBe(403);
    expect(refused.statusText).toContain("stolen");
    expect((await mirror.get("/pypi/files/denied/denied-1.0.0-py3-none-any.whl")).status).toBe(200);
  });

  test.each(["application/json", "application/vnd.npm.install-v1+json"])("deprecated on npm as %s, and latest moves", async (accept) => {
    publishTarballs(upstream, "denied", BOTH);
    const packument = (await (await mirror.get("/npm/denied", { headers: { accept } })).json()) as { versions: Record<string, object> };
    expect(packument).toMatchObject({
      "dist-tags": { latest: "1.0.0" },
      versions: { "2.0.0": { deprecated: expect.stringContaining(shown) } },
    });
    expect(packument.versions["1.0.0"]).not.toHaveProperty("deprecated");
    expect(await (await mirror.get("/npm/denied/latest")).json()).toMatchObject({ version: "1.0.0" });
    expect((await mirror.get("/npm/denied/-/denied-2.0.0.tgz")).status).toBe(403);
  });

  test("yanked on AAM, and latest moves", async () => {
    publishAams(upstream, "denied", BOTH);
    const marked = { yanked: true, yankedReason: expect.stringContaining(shown), deprecated: { message: expect.stringContaining(shown) } };
    expect(await (await mirror.get("/aam/packages/denied")).json()).toMatchObject({
      versions: { "1.0.0": { yanked: false }, "2.0.0": marked },
      "dist-tags": { latest: "1.0.0" },
    });
    expect(await (await mirror.get("/aam/packages/denied/2.0.0")).json()).toMatchObject(marked);
    expect(await (await mirror.get("/aam/packages/denied/dist-tags")).json()).toMatchObject({ "dist-tags": { latest: "1.0.0" } });
    const refused = await mirror.get("/aam/packages/denied/2.0.0/tarball");
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ error: { code: "FORBIDDEN", reason: "DENIED" } });
    expect((await mirror.get("/aam/packages/denied/1.0.0/tarball")).status).toBe(200);
  });
});

test("a refusal shows on the next page, hot or not, and the archive can still be asked for, and mended", async () => {
  publishWheels(upstream, "turns-out-bad", [{ version: "1.0.0" }, { version: "2.0.0", saysItIs: "another" }]);
  const file = "/pypi/files/turns-out-bad/turns_out_bad-2.0.0-py3-none-any.whl";
  for (const _ of ["cold", "hot"]) expect(await yanked("turns-out-bad")).toEqual({ "1.0.0": false, "2.0.0": false });
  expect((await mirror.get(file)).status).toBe(403);
  for (const _ of ["cold", "hot"]) {
    expect(await yanked("turns-out-bad")).toEqual({ "1.0.0": false, "2.0.0": expect.stringMatching(/^assay: .*\[always\]$/) });
  }
  expect((await mirror.get(file)).status, "asked for again, it goes down the road again").toBe(403);
  expect(upstream.requestsFor("/pypi/packages/turns_out_bad-2.0.0-py3-none-any.whl")).toHaveLength(2);

  publishWheels(upstream, "turns-out-bad", BOTH);
  advance(12 * HOUR_MS + 1);
  expect(await yanked("turns-out-bad"), "the index lists another archive by now").toEqual({ "1.0.0": false, "2.0.0": false });
  expect((await mirror.get(file)).status).toBe(200);
});

test("bytes that were not those listed mark nothing: the next try may be well", async () => {
  publishWheels(upstream, "on-the-way", BOTH);
  const path = "/pypi/packages/on_the_way-2.0.0-py3-none-any.whl";
  upstream.fault(path, { kind: "wrong-bytes" });
  expect((await mirror.get("/pypi/files/on-the-way/on_the_way-2.0.0-py3-none-any.whl")).status).toBe(403);
  expect(await yanked("on-the-way")).toEqual({ "1.0.0": false, "2.0.0": false });
  upstream.heal(path);
  expect((await mirror.get("/pypi/files/on-the-way/on_the_way-2.0.0-py3-none-any.whl")).status).toBe(200);
});

test("a page does not outlive the moment at which a version comes of age, and asks upstream for nothing then", async () => {
  const publishedAt = new Date(Date.now() + skippedMs - 23 * HOUR_MS).toISOString();
  const page = publishWheels(upstream, "young", [{ version: "1.0.0" }, { version: "2.0.0", publishedAt }]);
  for (const _ of ["cold", "hot"]) {
    expect(await yanked("young")).toEqual({ "1.0.0": false, "2.0.0": expect.stringContaining("expected an age of at least") });
  }
  advance(2 * HOUR_MS);
  expect(await yanked("young")).toEqual({ "1.0.0": false, "2.0.0": false });
  expect(upstream.requestsFor(page)).toHaveLength(1);
});

test("another policy shows on the next page without asking upstream, of what is held too", async () => {
  const page = publishTarballs(upstream, "repented", BOTH);
  expect((await mirror.get("/npm/repented/-/repented-2.0.0.tgz")).status).toBe(200);
  const latest = async (): Promise<unknown> => ((await (await mirror.get("/npm/repented")).json()) as { "dist-tags": object })["dist-tags"];
  expect(await latest()).toEqual({ latest: "2.0.0" });
  const asked = upstream.requestsFor(page).length;
  setPolicy(`${POLICY}deny: [{purl: "pkg:npm/repented@2.0.0", reason: "turned bad"}]\n`);
  await vi.waitFor(async () => expect(await latest()).toEqual({ latest: "1.0.0" }), { timeout: 30_000, interval: 100 });
  setPolicy(POLICY);
  await vi.waitFor(async () => expect(await latest()).toEqual({ latest: "2.0.0" }), { timeout: 30_000, interval: 100 });
  expect(upstream.requestsFor(page)).toHaveLength(asked);
});
