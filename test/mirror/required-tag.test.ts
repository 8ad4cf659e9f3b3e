import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { buildAam } from "../support/archives.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";

const PACKAGE = "/aam/packages/tool";
/** A minute, so that neither a document nor a verdict is still fresh. */
const LATER_MS = 120_000;

interface Bench {
  readonly upstream: FakeUpstream;
  readonly mirror: MirrorBench;
  /** What the registry says its dist-tags are from now on. */
  tag(tags: Record<string, string>): void;
  status(version: string): Promise<number>;
  /** How often archives were downloaded, and how often the package's document was asked for. */
  asked(): { archives: number; documents: number };
  restart(more?: string): Promise<MirrorBench>;
}

async function bench(policy = "governance: {install_policy: {require_tag: stable}}"): Promise<Bench> {
  const upstream = await startFakeUpstream();
  const dataDir = mkdtempSync(join(tmpdir(), "assay-tags-"));
  writeFileSync(join(dataDir, "policy.yaml"), `version: 1\n${policy}\n`);
  const config = `
policy: ${join(dataDir, "policy.yaml")}
repositories: [{name: aam, ecosystem: aam, upstreams: [{url: "${upstream.origin}/aam/", retries: 0}]}]
`;
  let mirror = await startMirror({ config, dataDir });
  onTestFinished(async () => {
    await mirror.close();
    await upstream.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const archives = new Map(["1.0.0", "2.0.0"].map((version) => [version, buildAam({ name: "tool", version }).bytes]));
  for (const [version, body] of archives) upstream.serve(`${PACKAGE}/${version}/tarball`, { body });
  const tag = (tags: Record<string, string>): void =>
    upstream.serve(PACKAGE, {
      contentType: "application/json",
      body: JSON.stringify({
        name: "tool",
        versions: Object.fromEntries(
          [...archives].map(([version, bytes]) => [
            version,
            { integrity: `sha256-${createHash("sha256").update(bytes).digest("base64")}` },
          ]),
        ),
        "dist-tags": tags,
      }),
    });
  tag({ latest: "2.0.0", stable: "1.0.0" });
  return {
    upstream,
    mirror,
    tag,
    status: async (version) => (await mirror.get(`${PACKAGE}/${version}/tarball`)).status,
    asked: () => ({
      archives: upstream.requests.filter(({ path }) => path.endsWith("/tarball")).length,
      documents: upstream.requestsFor(PACKAGE).length,
    }),
    restart: async (more = "") => {
      await mirror.close();
      mirror = await startMirror({ config: `${config}${more}`, dataDir });
      return mirror;
    },
  };
}

test("only the version that carries the tag is let in, and the refusal says which it carries", async () => {
  const { mirror, status } = await bench();
  const refused = await mirror.get(`${PACKAGE}/2.0.0/tarball`);
  expect(refused.status).toBe(403);
  expect(await refused.text()).toContain("expected a version tagged stable, got one tagged latest");
  expect(await status("1.0.0")).toBe(200);
});

test("a version that loses the tag is refused the next time, and let in again with it, with no download of an archive", async () => {
  const { mirror, tag, status, asked } = await bench();
  expect(await status("1.0.0")).toBe(200);
  tag({ latest: "2.0.0", stable: "2.0.0" });
  mirror.advance(LATER_MS);
  expect(await status("1.0.0")).toBe(403);
  expect(await status("2.0.0")).toBe(200);
  const { archives } = asked();
  expect(archives).toBe(2);
  tag({ stable: "1.0.0" });
  mirror.advance(LATER_MS);
  const { documents } = asked();
  expect(await status("1.0.0")).toBe(200);
  expect(await status("2.0.0")).toBe(403);
  // One look at the package's document tells of both, and no archive is asked for.
  expect(asked()).toEqual({ archives, documents: documents + 1 });
});

test("while upstream is down, and offline, the tags of the held document count", async () => {
  const { upstream, mirror, status, restart } = await bench();
  expect(await status("1.0.0")).toBe(200);
  upstream.fault("*", { kind: "disconnect" });
  mirror.advance(LATER_MS);
  expect(await status("1.0.0")).toBe(200);
  const offline = await restart("offline: true");
  expect((await offline.get(`${PACKAGE}/1.0.0/tarball`)).status).toBe(200);
});

test("a package that its registry has no more carries no tag", async () => {
  const { upstream, mirror, status } = await bench();
  expect(await status("1.0.0")).toBe(200);
  upstream.remove(PACKAGE);
  mirror.advance(LATER_MS);
  const refused = await mirror.get(`${PACKAGE}/1.0.0/tarball`);
  expect(refused.status).toBe(403);
  expect(await refused.text()).toContain("got a version whose tags are not known");
});

test("where no tag is required, a hit asks for no document", async () => {
  const { mirror, status, asked } = await bench("mode: enforce");
  expect(await status("2.0.0")).toBe(200);
  const before = asked();
  mirror.advance(LATER_MS);
  expect(await status("2.0.0")).toBe(200);
  expect(asked()).toEqual(before);
});
