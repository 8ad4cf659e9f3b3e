import { describe, expect, onTestFinished, test } from "vitest";
import { buildAam } from "../../../support/archives.ts";
import { type FakeUpstream, startFakeUpstream } from "../../../support/fake-upstream.ts";
import { type HostedBench, startHosted } from "../../../support/hosted-bench.ts";
import { publishSignedAam } from "../../../support/signed-packages.ts";

interface VirtualBench extends HostedBench {
  readonly upstream: FakeUpstream;
  /** Paths below the upstream's registry that were asked for since the last call, without what tells its dialect. */
  asked(): readonly string[];
}

/** A hosted `skills`, a mirrored `aam` and a virtual `all` over both. */
async function startVirtual(
  options: { readonly hostedScopes?: string; readonly mirrorScopes?: string; readonly approval?: boolean } = {},
): Promise<VirtualBench> {
  const upstream = await startFakeUpstream();
  onTestFinished(() => upstream.close());
  const json = { contentType: "application/json" };
  upstream.serve("/aam/packages", {
    ...json,
    body: JSON.stringify({ packages: ["git-utils", "@acme/tool"].map((name) => ({ name, latest: "1.0.0", versions: ["1.0.0"] })) }),
  });
  const scopes = (written: string | undefined): string => (written === undefined ? "" : `, scopes: [${written}]`);
  const bench = await startHosted({
    repository: `${scopes(options.hostedScopes)}${options.approval ? ", require_approval: true" : ""}`,
    more: `  - {name: aam, ecosystem: aam, upstreams: [{url: "${upstream.origin}/aam/", dialect: uaaps}]${scopes(options.mirrorScopes)}}
  - {name: all, ecosystem: aam, type: virtual, members: [aam, skills]}`,
  });
  let seen = 0;
  return {
    ...bench,
    upstream,
    asked: () => {
      const paths = upstream.requests.slice(seen).map(({ path }) => path);
      seen = upstream.requests.length;
      return paths;
    },
  };
}

/** Names on all pages of a list. */
async function namesIn(bench: HostedBench, path: string): Promise<readonly string[]> {
  const response = await bench.mirror.get(path);
  const { packages } = (await response.json()) as { packages: { name: string }[] };
  const names = packages.map(({ name }) => name);
  const [, next] = /<([^>]*)>/.exec(response.headers.get("link") ?? "") ?? [];
  return next === undefined ? names : [...names, ...(await namesIn(bench, next.slice(bench.mirror.url.length)))];
}

/** Every way to ask for a package and for its archive. */
const WAYS = (name: string): readonly string[] => [
  `/all/packages/${name}`,
  `/all/packages/${name}/1.0.0`,
  `/all/packages/${name}/1.0.0/tarball`,
  `/all/packages/${name}/1.0.0/signature`,
  `/all/packages/${name}/dist-tags`,
  `/all/api/v1/packages/${name}`,
  `/all/api/v1/packages/${name}/1.0.0/download`,
  `/all/packages?q=${encodeURIComponent(name)}`,
  `/all/api/v1/packages?q=${encodeURIComponent(name)}`,
];

describe("a name that was published here", () => {
  test("is never asked of the mirrored member, by any way", async () => {
    const bench = await startVirtual();
    publishSignedAam(bench.upstream, "@acme/tool", undefined);
    const ours = buildAam({ name: "@acme/tool", version: "1.0.0", files: { "ours.md": "ours" } }).bytes;
    expect((await bench.publish(ours)).status).toBe(201);
    bench.asked();
    for (const path of WAYS("@acme/tool")) expect((await bench.mirror.get(path)).status, path).toBe(200);
    const archive = await bench.mirror.get("/all/packages/@acme/tool/1.0.0/tarball");
    expect(Buffer.from(await archive.arrayBuffer()).equals(ours)).toBe(true);
    expect((await bench.mirror.get("/all/packages/@acme/tool/2.0.0")).status).toBe(404);
    expect(bench.asked()).toEqual([]);
  });

  test("is taken from the mirrored member at once, whatever was served of it a moment ago", async () => {
    const bench = await startVirtual();
    const theirs = publishSignedAam(bench.upstream, "@acme/tool", undefined).bytes;
    const bytes = async (): Promise<Buffer> =>
      Buffer.from(await (await bench.mirror.get("/all/packages/@acme/tool/1.0.0/tarball")).arrayBuffer());
    expect((await bytes()).equals(theirs)).toBe(true);
    expect((await bytes()).equals(theirs)).toBe(true);
    await bench.mirror.get("/all/packages/@acme/tool");
    const ours = buildAam({ name: "@acme/tool", version: "1.0.0", files: { "ours.md": "ours" } }).bytes;
    expect((await bench.publish(ours)).status).toBe(201);
    expect((await bytes()).equals(ours)).toBe(true);
    expect(await (await bench.mirror.get("/all/packages/@acme/tool")).json()).toMatchObject({ owners: ["alice"] });
  });

  test("is nobody else's also while it waits for approval", async () => {
    const bench = await startVirtual({ approval: true });
    publishSignedAam(bench.upstream, "@acme/tool", undefined);
    expect((await bench.publish(buildAam({ name: "@acme/tool", version: "1.0.0" }).bytes)).status).toBe(201);
    bench.asked();
    for (const path of WAYS("@acme/tool").slice(0, 7)) expect((await bench.mirror.get(path)).status, path).toBe(404);
    expect(await namesIn(bench, "/all/packages")).toEqual(["git-utils"]);
    expect(bench.asked().filter((path) => path.includes("acme"))).toEqual([]);
  });
});

