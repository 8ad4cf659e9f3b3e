import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/app/config.ts";
import { npmPack } from "../../src/app/rebuild/npm-pack.ts";
import { auditReproducible } from "../../src/cli/audit-reproducible.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { buildSdist } from "../support/archives.ts";
import { attestationOf, SLSA_TYPE, slsaPredicate } from "../support/attested-index.ts";
import { publishDistributions, publishPackages } from "../support/attested-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type GitServer, startGitServer, type UpstreamRepository } from "../support/git-server.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";
import { folderOf } from "../support/package-folder.ts";
import { githubClaims, type Loose, SigstoreInstance } from "../support/sigstore-instance.ts";

/** Packages of the other registries, attested as GitHub's runners attest them, rebuilt from a git host on loopback. */
const scratch = mkdtempSync(join(tmpdir(), "assay-reproducible-registries-"));
const rootFile = join(scratch, "root.json");
const instance = new SigstoreInstance();
let upstream: FakeUpstream;
let hosts: GitServer;
let repository: UpstreamRepository;
let mirror: MirrorBench;

beforeAll(async () => {
  writeFileSync(rootFile, JSON.stringify(instance.trustedRoot()));
  writeFileSync(join(scratch, "policy.yaml"), "version: 1\n");
  [upstream, hosts] = [await startFakeUpstream(), await startGitServer()];
  repository = hosts.repository("acme/tool");
  const config = `
policy: ${join(scratch, "policy.yaml")}
trust: {private: {sigstore: ${rootFile}}}
git: {hosts: [{host: github.com, url: "${hosts.origin}/"}]}
repositories:
  - {name: npm, ecosystem: npm, upstreams: [{url: "${upstream.url("/npm/")}", trust: private}]}
  - {name: pypi, ecosystem: pypi, upstreams: [{url: "${upstream.url("/pypi/simple/")}", trust: private}]}
`;
  mirror = await startMirror({ config });
});
afterAll(async () => {
  await mirror?.close();
  await Promise.all([upstream?.close(), hosts?.close()]);
  rmSync(scratch, { recursive: true, force: true });
});

/** A bundle by the release workflow of `acme/tool`, run for this commit. */
function attested(name: string, digest: Readonly<Record<string, string>>, commit: string): Loose {
  const statement: JsonObject = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name, digest }],
    predicateType: SLSA_TYPE,
    predicate: slsaPredicate(undefined, commit),
  };
  return instance.signStatement(statement, { leaf: { claims: githubClaims(commit) } });
}

const hash = (algorithm: string, bytes: Buffer): string => createHash(algorithm).update(bytes).digest("hex");

/** Adds these files to the repository. Answers the commit that has them all. */
function source(files: Readonly<Record<string, string>>): string {
  return Object.entries(files).reduce((_, [file, text]) => repository.commit(text, { file }), "");
}

async function rebuilt(purl: string): Promise<{ readonly exit: number; readonly said: Loose }> {
  const env = { ASSAY_TRUST: "{public: {tuf: off}}", PATH: process.env["PATH"] };
  const config = loadConfig({ env, flags: { config: join(mirror.dataDir, "test-config.yaml"), data: mirror.dataDir } });
  const printed: string[] = [];
  const print = (text: string): void => void printed.push(text);
  const exit = await auditReproducible({ config, env, print, json: true, repository: undefined }, [purl]);
  return { exit, said: JSON.parse(printed.join("")) };
}

