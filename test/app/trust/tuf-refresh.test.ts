import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import type { TufConfig } from "../../../src/app/config.ts";
import { LiveTrust, type LiveTrustDeps } from "../../../src/app/trust/live-trust.ts";
import { DEFAULT_LIMITS } from "../../../src/core/limits.ts";
import { codeOf } from "../../contract/code-of.ts";
import { SILENT_LOG } from "../../support/candidate.ts";
import { startFakeProxy } from "../../support/fake-proxy.ts";
import { type FakeUpstream, startFakeUpstream } from "../../support/fake-upstream.ts";
import { startMirror } from "../../support/mirror-bench.ts";
import { SigstoreInstance } from "../../support/sigstore-instance.ts";
import { roleKey, TufRepository } from "../../support/tuf-repository.ts";

const EVERY_MS = 86_400_000;
const NAME = "internal";

function rootOf(instance: SigstoreInstance): Buffer {
  return Buffer.from(JSON.stringify(instance.trustedRoot()));
}

const first = rootOf(new SigstoreInstance());
const second = rootOf(new SigstoreInstance());

async function get(upstream: FakeUpstream, path: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(upstream.url(path))).arrayBuffer());
}

interface Bench {
  readonly upstream: FakeUpstream;
  readonly repository: TufRepository;
  readonly dataDir: string;
  readonly config: { readonly internal: { readonly tuf: TufConfig & { readonly rootPath: string } } };
  open(options?: { readonly offline?: boolean } & Partial<LiveTrustDeps>): Promise<LiveTrust>;
}

