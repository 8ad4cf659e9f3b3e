import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RepositoryConfig } from "../../src/app/config.ts";
import { discoverUpstreams } from "../../src/app/discover.ts";
import { adoptUpstreams, recallUpstreams, rememberUpstreams } from "../../src/app/remembered-upstreams.ts";
import type { Log } from "../../src/core/ports/log.ts";

const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => log };
const npm: RepositoryConfig = {
  name: "npm",
  ecosystem: "npm",
  type: "mirror",
  upstreams: "discover",
  policy: { unclaimed: "refuse", weakChecksum: "warn" },
  members: [],
  scopes: [],
  trust: "public",
  requireApproval: false,
};

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "assay-remembered-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

/** One start: recalls, discovers with what this machine's npm answers, remembers. Answers the upstreams that were taken. */
async function start(
  answer: string | undefined,
  upstreams: RepositoryConfig["upstreams"] = "discover",
  offline = false,
): Promise<readonly string[]> {
  const listen = { host: "127.0.0.1", port: 8740 };
  const config = { dataDir, repositories: [{ ...npm, upstreams }], listen, publicUrl: undefined, offline };
  const remembered = await recallUpstreams(dataDir, log);
  const run = async (): Promise<string | undefined> => answer && JSON.stringify({ registry: answer });
  const [repository] = await discoverUpstreams(config, { env: {}, log, run, remembered }).then(async (mirrored) => {
    await rememberUpstreams(config, mirrored, remembered, log);
    return mirrored;
  });
  return repository?.upstreams.map(({ url }) => url.href) ?? [];
}

test("a machine without the client takes the upstream of last time; one that is found wins and replaces it", async () => {
  expect(await start(undefined)).toEqual([]);
  expect(await start("https://npm.internal.example/")).toEqual(["https://npm.internal.example/"]);
  expect(await start(undefined)).toEqual(["https://npm.internal.example/"]);
  expect(await start("https://other.example/")).toEqual(["https://other.example/"]);
  expect(await start(undefined)).toEqual(["https://other.example/"]);
});

test("offline no client is asked, since it may connect to somewhere itself: the upstream of last time is taken, whatever the client is configured with now", async () => {
  await start("https://npm.internal.example/");
  expect(await start("https://other.example/", "discover", true)).toEqual(["https://npm.internal.example/"]);
});

test("what a bundle comes from is taken over only where nothing is remembered or configured, and never a folder", async () => {
  const config = { dataDir, repositories: [npm, { ...npm, name: "second" }, { ...npm, name: "third", upstreams: [] }] };
  const offered = {
    npm: "https://npm.internal.example/",
    second: "file:///etc/",
    third: "https://third.example/",
    other: "https://other.example/",
  };
  expect(await adoptUpstreams(config, offered, log)).toEqual({ npm: "https://npm.internal.example/" });
  expect(await adoptUpstreams(config, { npm: "https://another.example/" }, log)).toEqual({});
  expect(await start(undefined, "discover", true)).toEqual(["https://npm.internal.example/"]);
});

test("an index that is there but cannot be mirrored is not replaced by a remembered one, which may be a public one", async () => {
  await start("https://npm.internal.example/");
  expect(await start("http://user:secret@npm.internal.example/")).toEqual([]);
});

test("an operator who wants no upstream gets none, whatever is remembered", async () => {
  await start("https://npm.internal.example/");
  expect(await start(undefined, [])).toEqual([]);
});

test("credentials are not written down", async () => {
  await start("https://user:hunter2@npm.internal.example/");
  const note = readFileSync(join(dataDir, "upstreams.json"), "utf8");
  expect(note).toContain("https://npm.internal.example/");
  expect(note).not.toContain("hunter2");
});

test.each(["{", "[]", '{"npm": "file:///etc/"}', '{"npm": 7}'])("a note that reads %j is no upstream", async (text) => {
  writeFileSync(join(dataDir, "upstreams.json"), text);
  expect(await start(undefined)).toEqual([]);
});

test.each(["https://user:pw@npm.example/", "https://npm.example/npm", "file:///srv/npm/", "nonsense"])(
  "an address that no upstream can have is not taken over from a bundle: %s",
  async (address) => {
    expect(await adoptUpstreams({ dataDir, repositories: [npm] }, { npm: address }, log)).toEqual({});
    expect(await recallUpstreams(dataDir, log)).toEqual({});
  },
);
