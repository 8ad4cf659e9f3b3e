import { describe, expect, test } from "vitest";
import { parseDigest } from "../../../src/core/digest.ts";
import type { Rebuild } from "../../../src/core/rebuild.ts";
import type { Signer, SigstoreSigner } from "../../../src/core/signer.ts";
import { provenanceLevel, type VerifiedItem } from "../../../src/verify/provenance/provenance-level.ts";
import { readPredicate } from "../../../src/verify/provenance/read-predicate.ts";
import { type Changes, COMMIT, emailSigner, githubSigner, OTHER_COMMIT, type PREDICATES, REPOSITORY, statementOf } from "./statements.ts";

const RUNNER = (id: string) => id.startsWith("https://github.com/actions/runner");

function item(name: keyof typeof PREDICATES, signer: Signer = githubSigner(), changes: Changes = {}): VerifiedItem {
  const statement = statementOf(name, changes);
  const predicate = readPredicate(statement);
  return { signer, statement, ...(predicate.ok ? { predicate: predicate.value } : {}) };
}

function levelOf(verified: readonly VerifiedItem[], builders = RUNNER, rebuilds: readonly Rebuild[] = []) {
  return provenanceLevel({ verified, builders, rebuilds });
}

const OPENPGP: Signer = { kind: "openpgp", fingerprint: "0".repeat(40) };

describe("is no more than it is", () => {
  test("nothing verified is L0", () => {
    expect(levelOf([])).toEqual({ level: "L0", why: expect.any(String) });
  });

  const uri = { type: "uri", value: "https://builds.example/x" } as const;
  const bare: SigstoreSigner = { ...githubSigner(), issuer: "https://idp.example", identity: uri, source: {} };
  test.each<[string, VerifiedItem, RegExp]>([
    ["an OpenPGP signature", { signer: OPENPGP }, /says nothing of how it was built/],
    ["a registry's signature", { signer: { kind: "registry", keyId: "SHA256:x" } }, /says nothing of how it was built/],
    ["a Sigstore signature over the bytes", { signer: githubSigner() }, /says nothing of how it was built/],
    ["PEP 740's publish attestation alone", item("pypiPublish"), /takes a build provenance/],
    ["npm's publish attestation alone", item("npmPublish", { kind: "key", keyId: "SHA256:x" }), /takes a build provenance/],
    ["a statement of an unknown type", { signer: githubSigner(), statement: statementOf("uaaps", {}, { predicateType: "x" }) }, /type "x"/],
    ["provenance signed by a person", item("uaaps", emailSigner()), /dev@acme\.example/],
    ["provenance signed with a managed key", item("uaaps", { kind: "key", keyId: "k" }), /signed with a key/],
    ["provenance signed with OpenPGP", item("uaaps", OPENPGP), /signed with a key/],
    ["provenance by a certificate without a repository", item("uaaps", githubSigner({ repository: undefined })), /confirm the repository/],
    ["provenance by a certificate without a commit", item("uaaps", githubSigner({ commit: undefined })), /confirm the commit/],
    [
      "provenance by a certificate without a ref",
      item("uaaps", githubSigner({ ref: undefined, buildConfig: undefined })),
      /confirm the ref/,
    ],
    ["provenance by a certificate without claims", item("uaaps", bare), /confirm the repository/],
    ["provenance that its certificate contradicts", item("uaaps", githubSigner({ commit: "0".repeat(40) })), /names the commit/],
    [
      "provenance that names no source",
      item("slsaV02", githubSigner(), { "invocation.configSource": undefined, materials: [] }),
      /does not name the repository/,
    ],
    [
      "provenance that names no commit",
      item("slsaV1", githubSigner(), { "buildDefinition.resolvedDependencies": [] }),
      /does not name the commit/,
    ],
    [
      "provenance of a build that anybody could have triggered",
      item("uaaps", githubSigner({ trigger: "pull_request_target" })),
      /pull_request_target/,
    ],
    [
      "provenance of npm's own, which the policy's builders leave out",
      item("slsaV02", githubSigner({ runner: undefined })),
      /npm\/cli@9\.4\.2/,
    ],
    [
      "provenance that claims another platform's builder",
      item("uaaps", githubSigner({ runner: undefined }), { "builder.id": "https://gitlab.com/a/-/runners/1" }),
      /builders do not include/,
    ],
  ])("%s is L1", (_what, verified, why) => {
    expect(levelOf([verified], (id) => RUNNER(id) || id.startsWith("https://gitlab.com/"))).toEqual({
      level: "L1",
      why: expect.stringMatching(why),
    });
  });

  test("a policy without builders knows no L2", () => {
    expect(levelOf([item("uaaps")], () => false)).toMatchObject({ level: "L1", why: expect.stringContaining("builders do not include") });
  });

  test("two halves do not make a whole: a signature and a person's provenance stay L1", () => {
    expect(levelOf([{ signer: githubSigner() }, item("uaaps", emailSigner())])).toMatchObject({
      level: "L1",
      why: expect.stringContaining("dev@acme.example"),
    });
  });

  test("nothing is L3 without a rebuild, whatever it says of itself", () => {
    expect(levelOf([item("uaaps", githubSigner(), { "metadata.reproducible": true })])).toEqual({
      level: "L2",
      why: expect.stringContaining("nobody has rebuilt it, though"),
    });
  });
});