test("a name of which everything was rejected is the mirrored member's again", async () => {
  const bench = await startVirtual({ approval: true });
  const theirs = publishSignedAam(bench.upstream, "git-utils", undefined).bytes;
  expect((await bench.publish(buildAam({ name: "git-utils", version: "9.9.9" }).bytes)).status).toBe(201);
  expect((await bench.mirror.get("/all/packages/git-utils/1.0.0/tarball")).status).toBe(404);
  const token = await bench.token({ owner: "root", scopes: ["admin"] });
  await bench.send("POST", "/skills/api/v1/packages/git-utils/9.9.9/approve", { token, body: { status: "rejected" } });
  const archive = await bench.mirror.get("/all/packages/git-utils/1.0.0/tarball");
  expect(Buffer.from(await archive.arrayBuffer()).equals(theirs)).toBe(true);
  expect((await bench.mirror.get("/all/packages/git-utils/9.9.9")).status).toBe(404);
});

describe("a reserved scope", () => {
  test("of the hosted member is never asked of the mirrored one, before anything was published", async () => {
    const bench = await startVirtual({ hostedScopes: '"@acme"' });
    publishSignedAam(bench.upstream, "@acme/tool", undefined);
    for (const path of WAYS("@acme/tool").slice(0, 7)) expect((await bench.mirror.get(path)).status, path).toBe(404);
    for (const path of WAYS("@acme/tool").slice(7)) expect(await namesIn(bench, path), path).toEqual([]);
    expect(await namesIn(bench, "/all/packages")).toEqual(["git-utils"]);
    expect(bench.asked().filter((path) => path.includes("acme"))).toEqual([]);
  });

  test("of the mirrored member is its own also where it was published here", async () => {
    const bench = await startVirtual({ mirrorScopes: '"@acme"' });
    const theirs = publishSignedAam(bench.upstream, "@acme/tool", undefined).bytes;
    await bench.publish(buildAam({ name: "@acme/tool", version: "1.0.0", files: { a: "b" } }).bytes);
    const archive = await bench.mirror.get("/all/packages/@acme/tool/1.0.0/tarball");
    expect(Buffer.from(await archive.arrayBuffer()).equals(theirs)).toBe(true);
  });
});

describe("a virtual repository", () => {
  test("shows what its members have, and holds it once", async () => {
    const bench = await startVirtual();
    const theirs = publishSignedAam(bench.upstream, "git-utils", undefined).bytes;
    await bench.publish(buildAam({ name: "own", version: "1.0.0" }).bytes);
    for (const path of ["/all/packages", "/all/api/v1/packages"]) {
      const names = await namesIn(bench, path);
      expect(names, path).toContain("own");
      expect(names, path).toContain("git-utils");
    }
    expect(await (await bench.mirror.get("/all/packages/git-utils")).json()).toMatchObject({
      versions: { "1.0.0": { tarball: `${bench.mirror.url}/all/packages/git-utils/1.0.0/tarball` } },
    });
    for (const repository of ["all", "aam", "all"]) {
      const archive = await bench.mirror.get(`/${repository}/packages/git-utils/1.0.0/tarball`);
      expect(Buffer.from(await archive.arrayBuffer()).equals(theirs)).toBe(true);
    }
    expect(bench.upstream.requests.filter(({ path }) => path.endsWith("/tarball"))).toHaveLength(1);
    expect((await bench.mirror.get("/all/packages/git-utils/1.0.0/tarball.vsa")).status).toBe(200);
    expect((await bench.mirror.get("/all/packages/nobody")).status).toBe(404);
  });

  test.each([
    ["POST", "/all/packages"],
    ["PUT", "/all/packages/own/dist-tags/stable"],
    ["DELETE", "/all/packages/own/1.0.0"],
    ["POST", "/all/api/v1/packages"],
    ["POST", "/all/packages/own/1.0.0/yank"],
  ])("takes nothing: %s %s", async (method, path) => {
    const bench = await startVirtual();
    await bench.publish(buildAam({ name: "own", version: "1.0.0" }).bytes);
    const answer = await bench.send(method, path);
    expect([answer.status, await answer.text()]).toEqual([405, expect.stringContaining("all takes no writes")]);
  });

  test("hands no name on while its mirrored member fails", async () => {
    const bench = await startVirtual();
    bench.upstream.fault("/aam/packages/git-utils", { kind: "status", status: 500 } as never);
    expect((await bench.mirror.get("/all/packages/git-utils")).status).toBeGreaterThanOrEqual(500);
  });
});
