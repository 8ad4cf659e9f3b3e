import { describe, expect, test } from "vitest";
import { AamBench, FOLDER, integrity, packageObject, REGISTRY } from "./aam-bench.ts";

const ENDPOINT = "packages/git-utils/1.0.0/signature";
const ARCHIVE = `${FOLDER}packages/git-utils/versions/1.0.0.aam`;
const ARMOR = "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n";
const BUNDLE = { mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json" };
const UNSIGNED = {
  formatVersion: 1,
  name: "git-utils",
  version: "1.0.0",
  integrity: integrity("git-utils 1.0.0"),
  signatures: [],
  attestations: [],
};

const statement = (predicateType: unknown) => Buffer.from(JSON.stringify({ predicateType })).toString("base64");

const registry = (): AamBench => new AamBench([REGISTRY]).put(`${REGISTRY}packages/git-utils`, packageObject("git-utils", ["1.0.0"]));
const folder = (): AamBench => new AamBench([FOLDER]).put(`${FOLDER}packages/git-utils/meta.json`, packageObject("git-utils", ["1.0.0"]));

describe("evidence that cannot be relied on is an error: it must not look like none", () => {
  test.each([
    ["another version's", { name: "git-utils", version: "2.0.0", signatures: [] }],
    ["another package's", { name: "evil", version: "1.0.0", signatures: [] }],
    ["no object", []],
    ["no JSON", "oops"],
  ])("from a registry: %s", async (_, body) => {
    await expect(registry().put(`${REGISTRY}${ENDPOINT}`, body).get(ENDPOINT)).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
  });

  test.each([
    [".asc", "AAAA"],
    [".sigstore.json", "AAAA"],
    [".provenance.json", "[]"],
  ])("from a folder: a %s file of %s", async (ending, body) => {
    await expect(folder().put(`${ARCHIVE}${ending}`, body).get(ENDPOINT)).rejects.toMatchObject({ code: "UPSTREAM_MALFORMED" });
  });

  test("more than the limit", async () => {
    const bench = new AamBench([FOLDER], { sidecarBytes: 100 }).put(
      `${FOLDER}packages/git-utils/meta.json`,
      packageObject("git-utils", ["1.0.0"]),
    );
    await expect(bench.put(`${ARCHIVE}.asc`, ARMOR.padEnd(101, "\n")).get(ENDPOINT)).rejects.toMatchObject({ code: "UPSTREAM_LIMIT" });
    expect((await bench.put(`${ARCHIVE}.asc`, ARMOR.padEnd(100, "\n")).json(ENDPOINT))["signatures"]).toHaveLength(1);
  });
});

test.each([
  ["registry", registry],
  ["folder", folder],
])("an unsigned version of a %s has empty lists", async (_, bench) => {
  expect(await bench().json(ENDPOINT)).toEqual(UNSIGNED);
});

test("a registry's evidence is passed on, without what is no evidence", async () => {
  const signatures = [
    { type: "sigstore", bundle: BUNDLE },
    { type: "gpg", fingerprint: "AB", signature: ARMOR },
  ];
  const attestations = [{ predicateType: "https://slsa.dev/provenance/v1", bundle: BUNDLE }];
  const bench = registry().put(`${REGISTRY}${ENDPOINT}`, {
    name: "git-utils",
    integrity: "sha256-of-another",
    signatures: [...signatures, "text", null],
    attestations,
  });
  expect(await bench.json(ENDPOINT)).toEqual({ ...UNSIGNED, signatures, attestations });
});

test("the files beside an archive are its evidence", async () => {
  const provenance = { ...BUNDLE, dsseEnvelope: { payload: statement("https://uaaps.github.io/provenance/v1"), signatures: [] } };
  const bench = folder().put(`${ARCHIVE}.asc`, ARMOR).put(`${ARCHIVE}.sigstore.json`, BUNDLE).put(`${ARCHIVE}.provenance.json`, provenance);
  expect(await bench.json(ENDPOINT)).toEqual({
    ...UNSIGNED,
    signatures: [
      { type: "sigstore", bundle: BUNDLE },
      { type: "gpg", signature: ARMOR },
    ],
    attestations: [{ predicateType: "https://uaaps.github.io/provenance/v1", bundle: provenance }],
  });
});

test.each([
  ["no payload", {}],
  ["a payload that is no JSON", { payload: "AAAA" }],
  ["a predicate type that is no text", { payload: statement(7) }],
])("an attestation with %s is passed on without a type", async (_, envelope) => {
  const bench = folder().put(`${ARCHIVE}.provenance.json`, envelope);
  expect((await bench.json(ENDPOINT))["attestations"]).toEqual([{ bundle: envelope }]);
});