describe("npm", () => {
  const manifest = (name: string, more: object = {}): string =>
    JSON.stringify({
      name,
      version: "1.0.0",
      repository: { type: "git", url: "git+https://github.com/acme/tool.git", directory: `packages/${name}` },
      ...more,
    });

  async function packed(files: Readonly<Record<string, string>>): Promise<Buffer> {
    const own = mkdtempSync(join(scratch, "npm-"));
    const { path } = await npmPack({ folder: folderOf(files), scratch: own, searchPath: process.env["PATH"] });
    return readFileSync(path);
  }

  function publish(name: string, bytes: Buffer, commit: string): string {
    const bundle = attested(`pkg:npm/${name}@1.0.0`, { sha512: hash("sha512", bytes) }, commit);
    const attestations = { attestations: [{ predicateType: SLSA_TYPE, bundle }] };
    publishPackages(upstream, "/npm", [{ name, version: "1.0.0", bytes, attestations }], []);
    return `pkg:npm/${name}@1.0.0`;
  }

  const inFolder = (name: string, files: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`packages/${name}/${path}`, text]));

  test("a package is packed from the folder of its commit, and its scripts do not run", async () => {
    const ran = join(scratch, "ran");
    const files = {
      "package.json": manifest("same", { scripts: { prepack: `touch ${ran}`, prepare: `touch ${ran}` } }),
      "index.js": "module.exports = 1;\n",
    };
    const commit = source({ "README.md": "another package's\n", ...inFolder("same", files) });
    const { exit, said } = await rebuilt(publish("same", await packed(files), commit));
    expect(said).toMatchObject({
      rebuilds: [
        {
          result: "identical",
          level: { before: "L2", after: "L3" },
          source: { commit, folder: "packages/same" },
          builder: expect.stringMatching(/^npm pack /),
        },
      ],
      errors: [],
    });
    expect(exit).toBe(0);
    expect(() => readFileSync(ran)).toThrow();
  }, 120_000);

  test("what a build adds and what somebody changed is named, and the same files in another form are no L3", async () => {
    const files = { "package.json": manifest("other", { files: ["dist", "index.js"] }), "index.js": "module.exports = 1;\n" };
    const commit = source(inFolder("other", files));
    const bytes = await packed({ ...files, "index.js": "module.exports = 2;\n", "dist/built.js": "1;\n" });
    const { exit, said } = await rebuilt(publish("other", bytes, commit));
    expect(exit).toBe(2);
    expect(said.rebuilds).toMatchObject([
      {
        result: "differs",
        level: { after: "L2" },
        differences: [
          { kind: "only-published", path: "package/dist/built.js" },
          { kind: "changed", path: "package/index.js" },
        ],
      },
    ]);
    const recompressed = { ...files, "package.json": manifest("form") };
    const formCommit = source(inFolder("form", recompressed));
    const form = await rebuilt(publish("form", gzipSync(gunzipSync(await packed(recompressed)), { level: 1 }), formCommit));
    expect(form).toMatchObject({
      exit: 2,
      said: {
        rebuilds: [
          {
            result: "same-contents",
            level: { after: "L2" },
            differences: [{ kind: "form", published: expect.stringContaining("compression") }],
          },
        ],
      },
    });
  }, 120_000);

  test("a manifest that leads out of the repository, or is a link, is not followed", async () => {
    const away = JSON.stringify({ name: "away", version: "1.0.0", repository: { directory: "../../.." } });
    const out = await rebuilt(publish("away", await packed({ "package.json": away }), source({ "package.json": away })));
    expect(out).toMatchObject({
      exit: 65,
      said: { rebuilds: [], errors: [{ code: "UNPROCESSABLE", message: expect.stringContaining("is no folder") }] },
    });
    const plain = JSON.stringify({ name: "linked", version: "1.0.0" });
    const link = repository.git(["hash-object", "-w", "--stdin"], rootFile);
    const tree = repository.git(["mktree"], `120000 blob ${link}\tpackage.json\n`);
    const commit = repository.git(["-c", "user.name=x", "-c", "user.email=x@registry.example", "commit-tree", tree, "-m", "made"]);
    repository.git(["update-ref", "refs/heads/main", commit]);
    const linked = await rebuilt(publish("linked", await packed({ "package.json": plain }), commit));
    expect(linked).toMatchObject({
      exit: 65,
      said: { errors: [{ code: "UNPROCESSABLE", message: expect.stringContaining("no file package.json") }] },
    });
  }, 120_000);
});

describe("PyPI", () => {
  test("the files of an sdist are looked for in the source, and it is never called rebuilt", async () => {
    const setup = 'from setuptools import setup\nsetup(name="tool", version="1.0")\n';
    const commit = source({ "setup.py": setup, "tool.py": "print(1)\n", "tests/test.py": "left out\n" });
    const { file, bytes } = buildSdist({ name: "tool", version: "1.0", files: { "tool.py": "print(2)\n" } });
    const provenance = {
      version: 1,
      attestation_bundles: [{ publisher: null, attestations: [attestationOf(attested(file, { sha256: hash("sha256", bytes) }, commit))] }],
    };
    publishDistributions(upstream, "/pypi", [
      { project: "tool", version: "1.0", file, bytes, provenance: Buffer.from(JSON.stringify(provenance)) },
    ]);
    const { exit, said } = await rebuilt("pkg:pypi/tool@1.0");
    expect(exit).toBe(2);
    expect(said.rebuilds).toMatchObject([
      {
        result: "differs",
        level: { before: "L2", after: "L2" },
        rebuilt: { sha256: null },
        differences: [
          { kind: "only-published", path: "PKG-INFO" },
          { kind: "changed", path: "tool.py" },
        ],
        notes: expect.arrayContaining([expect.stringContaining("1 of its 3 files"), expect.stringContaining("not built")]),
      },
    ]);
    expect(said.artifacts[0].level.why).toMatch(/only compared with the files of .*, and 2 differ/);
  }, 120_000);
});
