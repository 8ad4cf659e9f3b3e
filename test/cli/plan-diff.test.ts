import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildNpmTarball } from "../support/archives.ts";
import { publishPackages } from "../support/attested-registry.ts";
import { type PlanBench, startPlanBench } from "../support/plan-bench.ts";
import { ecKeys, type Loose } from "../support/sigstore-instance.ts";

const DENY = 'version: 1\ndeny: [{purl: "pkg:pypi/denied", reason: "stolen account"}]\n';
const REQUIRE = "version: 1\ndefaults:\n  signature: {require: true, on_missing: error}\n";
const release = ecKeys();

let bench: PlanBench;
beforeAll(async () => {
  bench = await startPlanBench();
});
afterAll(() => bench.close());

/** Has the mirror fetch it under a policy, whatever comes of it. */
async function collect(policy: string, ...purls: readonly string[]): Promise<void> {
  const path = bench.write("collecting.yaml", policy);
  for (const purl of purls) await bench.assay("explain", purl, "--policy", path);
}

const diff = (old: string, next: string): Promise<{ readonly code: number; readonly out: Loose }> =>
  bench.json("plan", "--diff", bench.write("old.yaml", old), bench.write("new.yaml", next));

test("what becomes refused, and what becomes admitted that was refused and not kept, is told with reason and rule, and nobody is asked", async () => {
  const denied = bench.pypi.publish({ name: "denied" });
  const unsigned = bench.pypi.publish({ name: "unsigned", sign: "none" });
  const signed = bench.pypi.publish({ name: "signed" });
  await collect(DENY, denied.purl, unsigned.purl, signed.purl);
  const asked = bench.upstream.requests.length;

  const { code, out } = await diff(DENY, REQUIRE);
  expect(code).toBe(2);
  expect(out.changes).toMatchObject([
    { purl: denied.purl, from: "refused", to: "admitted", before: [{ code: "DENIED", rule: "deny[0]" }], after: [] },
    { purl: unsigned.purl, from: "admitted", to: "refused", before: [], after: [{ code: "SIGNATURE_MISSING", rule: "defaults" }] },
  ]);
  expect(out.summary).toEqual({ archives: 3, unchanged: 1, becomeRefused: 1, becomeRecorded: 0, becomeAdmitted: 1, becomeUnknown: 0 });
  expect(bench.upstream.requests.length).toBe(asked);

  const { text } = await bench.assay("plan", "--diff", bench.write("old.yaml", DENY), bench.write("new.yaml", REQUIRE));
  expect(text).toContain(`refused -> admitted   ${denied.purl}\n    no longer: DENIED [deny[0], `);
  expect(text).toContain(`admitted -> refused   ${unsigned.purl}\n    SIGNATURE_MISSING [defaults, `);
  expect(text).toContain("3 archives: 1 becomes refused, 1 becomes admitted, 1 stays as it is\n");
});

test("where nothing becomes refused it ends well, and in audit mode it says what would be refused once enforced", async () => {
  expect(await diff(REQUIRE, "version: 1\n")).toMatchObject({ code: 0, out: { summary: { becomeRefused: 0 } } });
  const { code, out } = await diff("version: 1\n", `${REQUIRE}mode: audit\n`);
  expect(code).toBe(0);
  expect(out.summary).toMatchObject({ becomeRefused: 0, becomeRecorded: 1 });
  expect(await diff(`${REQUIRE}mode: audit\n`, REQUIRE)).toMatchObject({ code: 2, out: { summary: { becomeRefused: 1 } } });
});

test("evidence by a key that only one of the policies names is verified under that key, from what is kept", async () => {
  const { bytes } = buildNpmTarball({ name: "keyed", version: "1.0.0" });
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "pkg:npm/keyed@1.0.0", digest: { sha512: createHash("sha512").update(bytes).digest("hex") } }],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: { buildType: "https://acme.example/build/v1", externalParameters: {}, resolvedDependencies: [] },
      runDetails: { builder: { id: "https://acme.example/builder" } },
    },
  };
  const bundle = bench.instance.signStatement(statement, { managedKey: release, hint: "any" });
  const attestations = { attestations: [{ predicateType: statement.predicateType, bundle }] };
  publishPackages(bench.upstream, "/npm", [{ name: "keyed", version: "1.0.0", bytes, attestations }], []);
  const pem = bench.write("release.pem", release.publicKey.export({ type: "spki", format: "pem" }).toString());
  const other = bench.write("other.pem", ecKeys().publicKey.export({ type: "spki", format: "pem" }).toString());
  const named = (file: string): string =>
    `version: 1\nsigners: {releases: {key: acme, keys: ${file}}}\nrules: [{name: ours, match: ["pkg:npm/keyed"], signed_by: {any: [releases]}}]\n`;
  // Refused under another key, so that its bytes are not here, only what is known of them.
  await collect(named(other), "pkg:npm/keyed@1.0.0");
  const asked = bench.upstream.requests.length;
  const { code, out } = await diff(named(other), named(pem));
  expect(out.changes).toMatchObject([
    { purl: "pkg:npm/keyed@1.0.0", from: "refused", to: "admitted", before: [{ code: "SIGNER_UNTRUSTED" }] },
  ]);
  expect(code).toBe(0);
  expect(await diff(named(pem), named(other))).toMatchObject({ code: 2 });
  expect(bench.upstream.requests.length).toBe(asked);
});

test("it says how it is called", async () => {
  expect(await bench.assay("plan", "--diff", "only-one.yaml")).toMatchObject({ code: 64 });
  expect(await bench.assay("plan", "--diff", "a.yaml", "b.yaml", "--fetch")).toMatchObject({ code: 64 });
  const good = bench.write("good.yaml", "version: 1\n");
  expect(await bench.assay("plan", "--diff", good, bench.write("bad.yaml", "version: 2\n"))).toMatchObject({ code: 78 });
});
