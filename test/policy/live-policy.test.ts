import { EventEmitter } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { deniedBy } from "../../src/policy/denied-by.ts";
import { type LivePolicy, type PolicyChange, type WatchOptions, watchPolicy } from "../../src/policy/live-policy.ts";
import { PolicyInvalid } from "../../src/policy/load-policy.ts";
import { NOW } from "./policy-text.ts";

const POLL_MS = 15;

let folder: string;
let file: string;
let live: LivePolicy | undefined;
const signals = new EventEmitter();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-live-"));
  file = join(folder, "policy.yaml");
});
afterEach(() => {
  live?.close();
  rmSync(folder, { recursive: true });
});

async function watch(text: string | undefined, more: Partial<WatchOptions> = {}): Promise<LivePolicy> {
  if (text !== undefined) writeFileSync(file, text);
  live = await watchPolicy({ file, clock: { now: () => NOW }, pollMs: POLL_MS, signals, ...more });
  return live;
}

function nextChange(policy: LivePolicy): Promise<PolicyChange> {
  return new Promise((resolve) => {
    const stop = policy.subscribe((change) => {
      stop();
      resolve(change);
    });
  });
}

const ENFORCE = "version: 1\nmode: enforce\n";
const AUDIT = "version: 1\nmode: audit\n";

test("the first policy must be there and valid", async () => {
  await expect(watch(undefined)).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringContaining("cannot read the policy file"),
  });
  await expect(watch("version: 2")).rejects.toBeInstanceOf(PolicyInvalid);
});

test("a bad new file keeps the old policy, says so once, and a good one after it counts", async () => {
  const policy = await watch(AUDIT);
  const changes: PolicyChange[] = [];
  policy.subscribe((change) => changes.push(change));
  const bad = nextChange(policy);
  writeFileSync(file, "version: 1\nmode: enforc\n");
  expect(await bad).toMatchObject({
    kind: "kept",
    error: { message: expect.stringContaining("policy.yaml:2:7 mode: expected one of enforce, audit") },
  });
  expect(policy.current().policy.mode).toBe("audit");
  await new Promise((resolve) => setTimeout(resolve, 8 * POLL_MS));
  expect(changes).toHaveLength(1);
  const good = nextChange(policy);
  writeFileSync(file, ENFORCE);
  expect(await good).toMatchObject({ kind: "loaded" });
  expect(policy.current().policy.mode).toBe("enforce");
});