describe("L2", () => {
  test.each(["uaaps", "slsaV1"] as const)("%s that its certificate confirms", (name) => {
    expect(levelOf([item(name)])).toEqual({ level: "L2", why: "nobody has rebuilt it" });
  });

  test("SLSA v0.2 of npm on a runner that the certificate shows", () => {
    expect(levelOf([item("slsaV02")])).toMatchObject({ level: "L2" });
  });

  test("PEP 740's publish and build attestations", () => {
    expect(levelOf([item("pypiPublish"), item("slsaV1")])).toMatchObject({ level: "L2" });
  });

  test("beside a weaker signature", () => {
    expect(levelOf([{ signer: OPENPGP }, item("uaaps", emailSigner()), item("uaaps")])).toMatchObject({ level: "L2" });
  });

  test("a workflow that is its own builder, by the runner that the certificate shows", () => {
    const builder = githubSigner().source.buildSigner ?? "";
    expect(levelOf([item("slsaV1", githubSigner(), { "runDetails.builder.id": builder })])).toMatchObject({ level: "L2" });
  });
});

describe("L3", () => {
  const PUBLISHED = parseDigest("a".repeat(64));
  const rebuild = (changes: Partial<Rebuild> = {}, source: Partial<Rebuild["source"]> = {}): Rebuild => ({
    source: { repository: REPOSITORY, commit: COMMIT, folder: "", ...source },
    builder: "assay pack",
    result: "identical",
    published: PUBLISHED,
    rebuilt: PUBLISHED,
    publishedListing: undefined,
    rebuiltListing: undefined,
    differences: [],
    differencesCount: 0,
    notes: [],
    ...changes,
  });
  const claiming = item("uaaps", githubSigner(), { "metadata.reproducible": true });
  const differing: Partial<Rebuild> = { result: "differs", rebuilt: parseDigest("b".repeat(64)), differencesCount: 2 };

  test.each<[string, VerifiedItem, Rebuild, RegExp]>([
    ["of another repository", claiming, rebuild({}, { repository: "https://github.com/evil/tool" }), /nobody has rebuilt it/],
    ["of another commit", claiming, rebuild({}, { commit: OTHER_COMMIT }), /nobody has rebuilt it/],
    ["that differs", claiming, rebuild(differing), /came to something else \(2 differences\)/],
    ["of the same files in another form", claiming, rebuild({ ...differing, result: "same-contents" }), /archive of other bytes/],
    ["that was only a comparison", claiming, rebuild({ ...differing, rebuilt: undefined }), /only compared with the files/],
    ["where the statement does not claim to be reproducible", item("uaaps"), rebuild(), /does not claim to be reproducible/],
  ])("is not reached by a rebuild %s", (_name, verified, made, why) => {
    expect(levelOf([verified], RUNNER, [made])).toEqual({ level: "L2", why: expect.stringMatching(why) });
  });

  test("is not reached by a rebuild without a provenance that counts", () => {
    expect(levelOf([{ signer: githubSigner() }], RUNNER, [rebuild()])).toMatchObject({ level: "L1" });
    expect(levelOf([claiming], () => false, [rebuild()])).toMatchObject({ level: "L1" });
    expect(levelOf([], RUNNER, [rebuild()])).toMatchObject({ level: "L0" });
  });

  test.each<[string, VerifiedItem]>([
    ["UAAPS provenance that claims to be reproducible", claiming],
    ["SLSA v1, which has no such claim", item("slsaV1")],
  ])("is reached by the same bytes from the source of %s", (_name, verified) => {
    const why = `a rebuild from ${REPOSITORY} at ${COMMIT.slice(0, 12)} came to the same bytes`;
    expect(levelOf([verified], RUNNER, [rebuild()])).toEqual({ level: "L3", why });
    expect(levelOf([verified], RUNNER, [rebuild(), rebuild(differing)])).toMatchObject({ level: "L3" });
  });
});
