import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey, readKey } from "openpgp";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { PublishFlags } from "../../src/cli/publish.ts";
import { temporaryFolder } from "../store/temporary-folder.ts";
import { addToken } from "../support/hosted-bench.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";
import { manifestText } from "../support/package-folder.ts";
import { type PackageRepository, packageRepository } from "../support/package-repository.ts";
import { signedRelease } from "../support/signed-release.ts";
import type { Loose } from "../support/sigstore-instance.ts";
import { type SigstoreServices, startSigstore } from "../support/sigstore-services.ts";

/**
 * The signing flow of the AAM specification, 14.2, with everything in it real but the identity provider: pack, sign and publish with `assay publish`; a registry that verifies at the door and keeps what
 * it was given; a second Assay that mirrors the registry, verifies checksum, signature and provenance itself, and serves by its own policy.
 */
const scratch = mkdtempSync(join(tmpdir(), "assay-signed-publish-"));
let sigstore: SigstoreServices;
let gpg: { readonly keyFile: string; readonly publicFile: string; readonly fingerprint: string };

beforeAll(async () => {
  sigstore = await startSigstore();
  writeFileSync(join(scratch, "root.json"), JSON.stringify(sigstore.instance.trustedRoot()));
  const { privateKey, publicKey } = await generateKey({ type: "ecc", userIDs: [{ name: "Ann" }], format: "armored" });
  const [keyFile, publicFile] = [join(scratch, "private.asc"), join(scratch, "public.asc")];
  writeFileSync(keyFile, privateKey);
  writeFileSync(publicFile, publicKey);
  gpg = { keyFile, publicFile, fingerprint: (await readKey({ armoredKey: publicKey })).getFingerprint() };
});
afterAll(async () => {
  await sigstore?.close();
  rmSync(scratch, { recursive: true, force: true });
});

const SIGNERS = (): string => `
signers:
  ci: {sigstore: {issuer: "https://token.actions.githubusercontent.com", repository: acme/tool, trust: internal}}
  ann: {gpg: ["${gpg.fingerprint}"], keys: ${gpg.publicFile}}
`;

/** What the policies of the two Assays ask for. */
const ASKED = {
  checksum: "",
  sigstore: 'rules: [{match: ["pkg:aam/**"], signed_by: {any: [ci]}}]',
  gpg: 'rules: [{match: ["pkg:aam/**"], signed_by: {any: [ann]}}]',
  provenance: 'rules: [{match: ["pkg:aam/**"], signed_by: {any: [ci]}, provenance: {level: L2, on_missing: error}}]',
} as const;
type Asked = keyof typeof ASKED;

async function start(repository: string, policy: string): Promise<MirrorBench> {
  const dataDir = temporaryFolder();
  const policyFile = join(dataDir, "policy.yaml");
  writeFileSync(policyFile, `version: 1\n${policy}`);
  const config = `
policy: ${policyFile}
trust: {internal: {sigstore: ${join(scratch, "root.json")}}}
repositories:
  - ${repository}
`;
  const mirror = await startMirror({ config, dataDir });
  onTestFinished(() => mirror.close());
  return mirror;
}

const startRegistry = (asked: Asked = "checksum"): Promise<MirrorBench> =>
  start("{name: skills, ecosystem: aam, type: hosted, trust: internal}", `${SIGNERS()}${ASKED[asked]}`);

/** `more` is added to how the registry is configured. */
const startSecond = (registry: string, policy: string, more = ""): Promise<MirrorBench> =>
  start(`{name: aam, ecosystem: aam, upstreams: [{url: "${registry}/skills/", trust: internal${more}}]}`, policy);

const SIGN = {
  checksum: {},
  sigstore: { sign: true },
  gpg: { gpgKeyFile: "" },
  provenance: { provenance: true },
} as const satisfies Record<Asked, PublishFlags>;

/** Publishes a repository's package as its release workflow does, signed in these ways. */
async function release(registry: MirrorBench, repository: PackageRepository, ways: readonly Asked[], path = "/skills/"): Promise<Loose> {
  const flags: PublishFlags = {
    ...Object.assign({}, ...ways.map((way) => SIGN[way])),
    ...(ways.includes("gpg") ? { gpgKeyFile: gpg.keyFile } : {}),
  };
  const token = await addToken(registry.dataDir);
  return signedRelease({ repository, to: `${registry.url}${path}`, token, sigstore, trustedRoot: join(scratch, "root.json"), flags });
}

const TARBALL = "/aam/packages/@myorg/demo/1.2.3/tarball";

async function served(second: MirrorBench): Promise<{ readonly status: number; readonly bytes: Buffer; readonly reason: unknown }> {
  const answer = await second.get(TARBALL);
  const bytes = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, bytes, reason: answer.ok ? undefined : (JSON.parse(bytes.toString()) as Loose).error.reason };
}

async function admitted(second: MirrorBench): Promise<Loose> {
  const answer = await second.get(`/api/v1/artifacts?purl=${encodeURIComponent("pkg:aam/%40myorg/demo@1.2.3")}`);
  return ((await answer.json()) as Loose).artifacts[0];
}

