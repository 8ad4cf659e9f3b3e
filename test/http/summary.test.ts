import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { JsonObject } from "../../src/core/json.ts";
import { verifyVsa } from "../../src/verify/vsa/verify-vsa.ts";
import { parseVsaKeys } from "../../src/verify/vsa/vsa-key.ts";
import { buildAam } from "../support/archives.ts";
import { mirrorConfig, type PublishedFile, publishTarball, publishWheel } from "../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";

const WHEEL_VSA = "/pypi/files/good/good-1.0.0-py3-none-any.whl.vsa";
const KEYS = "/.well-known/assay-keys.json";

let upstream: FakeUpstream;
let wheel: PublishedFile;
let tarball: PublishedFile;
const skill = buildAam({ name: "@acme/skill", version: "1.0.0" }).bytes;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  wheel = publishWheel(upstream, { name: "good" });
  tarball = publishTarball(upstream, { name: "good" });
  publishWheel(upstream, { name: "evil", claims: "ab".repeat(32) });
  const integrity = `sha256-${createHash("sha256").update(skill).digest("base64")}`;
  const body = JSON.stringify({ name: "@acme/skill", versions: { "1.0.0": { integrity } }, "dist-tags": { latest: "1.0.0" } });
  upstream.serve("/aam/packages/@acme/skill", { contentType: "application/json", body });
  upstream.serve("/aam/packages/@acme/skill/1.0.0/tarball", { body: skill });
});
afterAll(() => upstream.close());

async function mirrorWith(
  options: { policy?: string; more?: string; dataDir?: string } = {},
): Promise<MirrorBench & { policyFile: string }> {
  const folder = mkdtempSync(join(tmpdir(), "assay-summary-"));
  const policyFile = join(folder, "policy.yaml");
  writeFileSync(policyFile, options.policy ?? "version: 1\n");
  const config = mirrorConfig(upstream, `policy: ${JSON.stringify(policyFile)}\n${options.more ?? ""}`).replace(
    "repositories:",
    `repositories:\n  - {name: aam, ecosystem: aam, upstreams: [{url: "${upstream.origin}/aam/"}]}`,
  );
  const mirror = await startMirror({ config, ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }) });
  onTestFinished(async () => {
    await mirror.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { ...mirror, policyFile };
}

async function keysOf(mirror: MirrorBench) {
  const { keys } = (await (await mirror.get(KEYS)).json()) as {
    keys: { keyid: string; pem: string; key: string; validUntil: string | null }[];
  };
  return keys;
}

function predicateIn(envelope: string): JsonObject {
  const { payload } = JSON.parse(envelope) as { payload: string };
  return (JSON.parse(Buffer.from(payload, "base64").toString()) as { predicate: JsonObject }).predicate;
}

describe("what is not served is not vouched for", () => {
  test.each(["GET", "HEAD"])("a refused archive has the archive's own refusal, by %s", async (method) => {
    const mirror = await mirrorWith();
    const answer = await mirror.get("/pypi/files/evil/evil-1.0.0-py3-none-any.whl.vsa", { method });
    expect(answer.status).toBe(403);
    expect(answer.statusText).toContain("expected sha256");
    if (method === "GET") expect(await answer.json()).toMatchObject({ code: "CHECKSUM_MISMATCH" });
  });

  test("what the policy of now refuses, whatever was signed before", async () => {
    const mirror = await mirrorWith();
    expect((await mirror.get(WHEEL_VSA)).status).toBe(200);
    writeFileSync(mirror.policyFile, 'version: 1\ndeny: [{purl: "pkg:pypi/good", reason: "withdrawn"}]\n');
    await expect.poll(async () => (await mirror.get(WHEEL_VSA)).status, { timeout: 30_000 }).toBe(403);
  });

  test("anything in audit mode, which admits what it would refuse", async () => {
    const mirror = await mirrorWith({ policy: 'version: 1\nmode: audit\ndeny: [{purl: "pkg:pypi/good", reason: "withdrawn"}]\n' });
    expect((await mirror.get(WHEEL_VSA.slice(0, -4))).status).toBe(200);
    const answer = await mirror.get(WHEEL_VSA);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining("audit mode") });
  });

  test.each(["/pypi/files/good/none-1.0.0-py3-none-any.whl.vsa", "/pypi/files/good/.vsa", "/npm/good.vsa", "/npm/good/1.0.0.vsa"])(
    "what is no archive: %s",
    async (path) => {
      const mirror = await mirrorWith();
      expect((await mirror.get(path)).status).toBe(404);
    },
  );

  test("with a key that others can read; archives are served all the same", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "assay-summary-data-"));
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const first = await startMirror({ config: mirrorConfig(upstream), dataDir });
    await first.close();
    const [name = ""] = readdirSync(join(dataDir, "keys")).filter((each) => each.endsWith(".pem"));
    chmodSync(join(dataDir, "keys", name), 0o644);

    const mirror = await mirrorWith({ dataDir });
    expect(mirror.logged).toContainEqual(expect.objectContaining({ level: "error", message: expect.stringContaining("signing keys") }));
    expect((await mirror.get(WHEEL_VSA)).status).toBe(500);
    expect((await mirror.get(WHEEL_VSA.slice(0, -4))).status).toBe(200);
  });
});

