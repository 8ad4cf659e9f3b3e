import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildNpmTarball } from "../../support/archives.ts";
import { type AssayProcess, startAssay } from "../../support/assay-process.ts";
import { type AttestedPackage, publishPackages } from "../../support/attested-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../../support/fake-upstream.ts";
import { noArchives, RealArchives } from "../../support/real-archives.ts";
import type { Loose } from "../../support/sigstore-instance.ts";
import { endpointKeys, NPM_DATA, NPM_KEY, NPM_OBJECTS, type NpmObject, npmObjectNames, realPackages } from "./npm-objects.ts";
import { expectRefusedEveryWay, VERBS } from "./refused-every-way.ts";

/**
 * Every real npm attestation and registry signature, through a running Assay, from a registry that publishes it with the archive that it is about. Each case has
 * a repository of its own, and each verb that may come first a process, so that nothing is known there when it comes.
 */
const archives = NPM_DATA ? await RealArchives.open() : undefined;
const packageOf = archives ? await realPackages(archives, (name, version) => buildNpmTarball({ name, version }).bytes) : noArchives;
await archives?.close();

const LEVELS = ["L0", "L1", "L2"];

interface Case extends NpmObject {
  readonly published: AttestedPackage;
}
const cases: readonly Case[] = !archives ? [] : NPM_OBJECTS.map((each) => ({ ...each, published: packageOf(each.object) }));
const admitted = cases.flatMap((each) => (each.outcome.kind === "admitted" ? [{ ...each, ...each.outcome }] : []));
const refused = [...cases.flatMap((each) => (each.outcome.kind === "refused" ? [{ ...each, code: each.outcome.code }] : [])), ...moved()];

/** What is right for one version, published for another. */
function moved(): readonly (Case & { readonly code: string })[] {
  return admitted.flatMap((each, at) => {
    const other = [...admitted.slice(at + 1), ...admitted].find(
      ({ published }) => (published.attestations === undefined) === (each.published.attestations === undefined),
    );
    if (!other || other.object === each.object) return [];
    const { attestations, signatures } = other.published;
    const published = { ...each.published, ...(attestations ? { attestations } : {}), ...(signatures ? { signatures } : {}) };
    // A registry's signature is over the name, the version and the digest, so of another package it is simply none.
    const code = attestations ? "SUBJECT_MISMATCH" : "SIGNATURE_INVALID";
    return [{ ...each, object: `what ${other.object} says, for ${each.object}`, published, code }];
  });
}