async function bench(): Promise<Bench> {
  const upstream = await startFakeUpstream();
  const dataDir = mkdtempSync(join(tmpdir(), "assay-trust-"));
  onTestFinished(async () => {
    await upstream.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const repository = new TufRepository(upstream);
  const rootPath = join(dataDir, "root.json");
  writeFileSync(rootPath, repository.rootJson);
  const config = {
    public: { tuf: "off" },
    internal: { tuf: { mirror: new URL(repository.mirror), rootPath, everyMs: EVERY_MS } },
  } as const;
  const open = async ({ offline = false, ...deps }: { offline?: boolean } & Partial<LiveTrustDeps> = {}) => {
    const trust = await LiveTrust.open(
      { trust: config, dataDir, offline, limits: DEFAULT_LIMITS },
      { clock: { now: Date.now }, log: SILENT_LOG, env: {}, changed: () => {}, ...deps },
    );
    onTestFinished(() => trust.close());
    return trust;
  };
  return { upstream, repository, dataDir, config, open };
}

const textOf = (trust: LiveTrust): string | undefined => trust.get(NAME)?.text.toString();
const statusOf = (trust: LiveTrust) => trust.status().find(({ name }) => name === NAME);

test("a root comes from the mirror, is told, and is there again after a restart that may ask nobody", async () => {
  const { repository, open, upstream, dataDir } = await bench();
  repository.publish({ "trusted_root.json": first });
  let changes = 0;
  const trust = await open({ changed: () => void changes++ });
  expect(trust.get(NAME)).toBeUndefined();
  expect(statusOf(trust)).toMatchObject({ from: "none", stale: expect.stringContaining("nothing has come") });
  expect(await trust.refresh(NAME)).toBeUndefined();
  expect(textOf(trust)).toBe(first.toString());
  expect(changes).toBe(1);
  expect(statusOf(trust)).toMatchObject({
    from: "tuf",
    mirror: repository.mirror,
    refreshedAt: expect.any(Number),
    expiresAt: expect.any(Number),
  });
  expect(statusOf(trust)).not.toHaveProperty("stale");
  expect(readdirSync(join(dataDir, "trust"))).toEqual([`${NAME}.json`]);

  const asked = upstream.requests.length;
  const again = await open({ offline: true });
  expect(textOf(again)).toBe(first.toString());
  expect(await codeOf(again.refresh(NAME))).toBe("OFFLINE");
  expect(upstream.requests).toHaveLength(asked);
});

test("a newer root replaces it, through a rotation of every key; the same again changes nothing", async () => {
  const { repository, open } = await bench();
  repository.publish({ "trusted_root.json": first });
  let changes = 0;
  const trust = await open({ changed: () => void changes++ });
  await trust.refresh(NAME);
  const refreshedAt = statusOf(trust)?.refreshedAt;
  expect(await trust.refresh(NAME)).toBeUndefined();
  expect(changes).toBe(1);
  expect(statusOf(trust)?.refreshedAt).toBe(refreshedAt);
  repository.rotate();
  repository.publish({ "trusted_root.json": second });
  expect(await trust.refresh(NAME)).toBeUndefined();
  expect(textOf(trust)).toBe(second.toString());
  expect(changes).toBe(2);
});

type Attack = (bench: Bench) => void;
const malicious = roleKey();
const yesterday = new Date(Date.now() - EVERY_MS);
const huge = Buffer.alloc(1024 * 1024 + 1, 0x20);

test.each<{ name: string; attack: Attack; code: string; says?: string }>([
  ...(["timestamp", "snapshot", "targets"] as const).map((role) => ({
    name: `a ${role} file by a key that nobody trusts`,
    attack: ({ repository }: Bench) => repository.publish({ "trusted_root.json": second }, { signedBy: { [role]: malicious } }),
    code: "UPSTREAM_MALFORMED",
  })),
  ...(["timestamp", "snapshot", "targets"] as const).map((role) => ({
    name: `a ${role} file that has ended`,
    attack: ({ repository }: Bench) => repository.publish({ "trusted_root.json": second }, { expires: { [role]: yesterday } }),
    code: "UPSTREAM_MALFORMED",
    says: "expired",
  })),
  {
    name: "a new root that the old one did not sign",
    attack: ({ repository }) => {
      repository.rotate({ signers: [malicious] });
      repository.publish({ "trusted_root.json": second });
    },
    code: "UPSTREAM_MALFORMED",
  },
  {
    name: "an older version, rightly signed",
    attack: ({ repository }) => repository.publish({ "trusted_root.json": second }, { version: 1 }),
    code: "UPSTREAM_MALFORMED",
    says: "less than current version",
  },
  {
    name: "a target that is not what was signed",
    attack: ({ repository, upstream }) => {
      repository.publish({ "trusted_root.json": second });
      upstream.fault(repository.targetPath("trusted_root.json", second), { kind: "wrong-bytes" });
    },
    code: "UPSTREAM_MALFORMED",
  },
  {
    name: "a target that is longer than was signed",
    attack: ({ repository }) => repository.publish({ "trusted_root.json": second }, { claimed: { length: second.length - 1 } }),
    code: "UPSTREAM_LIMIT",
  },
  {
    name: "a target that is signed to be longer than a root can be",
    attack: ({ repository }) => repository.publish({ "trusted_root.json": huge }),
    code: "UPSTREAM_MALFORMED",
    says: "more than 1048576",
  },
  {
    name: "a timestamp without end",
    attack: ({ repository, upstream }) =>
      upstream.serve(repository.metadataPath("timestamp.json"), {
        body: Buffer.alloc(20_000, 0x20),
        headers: { "transfer-encoding": "chunked" },
      }),
    code: "UPSTREAM_LIMIT",
  },
  {
    name: "a root that is rightly signed and is none",
    attack: ({ repository }) => repository.publish({ "trusted_root.json": Buffer.from('{"mediaType":"text/plain"}') }),
    code: "CONFIG_INVALID",
    says: "mediaType",
  },
  {
    name: "no root among its targets",
    attack: ({ repository }) => repository.publish({ "other.json": second }),
    code: "UPSTREAM_MALFORMED",
    says: "no target",
  },
  {
    name: "nothing",
    attack: ({ upstream }) => upstream.fault("*", { kind: "disconnect" }),
    code: "UPSTREAM_UNREACHABLE",
  },
  {
    name: "a login page",
    attack: ({ upstream }) => upstream.fault("*", { kind: "html" }),
    code: "UPSTREAM_MALFORMED",
  },
])("a mirror that answers with $name leaves the root as it was, and that is seen", async ({ attack, code, says = "" }) => {
  const setting = await bench();
  // Its version is above the first, for an older one to go back to.
  setting.repository.publish({ "trusted_root.json": first }, { version: 5 });
  const trust = await setting.open();
  expect(await trust.refresh(NAME)).toBeUndefined();

  attack(setting);
  const error = await trust.refresh(NAME);
  expect(error).toMatchObject({ code, message: expect.stringContaining(says) });
  expect(textOf(trust)).toBe(first.toString());
  expect(statusOf(trust)).toMatchObject({ from: "tuf", failure: { detail: error?.message } });
  expect(textOf(await setting.open({ offline: true }))).toBe(first.toString());
  expect(readdirSync(join(setting.dataDir, "trust"))).toEqual([`${NAME}.json`]);
});

test("an answer that comes a byte at a time ends with the deadline of the whole refresh", async () => {
  const { repository, upstream, open } = await bench();
  repository.publish({ "trusted_root.json": first });
  upstream.fault(repository.metadataPath("timestamp.json"), { kind: "slow", bytesPerSecond: 5 });
  const trust = await open({ deadlineMs: 500 });
  expect(await trust.refresh(NAME)).toMatchObject({ code: "UPSTREAM_TIMEOUT" });
});

test("closing does not wait for a mirror that says nothing", async () => {
  const { repository, upstream, open } = await bench();
  upstream.fault("*", { kind: "stall", at: "headers" });
  const trust = await open();
  const refreshing = trust.refresh(NAME);
  await expect.poll(() => upstream.requests.length).toBeGreaterThan(0);
  await trust.close();
  expect(await refreshing).toMatchObject({ code: expect.stringContaining("UPSTREAM_") });
  expect(repository.version).toBe(0);
});

test("what was verified on the way is not forgotten where the rest fails: an older timestamp cannot come back", async () => {
  const { repository, upstream, open } = await bench();
  repository.publish({ "trusted_root.json": first });
  const trust = await open();
  await trust.refresh(NAME);
  repository.publish({ "trusted_root.json": second }, { version: 9 });
  upstream.fault(repository.metadataPath("9.snapshot.json"), { kind: "status", status: 404 });
  expect(await trust.refresh(NAME)).toBeDefined();
  repository.publish({ "trusted_root.json": second }, { version: 8 });
  expect(await (await open()).refresh(NAME)).toMatchObject({
    code: "UPSTREAM_MALFORMED",
    message: expect.stringContaining("less than current"),
  });
});

test.each([
  { name: "cut short", damage: (file: string) => writeFileSync(file, readFileSync(file).subarray(0, 200)) },
  { name: "changed", damage: (file: string) => writeFileSync(file, readFileSync(file, "utf8").replace('"targets":{', '"targets":{ ')) },
  { name: "empty", damage: (file: string) => writeFileSync(file, "") },
])("what was kept and is $name is not used", async ({ damage }) => {
  const { repository, open, dataDir } = await bench();
  repository.publish({ "trusted_root.json": first });
  await (await open()).refresh(NAME);
  damage(join(dataDir, "trust", `${NAME}.json`));
  expect((await open({ offline: true })).get(NAME)).toBeUndefined();
});

test("another root.json is another repository: nothing of the one before is used", async () => {
  const { repository, open, dataDir, upstream } = await bench();
  repository.publish({ "trusted_root.json": first });
  await (await open()).refresh(NAME);
  const other = new TufRepository(upstream, "/other");
  writeFileSync(join(dataDir, "root.json"), other.rootJson);
  const trust = await open();
  expect(trust.get(NAME)).toBeUndefined();
  expect(await trust.refresh(NAME)).toMatchObject({ code: "UPSTREAM_MALFORMED" });
});

test("a root of the operator's file holds until the first refresh, and a folder is a mirror that is asked offline too", async () => {
  const { repository, dataDir, upstream, config } = await bench();
  repository.publish({ "trusted_root.json": second });
  const folder = join(dataDir, "carried-in");
  mkdirSync(join(folder, "targets"), { recursive: true });
  for (const path of ["timestamp.json", "1.snapshot.json", "1.targets.json"])
    writeFileSync(join(folder, path), await get(upstream, repository.metadataPath(path)));
  const target = repository.targetPath("trusted_root.json", second);
  writeFileSync(join(folder, "targets", basename(target)), await get(upstream, target));
  const sigstorePath = join(dataDir, "trusted_root.json");
  writeFileSync(sigstorePath, first);
  const { rootPath } = config.internal.tuf;
  const trust = await LiveTrust.open(
    {
      trust: { [NAME]: { sigstorePath, tuf: { mirror: pathToFileURL(`${folder}/`), rootPath, everyMs: EVERY_MS } } },
      dataDir,
      offline: true,
      limits: DEFAULT_LIMITS,
    },
    { clock: { now: Date.now }, log: SILENT_LOG, env: {}, changed: () => {} },
  );
  onTestFinished(() => trust.close());
  expect(textOf(trust)).toBe(first.toString());
  expect(await trust.refresh(NAME)).toBeUndefined();
  expect(textOf(trust)).toBe(second.toString());
});

test("a mirror of the public instance is held to the root that is built in", async () => {
  const { repository, dataDir } = await bench();
  repository.publish({ "trusted_root.json": second });
  const trust = await LiveTrust.open(
    {
      trust: { public: { tuf: { mirror: new URL(repository.mirror), everyMs: EVERY_MS } } },
      dataDir,
      offline: false,
      limits: DEFAULT_LIMITS,
    },
    { clock: { now: Date.now }, log: SILENT_LOG, env: {}, changed: () => {} },
  );
  onTestFinished(() => trust.close());
  expect(await trust.refresh("public")).toMatchObject({ code: "UPSTREAM_MALFORMED" });
  expect(trust.get("public")).toMatchObject({ source: "built in" });
});

test("the public root and the registry keys work with no network for ever", async () => {
  const { open } = await bench();
  const trust = await open({ offline: true });
  expect(trust.get("public")).toMatchObject({ source: "built in" });
  expect(trust.registries.flatMap(({ keys }) => keys)).not.toHaveLength(0);
  expect(await codeOf(trust.refresh("public"))).toBe("CONFIG_INVALID");
  expect(await codeOf(trust.refresh("nobody"))).toBe("CONFIG_INVALID");
});

test("in the background it is asked once a day, sooner after a failure, and never offline", async () => {
  const { repository, upstream, open } = await bench();
  repository.publish({ "trusted_root.json": first });
  const offline = await open({ offline: true });
  offline.start();
  const trust = await open();
  trust.start();
  await expect.poll(() => textOf(trust), { timeout: 20_000 }).toBe(first.toString());
  expect(upstream.requestsFor(repository.metadataPath("timestamp.json"))).toHaveLength(1);
  // The other process on this data folder has it too, from the file.
  await expect.poll(() => textOf(offline), { timeout: 20_000 }).toBe(first.toString());
});

test("a stale root is seen in /readyz, and takes nothing away", async () => {
  const { repository, dataDir } = await bench();
  repository.publish({ "trusted_root.json": first });
  const mirror = await startMirror({
    dataDir,
    config: `trust: {internal: {tuf: {mirror: "${repository.mirror}", root: ${join(dataDir, "root.json")}}}}\nrepositories: []\n`,
  });
  onTestFinished(() => mirror.close());
  const ready = async () => {
    const answer = await mirror.get("/readyz");
    const { trust } = (await answer.json()) as { trust: { name: string; from: string; stale: string | null }[] };
    return { status: answer.status, root: trust.find(({ name }) => name === NAME) };
  };
  await expect.poll(ready, { timeout: 20_000 }).toMatchObject({ status: 200, root: { from: "tuf", stale: null } });
  mirror.advance(8 * EVERY_MS);
  expect(await ready()).toMatchObject({ status: 200, root: { from: "tuf", stale: expect.stringContaining("ended on") } });
});

test("a proxy of the environment is the way to a mirror elsewhere", async () => {
  const { repository, upstream, dataDir, config } = await bench();
  repository.publish({ "trusted_root.json": first });
  const proxy = await startFakeProxy({ routes: { "tuf.example": upstream.port } });
  onTestFinished(() => proxy.close());
  const { rootPath } = config.internal.tuf;
  const trust = await LiveTrust.open(
    {
      trust: { [NAME]: { tuf: { mirror: new URL("http://tuf.example/tuf/"), rootPath, everyMs: EVERY_MS } } },
      dataDir,
      offline: false,
      limits: DEFAULT_LIMITS,
    },
    { clock: { now: Date.now }, log: SILENT_LOG, env: { http_proxy: proxy.url.href }, changed: () => {} },
  );
  onTestFinished(() => trust.close());
  expect(await trust.refresh(NAME)).toBeUndefined();
  expect(proxy.asked.map(({ line }) => line)).toContain("GET http://tuf.example/tuf/timestamp.json");
});
