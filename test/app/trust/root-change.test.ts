import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { buildNpmTarball } from "../../support/archives.ts";
import { publishPackages } from "../../support/attested-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../../support/mirror-bench.ts";
import { type Loose, REPOSITORY, SigstoreInstance } from "../../support/sigstore-instance.ts";

const SLSA = "https://slsa.dev/provenance/v1";
const TARBALL = "/npm/demo/-/demo-1.0.0.tgz";
const ATTESTATIONS = "/npm/-/npm/v1/attestations/demo@1.0.0";
const NEEDS_SIGNATURE = "version: 1\ndefaults: {signature: {require: true, on_missing: error}}\n";

const instance = new SigstoreInstance();
const other = new SigstoreInstance();
const good = JSON.stringify(instance.trustedRoot());
/** The instance with another certificate authority: its logs are known, who signed is not. */
const withoutAuthority = JSON.stringify({ ...instance.trustedRoot(), certificateAuthorities: other.trustedRoot().certificateAuthorities });
/** Another root in every byte that matters to nobody: the same authorities under another subject. */
const renamed = good.replaceAll('"organization":"example"', '"organization":"renamed"');

interface Setting {
  readonly upstream: FakeUpstream;
  readonly mirror: MirrorBench;
  readonly bytes: Buffer;
  /** Gives the mirror another root, as an operator does, and waits until it holds. */
  change(root: string): Promise<void>;
  /** Does something to the data folder while nobody has it open. */
  restart(meanwhile?: (mirror: MirrorBench) => void): Promise<MirrorBench>;
}

function provenance(): Loose {
  const ref = "refs/tags/v1.0.0";
  return {
    buildDefinition: {
      buildType: "https://actions.github.io/buildtypes/workflow/v1",
      externalParameters: { workflow: { ref, repository: REPOSITORY, path: ".github/workflows/release.yml" } },
      resolvedDependencies: [{ uri: `git+${REPOSITORY}@${ref}`, digest: { gitCommit: "a".repeat(40) } }],
    },
    runDetails: { builder: { id: "https://github.com/actions/runner/github-hosted" } },
  };
}

/** A mirror of a registry that has one package, attested by `instance`. */
async function setting(root: string, policy = NEEDS_SIGNATURE): Promise<Setting> {
  const upstream = await startFakeUpstream();
  const folder = mkdtempSync(join(tmpdir(), "assay-root-change-"));
  const [rootFile, policyFile] = [join(folder, "trusted_root.json"), join(folder, "policy.yaml")];
  writeFileSync(rootFile, root);
  writeFileSync(policyFile, policy);
  const { bytes } = buildNpmTarball({ name: "demo", version: "1.0.0" });
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "pkg:npm/demo@1.0.0", digest: { sha512: createHash("sha512").update(bytes).digest("hex") } }],
    predicateType: SLSA,
    predicate: provenance(),
  };
  const attestations = { attestations: [{ predicateType: SLSA, bundle: instance.signStatement(statement) }] };
  publishPackages(upstream, "/npm", [{ name: "demo", version: "1.0.0", bytes, attestations }], []);
  const config = `
policy: ${policyFile}
metadata_ttl: 1h
trust: {internal: {sigstore: ${rootFile}}}
limits: {verify_bundle: 30s}
repositories:
  - {name: npm, ecosystem: npm, upstreams: [{url: "${upstream.origin}/npm/", retries: 0, trust: internal}]}
`;
  const start = () => startMirror({ config, dataDir: folder });
  let mirror = await start();
  onTestFinished(async () => {
    await mirror.close();
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    upstream,
    mirror,
    bytes,
    change: async (text) => {
      writeFileSync(rootFile, text);
      await mirror.assay.trust.reload();
    },
    restart: async (meanwhile = () => {}) => {
      await mirror.close();
      meanwhile(mirror);
      mirror = await start();
      return mirror;
    },
  };
}

interface Line {
  readonly verdict: { readonly kind: string };
  readonly evidence: readonly {
    readonly verifier: string;
    readonly restsOn?: string;
    readonly outcome: { readonly kind: string; readonly code?: string };
  }[];
}

async function newestLine(mirror: MirrorBench): Promise<Line> {
  const answer = await mirror.get("/api/v1/artifacts?purl=pkg:npm/demo@1.0.0");
  return ((await answer.json()) as { artifacts: Line[] }).artifacts[0] ?? { verdict: { kind: "none" }, evidence: [] };
}

const rechecks = ({ logged }: MirrorBench) => logged.filter(({ message }) => message.startsWith("verified again"));

