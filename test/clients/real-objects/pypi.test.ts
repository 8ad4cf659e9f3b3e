import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AssayProcess, startAssay } from "../../support/assay-process.ts";
import { publishDistributions } from "../../support/attested-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../../support/fake-upstream.ts";
import { noArchives, RealArchives } from "../../support/real-archives.ts";
import type { Loose } from "../../support/sigstore-instance.ts";
import { ALTERATIONS } from "./pypi-alterations.ts";
import { PYPI_DATA, PYPI_OBJECTS, realDistributions, STAGING_TRUST } from "./pypi-objects.ts";
import { expectRefusedEveryWay, VERBS } from "./refused-every-way.ts";

/**
 * Every real PEP 740 object, through a running Assay, from an index that publishes it beside the archive that it attests. Each case has a repository of its
 * own, and each verb that may come first a process, so that nothing is known there when it comes.
 */
const archives = PYPI_DATA ? await RealArchives.open() : undefined;
const distribution = archives ? await realDistributions(archives) : noArchives;
await archives?.close();

const VICTIM = "abi3info-2024.10.8-py3-none-any.whl.provenance";
const OTHER = "abi3info-2024.10.3-py3-none-any.whl.provenance";
const LEVELS = ["L0", "L1", "L2"];

/** Provenance objects that prove nothing and fail nothing either: a tool that only looks for failures takes them for verified. */
const EMPTY = [
  { what: "no bundle", repository: "empty-0", bundles: [] },
  { what: "a bundle of nothing", repository: "empty-1", bundles: [{ publisher: null, attestations: [] }] },
];

/** An object as one index publishes it, and what must come of it. */
interface Case {
  readonly name: string;
  readonly object: string;
  readonly trust: string;
  readonly provenance: Buffer;
  readonly code: string;
}

const objects = PYPI_OBJECTS.map((expected, at) => ({ ...expected, repository: `ok-${at}` }));
const refused: readonly Case[] = !archives ? [] : [...foreignRoots(), ...swapped(), ...altered()];

/** What one instance signed is nothing under the other's root. */
function foreignRoots(): readonly Case[] {
  return objects.map(({ object, trust }) => ({
    name: `${object} under the other root`,
    object,
    trust: trust === "public" ? "staging" : "public",
    provenance: distribution(object).provenance,
    code: "LOG_ENTRY_UNTRUSTED",
  }));
}

/** Each object beside the archive of the next one that the same instance signed. */
function swapped(): readonly Case[] {
  return objects.map(({ object, trust }, at) => {
    const { bytes } = distribution(object);
    const others = [...objects.slice(at + 1), ...objects].filter((other) => !distribution(other.object).bytes.equals(bytes));
    const other = others.find((each) => each.trust === trust) ?? { object: OTHER };
    const code = trust === "staging" ? "LOG_ENTRY_UNTRUSTED" : "SUBJECT_MISMATCH";
    return {
      name: `${other.object} beside the archive of ${object}`,
      object,
      trust,
      provenance: distribution(other.object).provenance,
      code,
    };
  });
}

function altered(): readonly Case[] {
  return ALTERATIONS.map(({ attack, alter, code }) => {
    const provenance = JSON.parse(distribution(VICTIM).provenance.toString("utf8"));
    alter(provenance, JSON.parse(distribution(OTHER).provenance.toString("utf8")));
    return { name: attack, object: VICTIM, trust: "public", provenance: Buffer.from(JSON.stringify(provenance)), code };
  });
}

