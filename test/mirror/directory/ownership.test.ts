import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../../store/temporary-folder.ts";
import { buildAam } from "../../support/archives.ts";
import { startFakeUpstream } from "../../support/fake-upstream.ts";
import { addToken } from "../../support/hosted-bench.ts";
import { type MirrorBench, startMirror } from "../../support/mirror-bench.ts";
import { publishAams } from "../../support/releases.ts";

/** Two mirrored repositories and a hosted one, which may all have a package of one name. */
async function start() {
  const [first, second] = [await startFakeUpstream(), await startFakeUpstream()];
  const dataDir = temporaryFolder();
  const mirrorOf = (name: string, upstream: typeof first): string =>
    `  - {name: ${name}, ecosystem: aam, upstreams: [{url: "${upstream.url("/aam/").href}", dialect: uaaps}]}\n`;
  const hosted = "  - {name: skills, ecosystem: aam, type: hosted, scopes: ['@acme']}\n";
  const virtual = "  - {name: front, ecosystem: aam, type: virtual, members: [second, first]}\n";
  const config = `metadata_ttl: 0s\nnegative_ttl: 0s\nrepositories:\n${mirrorOf("first", first)}${mirrorOf("second", second)}${hosted}${virtual}`;
  const mirror = await startMirror({ config, dataDir });
  onTestFinished(async () => {
    await mirror.close();
    await first.close();
    await second.close();
  });
  return { first, second, mirror, dataDir };
}

async function versionsOf(mirror: MirrorBench, path: string, repository?: string): Promise<readonly string[]> {
  const directory = mirror.assay.directory({ path, repository, asker: { kind: "command", command: "export" } });
  const { leftOut } = await directory.sync();
  return leftOut.map(({ package: name, version, code }) => `${name}${version === null ? "" : `@${version}`} ${code}`);
}

async function get(mirror: MirrorBench, repository: string, name: string, version: string): Promise<number> {
  const answer = await mirror.get(`/${repository}/packages/${name}/${version}/tarball`);
  await answer.arrayBuffer();
  return answer.status;
}

describe("a name belongs to one repository, whatever others have under it", { timeout: 60_000 }, () => {
  test("to the first mirrored one that has it, although only a later one was asked for it", async () => {
    const { first, second, mirror } = await start();
    const path = join(temporaryFolder(), "registry");
    publishAams(first, "tool", [{ version: "1.0.0" }]);
    publishAams(second, "tool", [{ version: "9.0.0" }]);
    expect(await get(mirror, "second", "tool", "9.0.0")).toBe(200);
    expect(await versionsOf(mirror, path)).toEqual(["tool NOT_OWNER"]);
    expect(await get(mirror, "first", "tool", "1.0.0")).toBe(200);
    expect(await versionsOf(mirror, path)).toEqual([]);
  });

  test("while the one before it is down a new package does not come in, and one that is there stays", async () => {
    const { first, second, mirror } = await start();
    const path = join(temporaryFolder(), "registry");
    publishAams(second, "known", [{ version: "1.0.0" }]);
    publishAams(second, "new", [{ version: "1.0.0" }]);
    expect(await get(mirror, "second", "known", "1.0.0")).toBe(200);
    expect(await versionsOf(mirror, path)).toEqual([]);
    expect(await get(mirror, "second", "new", "1.0.0")).toBe(200);
    await first.close();
    expect(await versionsOf(mirror, path)).toEqual(["new FAILED"]);
  });

  test("to the hosted one that its scope is reserved for", async () => {
    const { first, mirror, dataDir } = await start();
    const path = join(temporaryFolder(), "registry");
    publishAams(first, "@acme/tool", [{ version: "9.0.0" }]);
    expect(await get(mirror, "first", "@acme/tool", "9.0.0")).toBe(200);
    expect(await versionsOf(mirror, path)).toEqual(["@acme/tool NOT_OWNER"]);
    const body = new FormData();
    body.append("archive", new Blob([new Uint8Array(buildAam({ name: "@acme/tool", version: "1.0.0" }).bytes)]), "package.aam");
    const headers = { Authorization: `Bearer ${await addToken(dataDir)}` };
    expect((await fetch(`${mirror.url}/skills/packages`, { method: "POST", body, headers })).status).toBe(201);
    expect(await versionsOf(mirror, path)).toEqual([]);
  });

  test("a virtual repository that is named gives its members in its own order, and no others", async () => {
    const { first, second, mirror } = await start();
    const path = join(temporaryFolder(), "registry");
    publishAams(first, "tool", [{ version: "1.0.0" }]);
    publishAams(second, "tool", [{ version: "9.0.0" }]);
    expect(await get(mirror, "first", "tool", "1.0.0")).toBe(200);
    expect(await versionsOf(mirror, path, "front")).toEqual(["tool NOT_OWNER"]);
    expect(await versionsOf(mirror, path, "first")).toEqual([]);
  });

  test("a repository that there is not is told", async () => {
    const { mirror } = await start();
    const path = join(temporaryFolder(), "registry");
    expect(() => mirror.assay.directory({ path, repository: "nowhere", asker: { kind: "command", command: "export" } })).toThrow(/nowhere/);
  });
});
