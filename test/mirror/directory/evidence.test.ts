import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { generateKey, readKey } from "openpgp";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { DirectoryReport } from "../../../src/mirror/directory/registry-directory.ts";
import { temporaryFolder } from "../../store/temporary-folder.ts";
import { changePolicy } from "../../support/change-policy.ts";
import { filesUnder } from "../../support/directory-bench.ts";
import { addToken } from "../../support/hosted-bench.ts";
import { type MirrorBench, startMirror } from "../../support/mirror-bench.ts";
import { packageRepository } from "../../support/package-repository.ts";
import { signedRelease } from "../../support/signed-release.ts";
import type { Loose } from "../../support/sigstore-instance.ts";
import { type SigstoreServices, startSigstore } from "../../support/sigstore-services.ts";

/**
 * A package that `assay publish` signed in three ways, with real services and keys, in a registry that an Assay hosts; the directory that is kept of it; and a second Assay
 * that has this directory for its only upstream and verifies everything again.
 */
const ENDINGS = [".asc", ".provenance.json", ".sigstore.json"];
const ARCHIVE = "packages/myorg--demo/versions/1.2.3.aam";
const scratch = mkdtempSync(join(tmpdir(), "assay-directory-evidence-"));
const rootFile = join(scratch, "root.json");
let sigstore: SigstoreServices;
let gpg: { readonly keyFile: string; readonly publicFile: string; readonly fingerprint: string };

beforeAll(async () => {
  sigstore = await startSigstore();
  writeFileSync(rootFile, JSON.stringify(sigstore.instance.trustedRoot()));
  const { privateKey, publicKey } = await generateKey({ type: "ecc", userIDs: [{ name: "Ann" }], format: "armored" });
  const [keyFile, publicFile] = [join(scratch, "private.asc"), join(scratch, "public.asc")];
  writeFileSync(keyFile, privateKey);
  writeFileSync(publicFile, publicKey);
  gpg = { keyFile, publicFile, fingerprint: (await readKey({ armoredKey: publicKey })).getFingerprint() };
}, 60_000);
afterAll(async () => {
  await sigstore?.close();
  rmSync(scratch, { recursive: true, force: true });
});

const policyOf = (rules: string): string => `version: 1
signers:
  ci: {sigstore: {issuer: "https://token.actions.githubusercontent.com", repository: acme/tool, trust: internal}}
  ann: {gpg: ["${gpg.fingerprint}"], keys: ${gpg.publicFile}}
${rules}`;
const ALL = 'rules: [{match: ["pkg:aam/**"], signed_by: {all: [ci, ann]}, provenance: {level: L2, on_missing: error}}]\n';
const ANN_ALONE = 'defaults: {signature: {on_untrusted: warn}}\nrules: [{match: ["pkg:aam/**"], signed_by: {any: [ann]}}]\n';
/** It decides without signatures that could not be checked, so that nobody else has them checked again. */
const OBSERVING = "mode: audit\n";

interface Keeper {
  readonly mirror: MirrorBench;
  readonly policyFile: string;
  readonly path: string;
  sync(): Promise<DirectoryReport>;
}

async function start(repository: string, { dataDir = temporaryFolder(), trustedRoot = rootFile } = {}): Promise<Keeper> {
  const policyFile = join(dataDir, "policy.yaml");
  writeFileSync(policyFile, policyOf(ALL));
  const config = `
policy: ${policyFile}
metadata_ttl: 0s
negative_ttl: 0s
trust: {internal: {sigstore: ${trustedRoot}}}
repositories: [${repository}]
`;
  const mirror = await startMirror({ config, dataDir });
  onTestFinished(() => mirror.close());
  const path = join(dataDir, "registry");
  const directory = mirror.assay.directory({ path, repository: undefined, asker: { kind: "command", command: "export" } });
  return { mirror, policyFile, path, sync: () => directory.sync() };
}