test("an authority that leaves the root turns the next answer for what is held into a refusal, without asking for the archive; and back", async () => {
  const { upstream, mirror, change } = await setting(good);
  expect((await mirror.get(TARBALL)).status).toBe(200);
  expect((await mirror.get(TARBALL)).status).toBe(200);
  expect(rechecks(mirror)).toEqual([]);

  await change(withoutAuthority);
  for (const [method, headers] of [
    ["GET", {}],
    ["HEAD", {}],
    ["GET", { Range: "bytes=0-10" }],
  ] as const) {
    const answer = await mirror.get(TARBALL, { method, headers });
    expect(answer.status).toBe(403);
    if (method === "GET") expect(await answer.json()).toMatchObject({ code: "CERTIFICATE_UNTRUSTED" });
  }
  expect(await newestLine(mirror)).toMatchObject({ verdict: { kind: "refuse" } });

  await change(good);
  expect((await mirror.get(TARBALL)).status).toBe(200);
  expect(await newestLine(mirror)).toMatchObject({ verdict: { kind: "admit" } });
  expect(upstream.requestsFor(TARBALL)).toHaveLength(1);
});

test("another root that says the same costs one look at what is held, and no upstream at all", async () => {
  const { upstream, mirror, change } = await setting(good);
  await mirror.get(TARBALL);
  const asked = upstream.requests.length;
  upstream.fault("*", { kind: "disconnect" });
  await change(renamed);
  for (let times = 0; times < 3; times++) expect((await mirror.get(TARBALL)).status).toBe(200);
  expect(rechecks(mirror)).toHaveLength(1);
  expect(upstream.requests).toHaveLength(asked);
  const sha256 = createHash("sha256").update(renamed).digest("hex");
  expect((await newestLine(mirror)).evidence.find(({ verifier }) => verifier === "sigstore")).toMatchObject({ restsOn: `root ${sha256}` });
});

test("a root that changed while the mirror was down counts from its first answer on, upstream gone or not", async () => {
  const { upstream, mirror, change, restart } = await setting(good);
  await mirror.get(TARBALL);
  await change(withoutAuthority);
  upstream.fault("*", { kind: "disconnect" });
  const again = await restart();
  again.advance(7_200_000);
  expect((await again.get(TARBALL)).status).toBe(403);
  expect(upstream.requestsFor(TARBALL)).toHaveLength(1);
});

test("where the policy asks for no signature, a root that changed withholds nothing that the policy lets through", async () => {
  const { mirror, change, upstream } = await setting(
    good,
    "version: 1\ndefaults: {signature: {on_invalid: warn}, first_use: off, no_downgrade: off}\n",
  );
  expect((await mirror.get(TARBALL)).headers.get("x-assay-warning")).toBeNull();
  await change(withoutAuthority);
  const answer = await mirror.get(TARBALL);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-assay-warning")).toContain("CERTIFICATE_UNTRUSTED");
  expect(upstream.requestsFor(TARBALL)).toHaveLength(1);
});

test("what can no longer be verified again counts neither for nor against what is held: it is not served by an old root's word, nor refused for good", async () => {
  const { mirror, change, restart, upstream } = await setting(good);
  await mirror.get(TARBALL);
  await change(renamed);
  upstream.fault(ATTESTATIONS, { kind: "status", status: 404 });
  const without = await restart(({ dataDir }) => {
    const index = new Database(join(dataDir, "assay.db"));
    expect(index.prepare("UPDATE documents SET key = 'lost' WHERE key LIKE '%/attestations/%'").run().changes).toBe(1);
    index.close();
  });
  const answer = await without.get(TARBALL);
  expect({ status: answer.status, retryAfter: answer.headers.get("retry-after") }).toEqual({ status: 503, retryAfter: expect.any(String) });
  expect((await newestLine(without)).verdict).toMatchObject({ kind: "undecided" });
  upstream.heal();
  without.advance(61_000);
  expect((await without.get(TARBALL)).status).toBe(200);
  expect(upstream.requestsFor(TARBALL)).toHaveLength(1);
});

test("bytes that are no longer what was admitted are not served on the strength of a new look at their documents", async () => {
  const { mirror, change } = await setting(good);
  await mirror.get(TARBALL);
  for (const file of readdirSync(join(mirror.dataDir, "blobs-v1"), { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    writeFileSync(path, Buffer.alloc(statSync(path).size));
  }
  await change(renamed);
  expect((await mirror.get(TARBALL)).status).toBeGreaterThanOrEqual(500);
});
