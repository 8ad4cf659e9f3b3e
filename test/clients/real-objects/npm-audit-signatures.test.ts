import { createHash, sign } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import seeds from "@sigstore/tuf/seeds.json" with { type: "json" };
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AssayProcess, startAssay } from "../../support/assay-process.ts";
import { type AttestedPackage, publishPackages } from "../../support/attested-registry.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { type ClientRun, Workspace } from "../../support/clients.ts";
import { type FakeProxy, startFakeProxy } from "../../support/fake-proxy.ts";
import { type FakeUpstream, startFakeUpstream } from "../../support/fake-upstream.ts";
import { noArchives, RealArchives } from "../../support/real-archives.ts";
import { ecKeys, type Loose } from "../../support/sigstore-instance.ts";
import { TufRepository } from "../../support/tuf-repository.ts";
import { endpointKeys, NPM_DATA, realPackages } from "./npm-objects.ts";

/**
 * `npm audit signatures`, the real one, against a mirror whose registry is gone. It asks three places: Sigstore's TUF repository, which no mirror stands for (here a
 * repository of our own answers under its name, with the real trust root), and the mirror for the registry's keys and each version's attestations.
 */
const archives = NPM_DATA ? await RealArchives.open() : undefined;
const packageOf = archives ? await realPackages(archives, () => Buffer.alloc(0)) : noArchives;
await archives?.close();

const [tufUrl = "", { targets: seeded }] = Object.entries(seeds)[0] ?? ["", { targets: {} as Record<string, string> }];
const TUF_HOST = new URL(tufUrl).host;

describe.skipIf(!archives)("npm audit signatures, through a mirror whose registry is gone", () => {
  const workspace = new Workspace();
  let upstream: FakeUpstream;
  let tuf: FakeUpstream;
  let proxy: FakeProxy;
  let assay: AssayProcess;
  const own = ecKeys();
  const ownKey = {
    expires: null,
    keyid: "SHA256:own",
    keytype: "ecdsa-sha2-nistp256",
    scheme: "ecdsa-sha2-nistp256",
    key: own.spki.toString("base64"),
  };

  /** The real attested package has no registry signature in the data, so a key of our own makes one. */
  function signedByOwnKey(each: AttestedPackage): AttestedPackage {
    const integrity = `sha512-${createHash("sha512").update(each.bytes).digest("base64")}`;
    const sig = sign("sha256", Buffer.from(`${each.name}@${each.version}:${integrity}`), own.privateKey).toString("base64");
    return { ...each, signatures: [{ keyid: ownKey.keyid, sig }] };
  }

  beforeAll(async () => {
    upstream = await startFakeUpstream();
    const packages = [signedByOwnKey(packageOf("npm+pacote__valid-attestations.json")), packageOf("async@2.5.0")];
    publishPackages(upstream, "/npm", packages, [...endpointKeys(), ownKey]);
    assay = await startAssay({
      config: `
metadata_ttl: 1s
repositories:
  - {name: npm, ecosystem: npm, upstreams: [{url: "${upstream.origin}/npm/", retries: 0}]}
`,
    });

    const certificate = makeCertificate([TUF_HOST]);
    tuf = await startFakeUpstream({ tls: certificate });
    const repository = new TufRepository(tuf, "");
    repository.publish({ "trusted_root.json": Buffer.from(seeded["trusted_root.json"] ?? "", "base64") });
    proxy = await startFakeProxy({ routes: { [`${TUF_HOST}:443`]: tuf.port } });
    workspace.write("tuf.pem", certificate.cert);
    // npm believes the root that it finds in its cache.
    const tufCache = join(workspace.folder, "npm-cache", "_tuf", encodeURIComponent(TUF_HOST));
    mkdirSync(tufCache, { recursive: true });
    writeFileSync(join(tufCache, "root.json"), repository.rootJson);
  }, 60_000);
  afterAll(async () => {
    workspace.remove();
    await assay?.discard();
    await Promise.all([upstream?.close(), tuf?.close(), proxy?.close()]);
  });

  function auditSignatures(): Promise<ClientRun> {
    return workspace.run("npm", ["audit", "signatures", "--registry", `${assay.url}/npm/`, "--json", "--include-attestations"], 120_000, {
      HTTPS_PROXY: proxy.url.href,
      NO_PROXY: "127.0.0.1",
      NODE_EXTRA_CA_CERTS: join(workspace.folder, "tuf.pem"),
    });
  }

  async function expectVerified(): Promise<void> {
    const { code, output } = await auditSignatures();
    expect(code, output).toBe(0);
    const report: Loose = JSON.parse(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1));
    expect(report).toMatchObject({ invalid: [], missing: [], verified: [{ name: "sigstore", version: "0.4.0" }] });
    expect(report.verified[0].attestationBundles).toHaveLength(2);
  }

  test("verifies while the registry is there", async () => {
    const run = await workspace.npmInstall(`${assay.url}/npm/`, "sigstore@0.4.0", "async@2.5.0");
    expect(run, run.output).toMatchObject({ code: 0 });
    await expectVerified();
    expect(tuf.requestsFor("/timestamp.json").length).toBeGreaterThan(0);
  }, 120_000);

  test.each([
    { how: "has deleted it all", lose: () => upstream.fault("*", { kind: "status", status: 404 }) },
    { how: "fails", lose: () => upstream.fault("*", { kind: "status", status: 500 }) },
    { how: "is down", lose: () => upstream.close() },
  ])(
    "verifies when the registry $how, in a mirror that has been started again",
    async ({ lose }) => {
      await lose();
      await assay.stop();
      assay = await startAssay({ dataDir: assay.dataDir, args: ["--config", join(assay.dataDir, "test-config.yaml")] });
      await expectVerified();
    },
    120_000,
  );

  test("verifies from a mirror without a network", async () => {
    await assay.stop();
    assay = await startAssay({ dataDir: assay.dataDir, args: ["--config", join(assay.dataDir, "test-config.yaml"), "--offline"] });
    await expectVerified();
  }, 120_000);
});
