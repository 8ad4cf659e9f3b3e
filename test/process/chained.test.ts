import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { BuiltArchive } from "../support/archives.ts";
import { type AssayProcess, startAssay } from "../support/assay-process.ts";
import { findClient, Workspace } from "../support/clients.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { publishSignedAam, publishSignedWheel } from "../support/signed-packages.ts";
import { SigstoreInstance } from "../support/sigstore-instance.ts";

/**
 * Two mirrors in a row. The head office checks evidence itself and says whose counts; the branch lets in what the head office signed for, and nothing
 * else. The evidence itself comes along, and is checked by the branch as ever, so it has the same trust root.
 */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const HQ_POLICY = `
version: 1
signers:
  ci: {sigstore: {issuer: "https://token.actions.githubusercontent.com", repository: acme/tool, trust: internal}}
rules:
  - {match: ["pkg:aam/**"], signed_by: {any: [ci]}, provenance: {level: L2, on_missing: error}}
  - {match: ["pkg:*/**"], signed_by: {any: [ci]}}
`;

const scratch = mkdtempSync(join(tmpdir(), "assay-chained-"));
const signing = new SigstoreInstance();
let upstream: FakeUpstream;
let hq: AssayProcess;
let skill: BuiltArchive;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  for (const name of ["good", "other", "later"]) publishSignedWheel(upstream, name, signing);
  publishSignedWheel(upstream, "unsigned", undefined);
  publishSignedWheel(upstream, "forged", new SigstoreInstance());
  skill = publishSignedAam(upstream, "@acme/skill", signing);
  writeFileSync(join(scratch, "root.json"), JSON.stringify(signing.trustedRoot()));
  hq = await startAssay({ config: headOffice("hq", HQ_POLICY) });
}, 240_000);
afterAll(async () => {
  await hq?.discard();
  await upstream?.close();
  rmSync(scratch, { recursive: true, force: true });
});

function headOffice(name: string, policy: string): string {
  writeFileSync(join(scratch, `${name}.yaml`), policy);
  return `
policy: ${join(scratch, `${name}.yaml`)}
trust: {internal: {sigstore: ${join(scratch, "root.json")}}}
repositories:
  - {name: pypi, ecosystem: pypi, upstreams: [{url: "${upstream.origin}/pypi/simple/", trust: internal}]}
  - {name: aam, ecosystem: aam, upstreams: [{url: "${upstream.origin}/aam/", trust: internal}]}
`;
}

interface Branch extends AssayProcess {
  /** Writes another policy; it holds once the mirror has seen it. */
  rule(policy: string): void;
}

/** A mirror of the head office, or of somebody in its place. */
async function startBranch(of: AssayProcess, policy: string, more = "verdicts: true"): Promise<Branch> {
  const folder = mkdtempSync(join(scratch, "branch-"));
  const policyFile = join(folder, "policy.yaml");
  writeFileSync(policyFile, policy);
  const branch = await startAssay({
    config: `
policy: ${policyFile}
trust: {internal: {sigstore: ${join(scratch, "root.json")}}}
metadata_ttl: 0
negative_ttl: 0
repositories:
  - {name: pypi, ecosystem: pypi, upstreams: [{url: "${of.url}/pypi/simple/", trust: internal, ${more}}]}
  - {name: aam, ecosystem: aam, upstreams: [{url: "${of.url}/aam/", trust: internal, ${more}}]}
`,
  });
  onTestFinished(() => branch.discard());
  return { ...branch, rule: (text) => writeFileSync(policyFile, text) };
}

/** A policy that lets in what this mirror signs with its key of now. The keys that it had before stand in the file too. */
async function trusting(mirror: AssayProcess, { level = "L2", wanted = "L2" } = {}): Promise<string> {
  const keys = await keysOf(mirror);
  const file = join(mkdtempSync(join(scratch, "keys-")), "hq.pem");
  writeFileSync(file, keys.map(({ pem }) => pem).join(""));
  return `
version: 1
signers:
  hq: {vsa_key: "${keys[0].keyid}", keys: ${file}, level: ${level}}
rules:
  - {match: ["pkg:aam/**"], signed_by: {any: [hq]}, provenance: {level: ${wanted}, on_missing: error}}
  - {match: ["pkg:*/**"], signed_by: {any: [hq]}}
`;
}