const HOSTED = "{name: skills, ecosystem: aam, type: hosted, trust: internal}";
const mirrorOf = (url: string): string => `{name: aam, ecosystem: aam, upstreams: [{url: "${url}", trust: internal}]}`;
const mirrorOfFolder = (path: string): Promise<Keeper> => start(mirrorOf(`${pathToFileURL(path).href}/`));

/** The registry with the signed package in it. */
async function startRegistry(): Promise<Keeper> {
  const keeper = await start(HOSTED);
  const { mirror } = keeper;
  await signedRelease({
    repository: packageRepository(),
    to: `${mirror.url}/skills/`,
    token: await addToken(mirror.dataDir),
    sigstore,
    trustedRoot: rootFile,
    flags: { sign: true, provenance: true, gpgKeyFile: gpg.keyFile },
  });
  return keeper;
}

async function fetchFrom({ mirror }: Keeper): Promise<number> {
  const answer = await mirror.get("/aam/packages/@myorg/demo/1.2.3/tarball");
  await answer.arrayBuffer();
  return answer.status;
}

async function told({ mirror }: Keeper): Promise<Loose> {
  const answer = await mirror.get(`/api/v1/artifacts?purl=${encodeURIComponent("pkg:aam/%40myorg/demo@1.2.3")}`);
  return ((await answer.json()) as Loose).artifacts[0];
}

const endingsIn = ({ path }: Keeper): readonly string[] =>
  [...filesUnder(path).keys()].flatMap((file) => (file.startsWith(`${ARCHIVE}.`) ? [file.slice(ARCHIVE.length)] : [])).sort();
const codes = ({ leftOut }: DirectoryReport): readonly string[] =>
  leftOut.flatMap(({ from, code }) => (from === "directory" ? [code] : []));

describe("a second Assay that has the directory for its upstream", { timeout: 180_000 }, () => {
  test.each(ENDINGS)("refuses the archive whose %s was altered there, until the next round puts it right", async (ending) => {
    const registry = await startRegistry();
    await registry.sync();
    const file = join(registry.path, `${ARCHIVE}${ending}`);
    const sound = readFileSync(file, "utf8");
    writeFileSync(file, alteredSignature(sound));
    expect(await fetchFrom(await mirrorOfFolder(registry.path))).toBe(403);
    expect(await registry.sync()).toMatchObject({ written: 1 });
    expect(readFileSync(file, "utf8")).toBe(sound);
    expect(await fetchFrom(await mirrorOfFolder(registry.path))).toBe(200);
  });

  test.each([".asc", ".provenance.json"])("refuses the archive whose %s was taken away, where its policy asks for it", async (ending) => {
    const registry = await startRegistry();
    await registry.sync();
    rmSync(join(registry.path, `${ARCHIVE}${ending}`));
    expect(await fetchFrom(await mirrorOfFolder(registry.path))).toBe(403);
  });

  test("verifies signatures and provenance from it again, reaches L2, and keeps a directory with the same", async () => {
    const registry = await startRegistry();
    expect(await registry.sync()).toMatchObject({ versions: 1 });
    expect(endingsIn(registry)).toEqual([".asc", ".provenance.json", ".sha256", ".sigstore.json"]);
    await registry.mirror.close();
    const second = await mirrorOfFolder(registry.path);
    expect(await fetchFrom(second)).toBe(200);
    const { level, checks } = await told(second);
    expect(level).toMatchObject({ reached: "L2" });
    const passed = checks.flatMap(({ outcome, signer, label }: Loose) => (outcome === "pass" && signer ? [label] : [])).sort();
    expect(passed).toEqual(["OpenPGP signature", "Sigstore bundle", "attestation"]);
    await second.sync();
    for (const ending of [...ENDINGS, ""]) {
      expect(readFileSync(join(second.path, `${ARCHIVE}${ending}`)), ending).toEqual(
        readFileSync(join(registry.path, `${ARCHIVE}${ending}`)),
      );
    }
  });

  test("so does one that keeps the directory of what it mirrors, also once the registry is gone", async () => {
    const registry = await startRegistry();
    const middle = await start(mirrorOf(`${registry.mirror.url}/skills/`));
    expect(await fetchFrom(middle)).toBe(200);
    await registry.mirror.close();
    await middle.sync();
    const last = await mirrorOfFolder(middle.path);
    expect(await fetchFrom(last)).toBe(200);
    expect(await told(last)).toMatchObject({ level: { reached: "L2" } });
  });
});