test("a file that is still being written is not read, though each piece of it is a valid policy", async () => {
  const policy = await watch(AUDIT);
  const changes: PolicyChange[] = [];
  policy.subscribe((change) => changes.push(change));
  for (let piece = 0; piece < 60; piece++) {
    writeFileSync(file, `${ENFORCE}# ${"x".repeat(piece)}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS / 5));
  }
  expect(changes).toHaveLength(0);
  await nextChange(policy);
  expect(policy.current().policy.mode).toBe("enforce");
});

test("a file that is renamed into place is seen", async () => {
  const policy = await watch(AUDIT);
  const change = nextChange(policy);
  writeFileSync(`${file}.new`, ENFORCE);
  renameSync(`${file}.new`, file);
  expect(await change).toMatchObject({ kind: "loaded", policy: { policy: { mode: "enforce" } } });
});

test("a file that is deleted keeps the old policy", async () => {
  const policy = await watch(AUDIT);
  const change = nextChange(policy);
  rmSync(file);
  expect(await change).toMatchObject({ kind: "kept", error: { code: "CONFIG_INVALID" } });
  expect(policy.current().policy.mode).toBe("audit");
});

test("a default file that is not there says nothing, until it is", async () => {
  const policy = await watch(undefined, { optional: true });
  expect(policy.current().policy).toMatchObject({ mode: "enforce", rules: [] });
  const change = nextChange(policy);
  writeFileSync(file, AUDIT);
  expect(await change).toMatchObject({ kind: "loaded", policy: { policy: { mode: "audit" } } });
});

test("a default file that is deleted keeps the old policy, denials and all, until there is one again", async () => {
  const policy = await watch(undefined, { optional: true });
  const written = nextChange(policy);
  writeFileSync(file, AUDIT);
  await written;
  const change = nextChange(policy);
  rmSync(file);
  expect(await change).toMatchObject({ kind: "kept", error: { code: "CONFIG_INVALID" } });
  expect(policy.current().policy.mode).toBe("audit");
  expect(await policy.reload()).toMatchObject({ kind: "kept" });
  const again = nextChange(policy);
  writeFileSync(file, ENFORCE);
  expect(await again).toMatchObject({ kind: "loaded", policy: { policy: { mode: "enforce" } } });
});

test("SIGHUP reads at once, and no signal is listened for after closing", async () => {
  const policy = await watch(AUDIT, { pollMs: 60_000 });
  writeFileSync(file, ENFORCE);
  const change = nextChange(policy);
  signals.emit("SIGHUP");
  expect(await change).toMatchObject({ kind: "loaded" });
  expect(policy.current().policy.mode).toBe("enforce");
  policy.close();
  expect(signals.listenerCount("SIGHUP")).toBe(0);
});

test("what somebody holds does not change under them", async () => {
  const policy = await watch(AUDIT);
  const held = policy.current();
  writeFileSync(file, ENFORCE);
  await policy.reload();
  expect(held.policy.mode).toBe("audit");
  expect(policy.current().revision).not.toBe(held.revision);
});

test("the revision is the same for the same text", async () => {
  const policy = await watch(AUDIT);
  const { revision } = policy.current();
  utimesSync(file, new Date(), new Date(NOW));
  await policy.reload();
  expect(policy.current().revision).toBe(revision);
});

test("many reloads at once end with the newest text", async () => {
  const policy = await watch(AUDIT);
  const reloads = Array.from({ length: 5 }, () => policy.reload());
  writeFileSync(file, ENFORCE);
  await Promise.all([...reloads, policy.reload()]);
  expect(policy.current().policy.mode).toBe("enforce");
});

function putEntry(name: string): void {
  mkdirSync(join(folder, "osv"), { recursive: true });
  writeFileSync(
    join(folder, "osv", `${name}.json`),
    JSON.stringify({ id: `MAL-${name}`, modified: "2026-11-20T00:00:00Z", affected: [{ package: { ecosystem: "npm", name } }] }),
  );
}

test("a feed is opened with the policy, and a new entry counts without a new policy", async () => {
  putEntry("evil");
  const policy = await watch(`version: 1\ndeny: [{feed: osv, path: ${join(folder, "osv")}}]`);
  const denied = (name: string) => deniedBy(policy.current().policy, { ecosystem: "npm", name, version: "1.0.0" }, policy.current().feeds);
  expect(denied("evil")).toEqual({ label: "deny[0]", at: `${file}:2:8`, reason: "MAL-evil: no summary", ids: ["MAL-evil"] });
  expect(denied("worse")).toBeUndefined();
  const change = nextChange(policy);
  putEntry("worse");
  await change;
  expect(denied("worse")?.ids).toEqual(["MAL-worse"]);
});

test("a feed that did not change is not read again", async () => {
  putEntry("evil");
  const text = `version: 1\ndeny: [{feed: osv, path: ${join(folder, "osv")}}]\n`;
  const policy = await watch(text);
  const feed = policy.current().feeds.get("deny[0]");
  const change = nextChange(policy);
  writeFileSync(file, `${text}mode: audit\n`);
  expect(await change).toMatchObject({ kind: "loaded" });
  expect(policy.current().feeds.get("deny[0]")).toBe(feed);
});

test.each([
  { onStale: "error", outcome: "does not load" },
  { onStale: "warn", outcome: "is told" },
])("a stale feed with on_stale: $onStale $outcome", async ({ onStale }) => {
  putEntry("evil");
  const text = `version: 1\ndeny: [{feed: osv, path: ${join(folder, "osv")}, max_age: 1d, on_stale: ${onStale}}]`;
  const later = Date.now() + 30 * 86_400_000;
  const reading = watch(text, { clock: { now: () => later } });
  if (onStale === "error")
    await expect(reading).rejects.toMatchObject({
      message: expect.stringContaining("expected a feed with news of the last 1 days (on_stale: error), got nothing since"),
    });
  else expect((await reading).current().warnings).toMatchObject([{ code: "FEED_STALE", key: "deny[0]" }]);
});

test("a feed that cannot be read is a problem of the policy, with its place; a damaged one a warning", async () => {
  mkdirSync(join(folder, "osv"));
  const text = `version: 1\ndeny:\n  - {feed: osv, path: ${join(folder, "osv")}}\n`;
  await expect(watch(text)).rejects.toMatchObject({
    message: expect.stringContaining("policy.yaml:3:5 deny[0].path: expected a folder or zip of OSV entries, got the OSV feed"),
  });
  putEntry("evil");
  writeFileSync(join(folder, "osv", "bad.json"), "{");
  expect((await watch(text)).current().warnings).toMatchObject([{ code: "FEED_DAMAGED" }]);
});

test("a key file that is exchanged is a new policy", async () => {
  const keys = join(folder, "keys.asc");
  writeFileSync(keys, "one");
  const policy = await watch(`version: 1\nsigners: {a: {gpg: ["${"A".repeat(40)}"], keys: ${keys}}}`);
  const { revision } = policy.current();
  const change = nextChange(policy);
  writeFileSync(keys, "another");
  expect(await change).toMatchObject({ kind: "loaded" });
  expect(policy.current().revision).not.toBe(revision);
});

test("after closing nothing is read or told any more", async () => {
  const policy = await watch(AUDIT);
  let told = 0;
  policy.subscribe(() => told++);
  policy.close();
  writeFileSync(file, ENFORCE);
  await new Promise((resolve) => setTimeout(resolve, 6 * POLL_MS));
  expect(told).toBe(0);
  expect(policy.current().policy.mode).toBe("audit");
});
