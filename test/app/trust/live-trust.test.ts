import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { keptFile, writeKept } from "../../../src/app/trust/kept-trust.ts";
import { LiveTrust, type LiveTrustDeps } from "../../../src/app/trust/live-trust.ts";
import { AssayError } from "../../../src/core/errors.ts";
import { DEFAULT_LIMITS } from "../../../src/core/limits.ts";
import type { Log } from "../../../src/core/ports/log.ts";
import { publicRepository } from "../../../src/verify/tuf/public-repository.ts";
import { codeOf } from "../../contract/code-of.ts";
import { SILENT_LOG } from "../../support/candidate.ts";
import { SigstoreInstance } from "../../support/sigstore-instance.ts";

const first = JSON.stringify(new SigstoreInstance().trustedRoot());
const second = JSON.stringify(new SigstoreInstance().trustedRoot());
/** Long enough for a busy machine: what is waited for comes within two seconds. */
const SOON = { timeout: 20_000 };
const DAY_MS = 86_400_000;

async function bench(deps: Partial<LiveTrustDeps> = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), "assay-trust-"));
  const file = join(dataDir, "trusted_root.json");
  writeFileSync(file, first);
  const errors: unknown[] = [];
  let changes = 0;
  const log: Log = { ...SILENT_LOG, error: ({ err }) => void errors.push(err) };
  const open = () =>
    LiveTrust.open(
      { trust: { internal: { sigstorePath: file }, public: { tuf: "off" } }, dataDir, offline: false, limits: DEFAULT_LIMITS },
      { clock: { now: Date.now }, log, env: {}, changed: () => void changes++, pollMs: 20, ...deps },
    );
  const trust = await open();
  onTestFinished(async () => {
    await trust.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return { dataDir, file, trust, open, errors, changes: () => changes, text: () => trust.get("internal")?.text.toString() };
}

test("a file that changes holds from then on, without a restart", async () => {
  const { trust, file, text, changes } = await bench();
  trust.start();
  writeFileSync(file, second);
  await expect.poll(text, SOON).toBe(second);
  expect(changes()).toBe(1);
});

test.each([
  { name: "is none", content: "{}" },
  { name: "is cut short", content: second.slice(0, 500) },
  { name: "has a log without a start of validity", content: second.replaceAll('"start"', '"begin"') },
])("a new file that $name keeps the old one, and says so; a good one then holds", async ({ content }) => {
  const { trust, file, text, errors, changes } = await bench();
  trust.start();
  writeFileSync(file, content);
  await expect.poll(() => errors.length, SOON).toBeGreaterThan(0);
  expect(errors[0]).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining("internal") });
  expect(text()).toBe(first);
  expect(changes()).toBe(0);
  writeFileSync(file, second);
  await expect.poll(text, SOON).toBe(second);
});

test("a file that is gone keeps what it said", async () => {
  const { trust, file, text, errors } = await bench();
  trust.start();
  rmSync(file);
  await expect.poll(() => errors.length, SOON).toBeGreaterThan(0);
  expect(text()).toBe(first);
});

test("on SIGHUP everything is read again, changed or not", async () => {
  const signals = new EventEmitter();
  const { trust, file, text } = await bench({ signals, pollMs: 3_600_000 });
  trust.start();
  writeFileSync(file, second);
  signals.emit("SIGHUP");
  await expect.poll(text, SOON).toBe(second);
  await trust.close();
  expect(signals.listenerCount("SIGHUP")).toBe(0);
});

test("at the start a file that cannot be used stops it", async () => {
  const { file, open } = await bench();
  writeFileSync(file, "{}");
  expect(await codeOf(open())).toBe("CONFIG_INVALID");
  rmSync(file);
  const missing = await open().catch((error: unknown) => error);
  expect(missing).toBeInstanceOf(AssayError);
  expect((missing as AssayError).message).toContain(file);
});

test("registry keys that were refreshed come before those that are built in; another release of the library before both", async () => {
  const { targets } = publicRepository();
  const keysTarget = [...targets.keys()].find((name) => name.endsWith("/keys.json")) ?? "";
  const dataDir = mkdtempSync(join(tmpdir(), "assay-trust-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const open = () =>
    LiveTrust.open(
      { trust: {}, dataDir, offline: true, limits: DEFAULT_LIMITS },
      { clock: { now: Date.now }, log: SILENT_LOG, env: {}, changed: () => {} },
    );
  const builtIn = await open();
  const basis = builtIn.all[0]?.tuf?.basis ?? "";
  const fewer = JSON.stringify({ keys: JSON.parse(String(targets.get(keysTarget))).keys.slice(0, 1) });
  const kept = { metadata: new Map(), targets: new Map([...targets, [keysTarget, Buffer.from(fewer)]]) };
  expect(keptFile(join(dataDir, "trust"), "public")).toContain(dataDir);
  await writeKept(join(dataDir, "trust"), "public", { basis, ...kept });
  expect((await open()).registries).toMatchObject([{ keys: { length: 1 } }]);
  await writeKept(join(dataDir, "trust"), "public", { basis: "of another release", ...kept });
  expect((await open()).registries).toEqual(builtIn.registries);
});

test("the public root is stale once the metadata that it came with has ended, and is used all the same", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "assay-trust-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  let now = Date.now();
  const trust = await LiveTrust.open(
    { trust: {}, dataDir, offline: true, limits: DEFAULT_LIMITS },
    { clock: { now: () => now }, log: SILENT_LOG, env: {}, changed: () => {} },
  );
  const [status] = trust.status();
  now = (status?.expiresAt ?? 0) - 1;
  expect(trust.status()[0]).not.toHaveProperty("stale");
  now += DAY_MS;
  expect(trust.status()[0]).toMatchObject({ name: "public", from: "built in", stale: expect.stringContaining("ended on") });
  expect(trust.get("public")).toBeDefined();
});