describe("the signatures in a directory", { timeout: 180_000 }, () => {
  test("are only those that the policy of now counts, and go with their archive", async () => {
    const registry = await startRegistry();
    await registry.sync();
    await changePolicy(registry.mirror, registry.policyFile, policyOf(ANN_ALONE));
    expect(codes(await registry.sync())).toEqual([]);
    expect(endingsIn(registry)).toEqual([".asc", ".sha256"]);
    await changePolicy(registry.mirror, registry.policyFile, policyOf('deny: [{purl: "pkg:aam/%40myorg/demo", reason: stolen}]\n'));
    expect(codes(await registry.sync())).toEqual(["REFUSED"]);
    expect(existsSync(join(registry.path, "packages"))).toBe(false);
  });

  test("never take the place of somebody else's file: the version stays out, and is told", async () => {
    const registry = await startRegistry();
    await registry.sync();
    const { policyFile, mirror } = registry;
    const file = join(registry.path, `${ARCHIVE}.provenance.json`);
    await changePolicy(mirror, policyFile, policyOf(ANN_ALONE));
    await registry.sync();
    writeFileSync(file, "mine");
    await changePolicy(mirror, policyFile, policyOf(ALL));
    expect(codes(await registry.sync())).toEqual(["FOREIGN_FILE"]);
    expect([...filesUnder(join(registry.path, "packages")).keys()]).toEqual(["myorg--demo/versions/1.2.3.aam.provenance.json"]);
    expect(readFileSync(file, "utf8")).toBe("mine");
  });

  test("are checked under a root that has changed, and stay where they hold", async () => {
    const registry = await startRegistry();
    const { dataDir } = registry.mirror;
    await registry.sync();
    await registry.mirror.close();
    const trustedRoot = join(dataDir, "root.json");
    const root = sigstore.instance.trustedRoot();
    writeFileSync(trustedRoot, JSON.stringify({ ...root, tlogs: root.tlogs.slice(0, 1) }));
    const again = await start(HOSTED, { dataDir, trustedRoot });
    await changePolicy(again.mirror, again.policyFile, policyOf(OBSERVING));
    expect(await again.sync()).toMatchObject({ written: 0, removed: 0 });
    expect(endingsIn(again)).toEqual([".asc", ".provenance.json", ".sha256", ".sigstore.json"]);
  });
});

/** The same document with one signature that is another: as well-formed as before. */
function alteredSignature(text: string): string {
  if (text.startsWith("-----BEGIN")) return gpgOfOthers(text);
  const bundle: Loose = JSON.parse(text);
  const holder = bundle.messageSignature ?? bundle.dsseEnvelope.signatures[0];
  const field = bundle.messageSignature ? "signature" : "sig";
  const bytes = Buffer.from(holder[field], "base64");
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  holder[field] = bytes.toString("base64");
  return JSON.stringify(bundle);
}

/** Without its checksum line, and with another character in the middle. */
function gpgOfOthers(text: string): string {
  const lines = text.split("\n").filter((line) => !line.startsWith("="));
  const at = lines.findIndex((line) => line.length > 40 && !line.startsWith("-"));
  const line = lines[at] ?? "";
  lines[at] = `${line.slice(0, -2)}${line.at(-2) === "A" ? "B" : "A"}${line.slice(-1)}`;
  return lines.join("\n");
}
