import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { loadConfig } from "../../src/app/config.ts";
import { showTrust, type TrustCommand, updateTrust } from "../../src/cli/trust.ts";
import { codeOf } from "../contract/code-of.ts";
import { startFakeUpstream } from "../support/fake-upstream.ts";
import { type Loose, SigstoreInstance } from "../support/sigstore-instance.ts";
import { TufRepository } from "../support/tuf-repository.ts";

const DAY_MS = 86_400_000;
const instance = new SigstoreInstance();

function rootWith(change: (root: Loose) => void = () => {}): Buffer {
  const root = instance.trustedRoot();
  change(root);
  return Buffer.from(JSON.stringify(root));
}

/** A data folder whose configuration has one TUF mirror, and the commands on it. */
async function bench(more = "") {
  const upstream = await startFakeUpstream();
  const folder = mkdtempSync(join(tmpdir(), "assay-cli-trust-"));
  onTestFinished(async () => {
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const repository = new TufRepository(upstream);
  const [rootJson, file] = [join(folder, "root.json"), join(folder, "assay.yaml")];
  writeFileSync(rootJson, repository.rootJson);
  writeFileSync(file, `trust:\n  public: {tuf: off}\n  internal: {tuf: {mirror: "${repository.mirror}", root: ${rootJson}}}\n${more}`);
  const run = async (work: (command: TrustCommand) => Promise<number>, { json = false, now = Date.now() } = {}) => {
    const printed: string[] = [];
    const config = loadConfig({ env: {}, flags: { config: file, data: folder } });
    const exit = await work({ config, env: {}, now, json, print: (text) => void printed.push(text) });
    return { exit, text: printed.join("") };
  };
  return {
    upstream,
    repository,
    show: (options = {}) => run(showTrust, options),
    update: (name?: string, options = {}) => run((command) => updateTrust(command, name), options),
  };
}

test("an update says who came and who left, and the next one that nothing is newer", async () => {
  const { repository, update, show } = await bench();
  repository.publish({ "trusted_root.json": rootWith() });
  const first = await update();
  expect(first).toMatchObject({ exit: 0, text: expect.stringMatching(/^internal: refreshed, sha256 none -> [0-9a-f]{64}\n/) });
  expect(first.text).toContain("  + transparency log https://rekor.example, from 2025-");
  expect(await update("internal")).toEqual({ exit: 0, text: "internal: nothing newer\n" });
  repository.publish({ "trusted_root.json": rootWith((root) => root.tlogs.pop()) });
  const { text } = await update("internal");
  expect(text).toContain("  - transparency log https://log2026.example");
  expect(text).not.toContain("  +");
  expect((await show()).text).toMatch(/internal\n {2}root +the TUF mirror http:.*, sha256 [0-9a-f]{64}\n/);
});

test("an update that cannot be had ends with 69, leaves the root, and is shown", async () => {
  const { repository, upstream, update, show } = await bench();
  repository.publish({ "trusted_root.json": rootWith() });
  await update();
  upstream.fault("*", { kind: "disconnect" });
  const { exit, text } = await update();
  expect({ exit, text }).toEqual({ exit: 69, text: expect.stringContaining("internal: FAILED, and what held before stays in use: ") });
  const shown = await show();
  expect(shown.exit).toBe(0);
  expect(shown.text).toMatch(/\n {2}FAILED +\d{4}-/);
  expect(shown.text).toContain("the TUF mirror");
});

test("a mirror that lies ends with 76, as JSON too", async () => {
  const { repository, upstream, update } = await bench();
  const root = rootWith();
  repository.publish({ "trusted_root.json": root });
  upstream.fault(repository.targetPath("trusted_root.json", root), { kind: "wrong-bytes" });
  const { exit, text } = await update(undefined, { json: true });
  expect(exit).toBe(76);
  expect(JSON.parse(text)).toEqual({
    updates: [
      { name: "internal", before: null, after: null, changes: [], error: { code: "UPSTREAM_MALFORMED", message: expect.any(String) } },
    ],
  });
});

test("what is stale or ended stands out", async () => {
  const { repository, update, show } = await bench();
  repository.publish(
    { "trusted_root.json": rootWith((root) => (root.tlogs[0].publicKey.validFor.end = "2026-06-01T00:00:00Z")) },
    { expires: { timestamp: new Date(Date.now() + DAY_MS) } },
  );
  await update();
  expect((await show()).text).not.toContain("STALE");
  expect((await show()).text).toContain("https://rekor.example    2025-06-01 to 2026-06-01 (ended)");
  const { text } = await show({ now: Date.now() + 8 * DAY_MS });
  expect(text).toMatch(/\n {2}STALE +the timestamp file of its TUF repository ended on/);
  expect(text).toMatch(/timestamp 1 until [-0-9]+ \(ENDED\)/);
});

test("as JSON every key is there, also of what was never refreshed", async () => {
  const { show } = await bench();
  const { roots } = JSON.parse((await show({ json: true })).text) as { roots: Loose[] };
  expect(roots.map(({ name, from }) => ({ name, from }))).toEqual([
    { name: "public", from: "built in" },
    { name: "internal", from: "none" },
  ]);
  for (const root of roots) {
    expect(Object.keys(root)).toEqual([
      "name",
      "from",
      "source",
      "sha256",
      "mirror",
      "refreshedAt",
      "checkedAt",
      "expiresAt",
      "failure",
      "stale",
      "metadata",
      "authorities",
      "keys",
    ]);
  }
  const [builtIn, none] = roots;
  expect(builtIn.keys).toContainEqual({
    registry: expect.any(String),
    keyId: expect.any(String),
    usage: "npm:signatures",
    validFrom: expect.any(String),
    validUntil: null,
    ended: false,
  });
  expect(none).toMatchObject({ sha256: null, stale: expect.stringContaining("nothing has come"), authorities: [] });
});

test("names in a root are text: they move no cursor", async () => {
  const { repository, update, show } = await bench();
  repository.publish({ "trusted_root.json": rootWith((root) => (root.tlogs[0].baseUrl = "https://\u001b[2Jrekor\n.example")) });
  const { text } = await update();
  expect(text).toContain("\\u{1b}[2Jrekor\\u{a}.example");
  expect(text + (await show()).text).not.toContain("\u001b");
});

test("nothing is asked offline, nor for a name without a mirror", async () => {
  const offline = await bench("offline: true\n");
  expect(await codeOf(offline.update("internal"))).toBe("OFFLINE");
  expect(offline.upstream.requests).toEqual([]);
  expect(await codeOf(offline.update("public"))).toBe("CONFIG_INVALID");
});