describe("the registry's door", () => {
  test.each<{ ways: readonly Asked[]; asked: Asked }>([
    { ways: ["checksum"], asked: "sigstore" },
    { ways: ["gpg"], asked: "sigstore" },
    { ways: ["sigstore"], asked: "gpg" },
    { ways: ["sigstore"], asked: "provenance" },
  ])("asks for $asked and lets nothing in that has only $ways", async ({ ways, asked }) => {
    const registry = await startRegistry(asked);
    await expect(release(registry, packageRepository(), ways)).rejects.toMatchObject({
      code: "FORBIDDEN",
      message: expect.stringContaining("SIGNATURE_INVALID"),
    });
    expect((await registry.get("/skills/packages/@myorg/demo")).status).toBe(404);
  });
});

describe("each method alone", () => {
  test.each<{ way: Asked; others: readonly Asked[]; level: string }>([
    { way: "checksum", others: ["sigstore", "gpg", "provenance"], level: "L0" },
    { way: "sigstore", others: ["gpg", "provenance"], level: "L1" },
    { way: "gpg", others: ["sigstore", "provenance"], level: "L1" },
    { way: "provenance", others: ["gpg"], level: "L2" },
  ])(
    "$way goes through registry and mirror, makes $level, and stands for none of $others",
    async ({ way, others, level }) => {
      const registry = await startRegistry(way);
      const { sha256 } = await release(registry, packageRepository(), [way]);
      for (const other of others) {
        const strict = await startSecond(registry.url, `${SIGNERS()}${ASKED[other]}`);
        expect(await served(strict), other).toMatchObject({ status: 403 });
      }
      const second = await startSecond(registry.url, `${SIGNERS()}${ASKED[way]}`);
      expect((await served(second)).status).toBe(200);
      expect(await admitted(second)).toMatchObject({ level: { reached: level }, digest: sha256 });
    },
    120_000,
  );

  test("registry attestation: what a registry signed for counts where its key is named, and nowhere else", async () => {
    const [registry, impostor] = [await startRegistry(), await startRegistry()];
    const repository = packageRepository();
    await release(registry, repository, ["checksum"]);
    await release(impostor, repository, ["checksum"]);
    const policy = await trusting(registry);
    expect(await served(await startSecond(impostor.url, policy, ", verdicts: true"))).toMatchObject({
      status: 403,
      reason: "SIGNER_UNTRUSTED",
    });
    const second = await startSecond(registry.url, policy, ", verdicts: true");
    expect((await served(second)).status).toBe(200);
  }, 120_000);
});

/** A policy that lets in what the registry signs with its own key, and nothing else. */
async function trusting(registry: MirrorBench): Promise<string> {
  return `signers:\n${await registrySigner(registry)}rules: [{match: ["pkg:aam/**"], signed_by: {any: [registry]}}]\n`;
}

async function registrySigner(registry: MirrorBench): Promise<string> {
  const { keys } = (await (await registry.get("/.well-known/assay-keys.json")).json()) as Loose;
  const file = join(mkdtempSync(join(scratch, "keys-")), "registry.pem");
  writeFileSync(file, keys[0].pem);
  return `  registry: {vsa_key: "${keys[0].keyid}", keys: ${file}}\n`;
}

async function askingForAll(registry: MirrorBench): Promise<string> {
  const rule = '{match: ["pkg:aam/**"], signed_by: {all: [ci, ann, registry]}, provenance: {level: L2, on_missing: error}}';
  return `${SIGNERS()}${await registrySigner(registry)}rules: [${rule}]`;
}

describe.each([
  { dialect: "UAAPS", path: "/skills/" },
  { dialect: "AAM", path: "/skills/api/v1/" },
])("all methods together, published in $dialect", ({ path }) => {
  test("are served at L2, with every signature told of, and stay so when the registry is gone", async () => {
    const registry = await startRegistry("provenance");
    const repository = packageRepository();
    const report = await release(registry, repository, ["sigstore", "gpg", "provenance"], path);
    expect(report).toMatchObject({ outcome: "published", signatures: [{ kind: "gpg" }, { kind: "sigstore" }, { kind: "provenance" }] });
    expect(await release(registry, repository, ["sigstore", "gpg", "provenance"], path)).toMatchObject({
      outcome: "there",
      sha256: report.sha256,
    });
    const second = await startSecond(registry.url, await askingForAll(registry), ", verdicts: true");
    expect((await served(second)).status).toBe(200);
    const artifact = await admitted(second);
    expect(artifact).toMatchObject({ level: { reached: "L2" }, digest: report.sha256 });
    const signers = artifact.evidence
      .filter(({ outcome }: Loose) => outcome.kind === "pass" && outcome.signer)
      .map(({ outcome }: Loose) => outcome.signer.kind);
    // The registry's own word is told twice: beside the signatures, and at its own address.
    expect([...new Set(signers)].sort()).toEqual(["openpgp", "sigstore", "vsa"]);
    await registry.close();
    expect((await served(second)).status).toBe(200);
  }, 120_000);
});

test("a version that was published is not replaced, however well the other bytes are signed", async () => {
  const registry = await startRegistry();
  await release(registry, packageRepository(), ["sigstore", "provenance"]);
  const other = packageRepository({ "package.agent.json": manifestText({ description: "another" }) });
  await expect(release(registry, other, ["sigstore", "provenance"])).rejects.toMatchObject({ code: "CONFLICT" });
});