async function keysOf({ url }: AssayProcess): Promise<[{ keyid: string; pem: string }]> {
  const { keys } = (await (await fetch(`${url}/.well-known/assay-keys.json`)).json()) as { keys: [{ keyid: string; pem: string }] };
  return keys;
}

async function keyOf(mirror: AssayProcess): Promise<string> {
  return (await keysOf(mirror))[0].keyid;
}

const wheelPath = (name: string) => `/pypi/files/${name}/${name}-1.0.0-py3-none-any.whl`;
const SKILL = "/aam/packages/@acme/skill/1.0.0/tarball";

async function ask(mirror: AssayProcess, path: string): Promise<{ status: number; code: unknown; bytes: Buffer }> {
  const answer = await fetch(`${mirror.url}${path}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const problem = answer.ok ? {} : (JSON.parse(bytes.toString()) as { code?: string; error?: { reason?: string } });
  return { status: answer.status, code: problem.code ?? problem.error?.reason, bytes };
}

describe("the branch lets nothing in", () => {
  test("that another mirror signed for, be it the upstream that it is configured with", async () => {
    const impostor = await startAssay({ config: headOffice("impostor", "version: 1\n") });
    onTestFinished(() => impostor.discard());
    const branch = await startBranch(impostor, await trusting(hq));
    expect(await ask(branch, wheelPath("good"))).toMatchObject({ status: 403, code: "SIGNER_UNTRUSTED" });
    expect((await ask(branch, SKILL)).status).toBe(403);
  }, 240_000);

  test("that the head office signed for, and whose verdict is not asked for", async () => {
    const branch = await startBranch(hq, await trusting(hq), "verdicts: false");
    // The maker's own signature verifies here too, but it is the head office's word that is demanded.
    expect(await ask(branch, wheelPath("good"))).toMatchObject({ status: 403, code: "SIGNER_UNTRUSTED" });
  }, 240_000);

  test("that the head office refuses", async () => {
    const branch = await startBranch(hq, await trusting(hq));
    for (const name of ["unsigned", "forged"]) expect((await ask(branch, wheelPath(name))).status, name).not.toBe(200);
  }, 240_000);

  test("at a higher level than the head office is believed, or than it states", async () => {
    const [cautious, demanding] = [await trusting(hq, { level: "L1" }), await trusting(hq, { level: "L3", wanted: "L3" })];
    const branch = await startBranch(hq, cautious);
    expect((await ask(branch, SKILL)).status).toBe(403);
    expect((await ask(branch, wheelPath("good"))).status).toBe(200);
    branch.rule(demanding);
    await expect.poll(async () => (await ask(branch, wheelPath("other"))).status, { timeout: 60_000 }).toBe(200);
    expect((await ask(branch, SKILL)).status).toBe(403);
  }, 240_000);
});

describe("the branch lets in what the head office checked", () => {
  test.skipIf(!findClient("pip"))(
    "for pip, on its word alone",
    async () => {
      const branch = await startBranch(hq, await trusting(hq));
      const workspace = new Workspace();
      onTestFinished(() => workspace.remove());
      const good = await workspace.pipInstall(`${branch.url}/pypi/simple/`, "good");
      expect(good.code, good.output).toBe(0);
      const unsigned = await workspace.pipInstall(`${branch.url}/pypi/simple/`, "unsigned");
      expect(unsigned.code).not.toBe(0);
    },
    180_000,
  );

  test("for AAM, at the level that the head office found", async () => {
    const branch = await startBranch(hq, await trusting(hq));
    expect(await ask(branch, SKILL)).toMatchObject({ status: 200, bytes: skill.bytes });
    const purl = encodeURIComponent("pkg:aam/%40acme/skill@1.0.0");
    const { artifacts } = JSON.parse((await ask(branch, `/api/v1/artifacts?purl=${purl}`)).bytes.toString()) as {
      artifacts: [{ evidence: { verifier: string; outcome: object }[] }];
    };
    expect(artifacts[0].evidence.find(({ verifier }) => verifier === "vsa")?.outcome).toMatchObject({
      kind: "pass",
      signer: { kind: "vsa", keyId: await keyOf(hq) },
      claims: { level: "L2" },
    });
    // And vouches for it itself, with its own key, beside the head office's word.
    const { signatures } = JSON.parse((await ask(branch, "/aam/packages/@acme/skill/1.0.0/signature")).bytes.toString()) as {
      signatures: { type: string; envelope: { signatures: { keyid: string }[] } }[];
    };
    const attested = signatures.filter(({ type }) => type === "registry-attestation").map(({ envelope }) => envelope.signatures[0]?.keyid);
    expect(attested).toContain(await keyOf(branch));
  }, 240_000);

  test("and serves it on when the head office is gone", async () => {
    const second = await startAssay({ config: headOffice("second", HQ_POLICY) });
    const branch = await startBranch(second, await trusting(second));
    expect((await ask(branch, wheelPath("good"))).status).toBe(200);
    await second.discard();
    expect((await ask(branch, wheelPath("good"))).status).toBe(200);
    expect((await ask(branch, wheelPath("other"))).status).not.toBe(200);
  }, 240_000);
});

test("a mirror that named no key until now fetches nothing anew that it serves anyway, and what it refuses for want of a signature once", async () => {
  const branch = await startBranch(hq, "version: 1\n");
  expect((await ask(branch, wheelPath("good"))).status).toBe(200);
  const fetched = () => branch.log().filter(({ msg }) => msg === "admitted").length;
  expect(fetched()).toBe(1);
  const demanding = await trusting(hq);
  const served = demanding.slice(0, demanding.indexOf("rules:"));
  branch.rule(served);
  await expect
    .poll(() => branch.log().filter(({ msg }) => String(msg).startsWith("the policy changed")).length, { timeout: 60_000 })
    .toBe(1);
  expect((await ask(branch, wheelPath("good"))).status).toBe(200);
  expect(fetched()).toBe(1);

  branch.rule(demanding);
  await expect
    .poll(() => branch.log().filter(({ msg }) => String(msg).startsWith("the policy changed")).length, { timeout: 60_000 })
    .toBe(2);
  for (const _ of [1, 2, 3]) expect((await ask(branch, wheelPath("good"))).status).toBe(200);
  expect(fetched()).toBe(2);
}, 240_000);

test("when the head office changes its key, what it signed for stays, and the new key counts once it is named", async () => {
  const office = await startAssay({ config: headOffice("rotating", HQ_POLICY) });
  onTestFinished(() => office.discard());
  const branch = await startBranch(office, await trusting(office));
  expect((await ask(branch, wheelPath("good"))).status).toBe(200);

  execFileSync(process.execPath, ["src/main.ts", "keys", "rotate", "--data", office.dataDir], { cwd: ROOT });
  expect((await ask(branch, wheelPath("good"))).status, "was let in before").toBe(200);
  expect(await ask(branch, wheelPath("later")), "is signed by a key that is not named").toMatchObject({
    status: 403,
    code: "SIGNER_UNTRUSTED",
  });

  branch.rule(await trusting(office));
  await expect.poll(async () => (await ask(branch, wheelPath("later"))).status, { timeout: 60_000 }).toBe(200);
  expect((await ask(branch, wheelPath("good"))).status, "its old verdict counts no more; the new one does").toBe(200);

  await office.discard();
  branch.rule(await trusting(hq));
  await expect.poll(async () => (await ask(branch, wheelPath("later"))).status, { timeout: 60_000 }).toBe(403);
}, 240_000);