describe.skipIf(!archives)("every real npm object", () => {
  const scratch = mkdtempSync(join(tmpdir(), "assay-real-"));
  const policyFile = join(scratch, "policy.yaml");
  let upstream: FakeUpstream;
  const running: AssayProcess[] = [];

  const start = async (options: Parameters<typeof startAssay>[0] = {}): Promise<AssayProcess> => {
    const names = ["bare", ...admitted.map((_, at) => `ok-${at}`), ...refused.map((_, at) => `bad-${at}`)];
    const assay = await startAssay({
      config: `
policy: ${policyFile}
metadata_ttl: 1h
repositories:
${names.map((name) => `  - {name: ${name}, ecosystem: npm, upstreams: [{url: "${upstream.origin}/${name}/", retries: 0}]}`).join("\n")}
`,
      ...options,
    });
    running.push(assay);
    return assay;
  };
  const fileUrl = (assay: AssayProcess, repository: string, { name, version }: NpmObject): string =>
    `${assay.url}/${repository}/${name}/-/${name.slice(name.lastIndexOf("/") + 1)}-${version}.tgz`;
  const policy = (level: string, signers = `{npm: {registry_key: "${NPM_KEY}"}}`): void =>
    writeFileSync(
      policyFile,
      `version: 1\nbuilders: {L2: ["https://github.com/actions/runner*"]}\nsigners: ${signers}\ndefaults: {provenance: {level: ${level}, on_missing: error}}\n`,
    );

  beforeAll(async () => {
    upstream = await startFakeUpstream();
    policy("L0");
    const keys = endpointKeys();
    for (const [at, { published }] of admitted.entries()) publishPackages(upstream, `/ok-${at}`, [published], keys);
    for (const [at, { published }] of refused.entries()) publishPackages(upstream, `/bad-${at}`, [published], keys);
  }, 60_000);
  afterAll(async () => {
    for (const assay of running) await assay.discard();
    await upstream?.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  async function expectAdmitted(assay: AssayProcess): Promise<void> {
    for (const [at, each] of admitted.entries()) {
      const url = fileUrl(assay, `ok-${at}`, each);
      const { bytes } = each.published;
      const response = await fetch(url);
      expect(response.status, each.object).toBe(200);
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes), each.object).toBe(true);
      expect(await fetch(url, { method: "HEAD" }), each.object).toMatchObject({ status: 200 });
      expect(await (await fetch(url, { headers: { Range: "bytes=1-9" } })).bytes()).toEqual(new Uint8Array(bytes.subarray(1, 10)));
    }
  }

  test("is in the table", () => {
    expect(NPM_OBJECTS.map(({ object }) => object).sort()).toEqual([...npmObjectNames()].sort());
  });

  test("that is right is admitted with its signers on record, and reaches its level and no higher one, without another request upstream", async () => {
    const assay = await start();
    await expectAdmitted(assay);
    for (const [at, { object, name, version, signers }] of admitted.entries()) {
      const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
      const { artifacts }: Loose = await (await fetch(`${assay.url}/api/v1/artifacts?purl=${encodeURIComponent(purl)}`)).json();
      const artifact = artifacts.find(({ ref }: Loose) => ref.repository === `ok-${at}`);
      const passed = artifact.evidence.flatMap(({ outcome }: Loose) => (outcome.kind === "pass" && outcome.signer ? [outcome.signer] : []));
      expect(passed.map((signer: Loose) => signer.keyId ?? signer.identity.value.split("@refs/")[0]).sort(), object).toEqual(
        [...signers].sort(),
      );
    }
    const asked = upstream.requests.length;
    for (const wanted of LEVELS) {
      policy(wanted);
      for (const [at, each] of admitted.entries()) {
        const url = fileUrl(assay, `ok-${at}`, each);
        const status = LEVELS.indexOf(each.level) >= LEVELS.indexOf(wanted) ? 200 : 403;
        await expect
          .poll(async () => (await fetch(url)).status, { timeout: 15_000, message: `${each.object} where ${wanted} is needed` })
          .toBe(status);
        if (status === 403) expect(await (await fetch(url)).json(), each.object).toMatchObject({ code: "PROVENANCE_TOO_LOW" });
      }
    }
    // What only the registry signed makes no level where nobody named its key.
    policy("L1", "{}");
    for (const [at, each] of admitted.entries()) {
      const status = each.signers.some((signer) => signer !== NPM_KEY) ? 200 : 403;
      await expect
        .poll(async () => (await fetch(fileUrl(assay, `ok-${at}`, each))).status, {
          timeout: 15_000,
          message: `${each.object}, no key named`,
        })
        .toBe(status);
    }
    policy("L0");
    expect(upstream.requests.length).toBe(asked);
  }, 120_000);

  test("without its signatures is refused where the policy asks for them", async () => {
    const [name, version] = ["async", "2.5.0"];
    const { bytes } = packageOf(`${name}@${version}`);
    publishPackages(upstream, "/bare", [{ name, version, bytes }], endpointKeys());
    const wanted = `rules: [{name: signed, match: ["pkg:npm/async"], signed_by: {any: [registry]}}]`;
    writeFileSync(policyFile, `version: 1\nsigners: {registry: {registry_key: "${NPM_KEY}"}}\n${wanted}\n`);
    const assay = await start();
    const at = admitted.findIndex(({ object }) => object === `${name}@${version}`);
    expect((await fetch(`${assay.url}/ok-${at}/async/-/async-2.5.0.tgz`)).status).toBe(200);
    await expectRefusedEveryWay(`${assay.url}/bare/async/-/async-2.5.0.tgz`, VERBS[0], { code: "SIGNATURE_MISSING", archive: bytes });
  });

  const stores = [
    { store: "an empty store", warm: false },
    { store: "a store that holds the very bytes, admitted elsewhere", warm: true },
  ];
  describe.each(stores.flatMap((store) => VERBS.map((verb) => ({ ...store, ...verb, verb }))))(
    "asked for by $method $headers first, of $store, refused:",
    ({ warm, verb }) => {
      let assay: AssayProcess;
      beforeAll(async () => {
        policy("L0");
        assay = await start();
        if (warm) await expectAdmitted(assay);
      }, 60_000);

      test.each(refused.map((each, at) => ({ ...each, at })))("$object", async ({ at, code, ...each }) => {
        await expectRefusedEveryWay(fileUrl(assay, `bad-${at}`, each), verb, { code, archive: each.published.bytes });
      });

      test("and nothing of it is there for a mirror without a network", async () => {
        await assay.stop();
        assay = await start({ dataDir: assay.dataDir, args: ["--offline"] });
        for (const [at, each] of refused.entries()) expect((await fetch(fileUrl(assay, `bad-${at}`, each))).status, each.object).toBe(504);
        if (warm) await expectAdmitted(assay);
      }, 60_000);
    },
  );
});