describe.skipIf(!archives)("every real PEP 740 object", () => {
  const scratch = mkdtempSync(join(tmpdir(), "assay-real-"));
  const policyFile = join(scratch, "policy.yaml");
  let upstream: FakeUpstream;
  const running: AssayProcess[] = [];

  const repository = (name: string, trust: string): string =>
    `  - {name: ${name}, ecosystem: pypi, upstreams: [{url: "${upstream.origin}/${name}/simple/", retries: 0, trust: ${trust}}]}`;
  const config = (): string => `
policy: ${policyFile}
metadata_ttl: 1h
repositories:
${[
  ...objects.map(({ repository: name, trust }) => repository(name, trust)),
  ...EMPTY.map(({ repository: name }) => repository(name, "public")),
  ...refused.map(({ trust }, at) => repository(`bad-${at}`, trust)),
].join("\n")}
`;
  const fileUrl = (assay: AssayProcess, name: string, object: string): string => {
    const { project, file } = distribution(object);
    return `${assay.url}/${name}/files/${project}/${file}`;
  };
  const start = async (options: Parameters<typeof startAssay>[0] = {}): Promise<AssayProcess> => {
    const assay = await startAssay({ config: config(), env: { ASSAY_TRUST: STAGING_TRUST }, ...options });
    running.push(assay);
    return assay;
  };
  const policy = (level: string): void =>
    writeFileSync(
      policyFile,
      `version: 1\nbuilders: {L2: ["https://github.com/actions/runner*"]}\ndefaults: {provenance: {level: ${level}, on_missing: error}}\n`,
    );

  beforeAll(async () => {
    upstream = await startFakeUpstream();
    policy("L0");
    for (const { repository: name, object } of objects) publishDistributions(upstream, `/${name}`, [distribution(object)]);
    for (const { repository: name, bundles } of EMPTY) {
      const provenance = Buffer.from(JSON.stringify({ version: 1, attestation_bundles: bundles }));
      publishDistributions(upstream, `/${name}`, [{ ...distribution(VICTIM), provenance }]);
    }
    for (const [at, { object, provenance }] of refused.entries())
      publishDistributions(upstream, `/bad-${at}`, [{ ...distribution(object), provenance }]);
  }, 120_000);
  afterAll(async () => {
    for (const assay of running) await assay.discard();
    await upstream?.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  async function expectAdmitted(assay: AssayProcess): Promise<void> {
    for (const { repository: name, object } of objects) {
      const url = fileUrl(assay, name, object);
      const { bytes } = distribution(object);
      const response = await fetch(url);
      expect(response.status, object).toBe(200);
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes), object).toBe(true);
      expect(await fetch(url, { method: "HEAD" }), object).toMatchObject({ status: 200 });
      expect(await (await fetch(url, { headers: { Range: "bytes=1-9" } })).bytes(), object).toEqual(new Uint8Array(bytes.subarray(1, 10)));
    }
  }

  test("is in the table", () => {
    expect(objects.map(({ object }) => object).sort()).toEqual(readdirSync(join(PYPI_DATA ?? "", "valid")).sort());
  });

  test("is admitted with its signer on record, and reaches its level and no higher one, without another request upstream", async () => {
    const assay = await start();
    await expectAdmitted(assay);
    for (const { repository: name, object, identity, trust } of objects) {
      const { project, version } = distribution(object);
      const { artifacts }: Loose = await (await fetch(`${assay.url}/api/v1/artifacts?purl=pkg:pypi/${project}@${version}`)).json();
      const artifact = artifacts.find(({ ref }: Loose) => ref.repository === name);
      const outcome = artifact?.evidence.find(({ verifier }: Loose) => verifier === "sigstore")?.outcome;
      expect(outcome, object).toMatchObject({ kind: "pass", signer: { kind: "sigstore", trust } });
      expect(outcome.signer.identity.value.split("@refs/")[0], object).toBe(identity);
    }
    const asked = upstream.requests.length;
    for (const wanted of LEVELS) {
      policy(wanted);
      for (const { repository: name, object, level } of objects) {
        const status = LEVELS.indexOf(level) >= LEVELS.indexOf(wanted) ? 200 : 403;
        await expect
          .poll(async () => (await fetch(fileUrl(assay, name, object))).status, {
            timeout: 15_000,
            message: `${object} where ${wanted} is needed`,
          })
          .toBe(status);
        if (status === 403)
          expect(await (await fetch(fileUrl(assay, name, object))).json(), object).toMatchObject({ code: "PROVENANCE_TOO_LOW" });
      }
    }
    policy("L0");
    expect(upstream.requests.length).toBe(asked);
  }, 120_000);

  test.each(EMPTY)("without any attestation is not verified: $what", async ({ repository: name }) => {
    policy("L1");
    const assay = await start();
    await expectRefusedEveryWay(fileUrl(assay, name, VICTIM), VERBS[0], {
      code: "PROVENANCE_TOO_LOW",
      archive: distribution(VICTIM).bytes,
    });
  });

  test("admitted once, stays admitted by the evidence that was verified, whatever its index says afterwards", async () => {
    const { bytes } = distribution(VICTIM);
    publishDistributions(upstream, "/replaced", [distribution(VICTIM)]);
    const text = `metadata_ttl: 1s\nrepositories:\n${repository("replaced", "public")}\n`;
    const expectSame = async (assay: AssayProcess): Promise<void> => {
      const response = await fetch(fileUrl(assay, "replaced", VICTIM));
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    };
    const first = await startAssay({ config: text });
    running.push(first);
    await expectSame(first);
    for (const { object, provenance } of refused.filter((each) => each.object === VICTIM)) {
      publishDistributions(upstream, "/replaced", [{ ...distribution(object), provenance, bytes: distribution(OTHER).bytes }]);
      await expectSame(first);
    }
    await first.stop();
    const second = await startAssay({ config: text, dataDir: first.dataDir });
    running.push(second);
    // The page of now is asked for, and changes nothing; who wants the provenance gets what was verified.
    await fetch(`${second.url}/replaced/simple/abi3info/`);
    const provenance = await fetch(`${fileUrl(second, "replaced", VICTIM)}.provenance`);
    expect(Buffer.from(await provenance.arrayBuffer()).equals(distribution(VICTIM).provenance)).toBe(true);
    await expectSame(second);
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

      test.each(refused.map((each, at) => ({ ...each, at })))("$name", async ({ object, code, at }) => {
        await expectRefusedEveryWay(fileUrl(assay, `bad-${at}`, object), verb, { code, archive: distribution(object).bytes });
      });

      test("and nothing of it is there for a mirror without a network", async () => {
        await assay.stop();
        assay = await start({ dataDir: assay.dataDir, args: ["--offline"] });
        for (const [at, { object }] of refused.entries())
          expect((await fetch(fileUrl(assay, `bad-${at}`, object))).status, object).toBe(504);
        if (warm) await expectAdmitted(assay);
      }, 60_000);
    },
  );
});
