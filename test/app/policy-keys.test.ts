import { createHash, type KeyObject, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { codeOf } from "../contract/code-of.ts";
import { buildNpmTarball } from "../support/archives.ts";
import { publishPackages } from "../support/attested-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";
import { ecKeys, ed25519Keys, type Loose, rsaKeys, SigstoreInstance } from "../support/sigstore-instance.ts";

/** For a change that is noticed within two seconds on a machine that is not busy. */
const SOON = { timeout: 30_000, interval: 250 };
const SLSA = "https://slsa.dev/provenance/v1";
const TARBALL = "/npm/demo/-/demo-1.0.0.tgz";
const { bytes } = buildNpmTarball({ name: "demo", version: "1.0.0" });
const sha512 = createHash("sha512").update(bytes).digest();
const instance = new SigstoreInstance();
const release = ecKeys();
const someone = ecKeys();

const pemOf = (key: KeyObject): string => key.export({ type: "spki", format: "pem" }).toString();

const statement = {
  _type: "https://in-toto.io/Statement/v1",
  subject: [{ name: "pkg:npm/demo@1.0.0", digest: { sha512: sha512.toString("hex") } }],
  predicateType: SLSA,
  predicate: {
    buildDefinition: { buildType: "https://acme.example/build/v1", externalParameters: {}, resolvedDependencies: [] },
    runDetails: { builder: { id: "https://acme.example/builder" } },
  },
};

const SIGNED_BY = (id: string, file: string): string => `version: 1
signers: {releases: {key: "${id}", keys: ${file}}}
rules: [{match: ["pkg:npm/*"], signed_by: {any: [releases]}}]
`;

interface Setting {
  readonly upstream: FakeUpstream;
  readonly mirror: MirrorBench;
  readonly folder: string;
}

interface SettingOptions {
  /** Files beside the policy, by name. */
  readonly files: Readonly<Record<string, string>>;
  readonly policy: (folder: string) => string;
  readonly bundle?: Loose;
  readonly signatures?: readonly { readonly keyid: string; readonly sig: string }[];
  /** What the registry answers for its own keys. */
  readonly registryKeys?: readonly Loose[];
}

async function setting({ files, policy, bundle, signatures, registryKeys = [] }: SettingOptions): Promise<Setting> {
  const upstream = await startFakeUpstream();
  const folder = mkdtempSync(join(tmpdir(), "assay-policy-keys-"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const [rootFile, policyFile] = [join(folder, "trusted_root.json"), join(folder, "policy.yaml")];
  writeFileSync(rootFile, JSON.stringify(instance.trustedRoot()));
  writeFileSync(policyFile, policy(folder));
  const evidence = {
    ...(bundle ? { attestations: { attestations: [{ predicateType: SLSA, bundle }] } } : {}),
    ...(signatures ? { signatures } : {}),
  };
  publishPackages(upstream, "/npm", [{ name: "demo", version: "1.0.0", bytes, ...evidence }], registryKeys);
  onTestFinished(async () => {
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const mirror = await startMirror({
    dataDir: folder,
    config: `
policy: ${policyFile}
trust: {internal: {sigstore: ${rootFile}}}
limits: {verify_bundle: 30s}
repositories:
  - {name: npm, ecosystem: npm, upstreams: [{url: "${upstream.origin}/npm/", retries: 0, trust: internal}]}
`,
  });
  onTestFinished(() => mirror.close());
  return { upstream, mirror, folder };
}

async function answerOf({ mirror }: Setting): Promise<{ status: number; code?: string }> {
  const answer = await mirror.get(TARBALL);
  return answer.status === 200 ? { status: 200 } : { status: answer.status, code: ((await answer.json()) as { code: string }).code };
}

/** The codes of what a verifier found; undefined where it found nothing wrong. */
async function findings({ mirror }: Setting, verifier: string): Promise<readonly (string | undefined)[]> {
  const answer = await mirror.get("/api/v1/artifacts?purl=pkg:npm/demo@1.0.0");
  const { artifacts } = (await answer.json()) as { artifacts: { evidence: { verifier: string; outcome: { code?: string } }[] }[] };
  return (artifacts[0]?.evidence ?? []).filter((found) => found.verifier === verifier).map(({ outcome }) => outcome.code);
}

const endpointKey = (keyid: string, key: KeyObject): Loose => ({
  keyid,
  keytype: "ecdsa-sha2-nistp256",
  scheme: "ecdsa-sha2-nistp256",
  key: key.export({ type: "spki", format: "der" }).toString("base64"),
  expires: null,
});

describe("a rule that asks for a signature by a managed key", () => {
  const files = { "release.pem": pemOf(release.publicKey) };
  const policy = (folder: string): string => SIGNED_BY("acme-release", join(folder, "release.pem"));
  const signedWith = (managedKey: typeof release, options = {}): Loose =>
    instance.signStatement(statement, { managedKey, hint: "any", ...options });

  test.each<{ attack: string; bundle: Loose; registryKeys?: readonly Loose[]; finding: string | undefined }>([
    { attack: "another key", bundle: signedWith(someone), finding: "KEY_UNKNOWN" },
    {
      attack: "another key under the hint of the right one",
      bundle: signedWith(someone, { hint: "acme-release" }),
      finding: "KEY_UNKNOWN",
    },
    {
      attack: "another key that the registry calls by the name of the right one",
      bundle: signedWith(someone, { hint: "acme-release" }),
      registryKeys: [endpointKey("acme-release", someone.publicKey)],
      finding: "KEY_UNKNOWN",
    },
    {
      attack: "a key of the registry that the policy does not name",
      bundle: signedWith(someone, { hint: "registry" }),
      registryKeys: [endpointKey("registry", someone.publicKey)],
      finding: undefined,
    },
    {
      attack: "a key of another kind, recorded as the right one",
      bundle: signedWith(ed25519Keys(), { recordedAs: release.spki }),
      finding: "SIGNATURE_INVALID",
    },
    {
      attack: "an RSA key, recorded as the right one",
      bundle: signedWith(rsaKeys(2048), { recordedAs: release.spki }),
      finding: "SIGNATURE_INVALID",
    },
    { attack: "somebody with a certificate", bundle: instance.signStatement(statement), finding: undefined },
  ])("refuses $attack", async ({ bundle, registryKeys = [], finding }) => {
    const at = await setting({ files, policy, bundle, registryKeys });
    expect(await answerOf(at)).toEqual({ status: 403, code: finding === "SIGNATURE_INVALID" ? finding : "SIGNER_UNTRUSTED" });
    expect(await findings(at, "sigstore")).toEqual([finding]);
  });

  test.each([
    { name: "P-256", keys: release },
    { name: "Ed25519", keys: ed25519Keys() },
    { name: "RSA", keys: rsaKeys(2048) },
  ])("lets the right one pass, $name", async ({ keys }) => {
    const at = await setting({ files: { "release.pem": pemOf(keys.publicKey) }, policy, bundle: signedWith(keys) });
    expect(await answerOf(at)).toEqual({ status: 200 });
  });

  test("a key that is exchanged while it runs counts from the next answer on, and the archive is fetched once", async () => {
    const at = await setting({ files, policy, bundle: signedWith(release) });
    expect(await answerOf(at)).toEqual({ status: 200 });
    writeFileSync(join(at.folder, "release.pem"), pemOf(someone.publicKey));
    await expect.poll(() => answerOf(at), SOON).toEqual({ status: 403, code: "SIGNER_UNTRUSTED" });
    writeFileSync(join(at.folder, "release.pem"), pemOf(release.publicKey));
    await expect.poll(() => answerOf(at), SOON).toEqual({ status: 200 });
    expect(at.upstream.requestsFor(TARBALL)).toHaveLength(1);
  });

  test.each([
    { name: "is no key", content: "hello" },
    { name: "is a private key", content: release.privateKey.export({ type: "pkcs8", format: "pem" }).toString() },
    { name: "is too weak", content: pemOf(rsaKeys(1024).publicKey) },
    { name: "holds two keys", content: pemOf(release.publicKey) + pemOf(someone.publicKey) },
    { name: "is larger than keys are", content: `${pemOf(release.publicKey)}${" ".repeat(256 * 1024)}` },
  ])("a file that $name stops the start, and while it runs keeps the key before it", async ({ content }) => {
    expect(await codeOf(setting({ files: { "release.pem": content }, policy }))).toBe("CONFIG_INVALID");
    const at = await setting({ files, policy, bundle: signedWith(release) });
    writeFileSync(join(at.folder, "release.pem"), content);
    await expect.poll(() => at.mirror.logged.some(({ message }) => message.includes("stays in force")), SOON).toBe(true);
    expect(await answerOf(at)).toEqual({ status: 200 });
  });

  test("one id for two keys is refused: a signature by either would pass for the other's", async () => {
    const two = (folder: string): string =>
      `version: 1\nsigners: {one: {key: same, keys: ${join(folder, "one.pem")}}, two: {key: same, keys: ${join(folder, "two.pem")}}}\n`;
    const both = { "one.pem": pemOf(release.publicKey), "two.pem": pemOf(someone.publicKey) };
    expect(await codeOf(setting({ files: both, policy: two }))).toBe("CONFIG_INVALID");
  });
});

describe("a rule that asks for a signature by a registry's key, with its file", () => {
  const keyId = "SHA256:registry";
  const policy = (folder: string): string => `version: 1
signers: {registry: {registry_key: "${keyId}", keys: ${join(folder, "registry.key")}}}
rules: [{match: ["pkg:npm/*"], signed_by: {any: [registry]}}]
`;
  const message = `demo@1.0.0:sha512-${sha512.toString("base64")}`;
  const signedBy = (key: KeyObject) => [{ keyid: keyId, sig: sign("sha256", Buffer.from(message), key).toString("base64") }];
  const document = JSON.stringify({ keys: [endpointKey("SHA256:older", someone.publicKey), endpointKey(keyId, release.publicKey)] });

  test.each([
    { name: "PEM", content: pemOf(release.publicKey) },
    { name: "what the registry answers", content: document },
  ])("takes the file's key, as $name, and not what the registry calls by its id", async ({ content }) => {
    const registryKeys = [endpointKey(keyId, someone.publicKey)];
    const own = { files: { "registry.key": content }, policy, registryKeys };
    expect(await answerOf(await setting({ ...own, signatures: signedBy(someone.privateKey) }))).toEqual({
      status: 403,
      code: "SIGNATURE_INVALID",
    });
    expect(await answerOf(await setting({ ...own, signatures: signedBy(release.privateKey) }))).toEqual({ status: 200 });
  });

  test.each([
    { name: "has no key of that id", content: JSON.stringify({ keys: [endpointKey("SHA256:older", someone.publicKey)] }) },
    { name: "is no such document", content: "{}" },
    { name: "is another kind of key", content: pemOf(ed25519Keys().publicKey) },
  ])("a file that $name stops the start", async ({ content }) => {
    expect(await codeOf(setting({ files: { "registry.key": content }, policy }))).toBe("CONFIG_INVALID");
  });
});