describe("an admitted archive of every ecosystem has a summary beside it", () => {
  test.each([
    {
      path: WHEEL_VSA,
      purl: "pkg:pypi/good@1.0.0?file_name=good-1.0.0-py3-none-any.whl",
      file: "good-1.0.0-py3-none-any.whl",
      bytes: () => wheel.bytes,
      algorithms: ["sha256"],
    },
    {
      path: "/npm/good/-/good-1.0.0.tgz.vsa",
      purl: "pkg:npm/good@1.0.0",
      file: "good-1.0.0.tgz",
      bytes: () => tarball.bytes,
      algorithms: ["sha256", "sha512"],
    },
    {
      path: "/aam/packages/@acme/skill/1.0.0/tarball.vsa",
      purl: "pkg:aam/%40acme/skill@1.0.0",
      file: "acme--skill-1.0.0.aam",
      bytes: () => skill,
      algorithms: ["sha256"],
    },
  ])("$path, by a key that is published, also before the archive was asked for", async ({ path, purl, file, bytes, algorithms }) => {
    const mirror = await mirrorWith();
    const answer = await mirror.get(path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/vnd.dsse.envelope.v1+json");
    const envelope = Buffer.from(await answer.arrayBuffer());
    const [key] = await keysOf(mirror);
    const digests = {
      sha256: createHash("sha256").update(bytes()).digest("hex"),
      sha512: createHash("sha512").update(bytes()).digest("hex"),
    };
    const read = verifyVsa({ envelope, keys: parseVsaKeys("keys", key?.pem ?? ""), purl, file, digests, now: Date.now() });
    expect(read).toMatchObject({
      ok: true,
      value: { signer: { kind: "vsa", keyId: key?.keyid }, verifierId: `urn:assay:${key?.keyid}`, level: "L1" },
    });
    if (read.ok) expect(Object.keys(read.value.statement.subjects[0]?.digest ?? {})).toEqual(algorithms);
  });

  test("the same text each time, with a validator; after a restart too", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "assay-summary-data-"));
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const texts: string[] = [];
    for (const _ of [1, 2]) {
      const mirror = await startMirror({ config: mirrorConfig(upstream), dataDir });
      const answer = await mirror.get(WHEEL_VSA);
      texts.push(await answer.text());
      const again = await mirror.get(WHEEL_VSA, { headers: { "If-None-Match": answer.headers.get("etag") ?? "" } });
      expect(again.status).toBe(304);
      await mirror.close();
    }
    expect(texts[0]).toBe(texts[1]);
  });

  test("it names the policy by the digest of its text, and this mirror as the operator does", async () => {
    const policy = "version: 1\n# ours\n";
    const mirror = await mirrorWith({ policy, more: 'public_url: "https://assay.example/hq"\n' });
    expect(predicateIn(await (await mirror.get(WHEEL_VSA)).text())).toMatchObject({
      verifier: { id: "https://assay.example/hq/" },
      policy: { digest: { sha256: createHash("sha256").update(policy).digest("hex") } },
      verifiedLevels: ["SLSA_BUILD_LEVEL_0", "AAM_L0"],
    });
  });

  test("nothing that a client says is signed", async () => {
    const mirror = await mirrorWith();
    const answer = await mirror.raw(`GET ${WHEEL_VSA} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`);
    const predicate = predicateIn(answer.slice(answer.indexOf("{")));
    expect(predicate["resourceUri"]).toContain("pkg:pypi/good@1.0.0");
    expect(JSON.stringify(predicate)).not.toContain("evil.example");
  });
});

test("package names and versions that end like a summary are not taken for one", async () => {
  publishTarball(upstream, { name: "odd.vsa", version: "1.0.0-x.vsa" });
  const mirror = await mirrorWith();
  expect((await mirror.get("/npm/odd.vsa")).status).toBe(200);
  expect((await mirror.get("/npm/odd.vsa/1.0.0-x.vsa")).status).toBe(200);
  expect((await mirror.get("/npm/odd.vsa/-/odd.vsa-1.0.0-x.vsa.tgz.vsa")).status).toBe(200);
});

describe("AAM's signature answer", () => {
  const SIGNATURE = "/aam/packages/@acme/skill/1.0.0/signature";
  const TARBALL = "/aam/packages/@acme/skill/1.0.0/tarball";
  const attestations = async (mirror: MirrorBench): Promise<{ envelope: JsonObject }[]> => {
    const { signatures } = (await (await mirror.get(SIGNATURE)).json()) as { signatures: { type: string; envelope: JsonObject }[] };
    return signatures.filter(({ type }) => type === "registry-attestation");
  };

  test("has no attestation of ours over what was not fetched, nor over what the policy of now refuses", async () => {
    const mirror = await mirrorWith();
    expect(await attestations(mirror)).toEqual([]);
    expect((await mirror.get(TARBALL)).status).toBe(200);
    expect(await attestations(mirror)).toHaveLength(1);
    writeFileSync(mirror.policyFile, 'version: 1\ndeny: [{purl: "pkg:aam/@acme/skill", reason: "withdrawn"}]\n');
    await expect.poll(() => attestations(mirror), { timeout: 30_000 }).toEqual([]);
  });

  test("has none in audit mode", async () => {
    const mirror = await mirrorWith({ policy: "version: 1\nmode: audit\n" });
    expect((await mirror.get(TARBALL)).status).toBe(200);
    expect(await attestations(mirror)).toEqual([]);
  });

  test("has the very summary that is beside the archive", async () => {
    const mirror = await mirrorWith();
    const summary = await (await mirror.get(`${TARBALL}.vsa`)).json();
    expect(await attestations(mirror)).toEqual([{ type: "registry-attestation", envelope: summary }]);
  });
});
