import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ArtifactRef } from "../../src/core/artifact.ts";
import type { DecisionEntry } from "../../src/core/decision.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Index } from "../../src/core/ports/index-store.ts";
import { openExistingIndex } from "../../src/store/open-store.ts";
import { buildAam } from "../support/archives.ts";
import { changePolicy } from "../support/change-policy.ts";
import { publishTarball } from "../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../support/mirror-bench.ts";
import { emailName, type Loose, REPOSITORY, SigstoreInstance } from "../support/sigstore-instance.ts";
import { makeKey, makeSignature } from "../verify/openpgp/pgp-fixture.ts";

/*
 * The `security:` block of the AAM specification, key by key and value by value, against every kind of signature that an archive can have: what the client gets and
 * what the decision log says of it. One mirror for all of it, whose policy file is rewritten while it runs.
 */

const VERSION = "1.0.0";
const DAY_MS = 86_400_000;
const SLSA = "https://slsa.dev/provenance/v1";
const GOOGLE = "https://accounts.google.com";
const instance = new SigstoreInstance(Date.now() - DAY_MS);

let upstream: FakeUpstream;
let mirror: MirrorBench;
let index: Index;
let fingerprint: string;
const folder = mkdtempSync(join(tmpdir(), "assay-security-"));
const policyFile = join(folder, "policy.yaml");
const keysFile = join(folder, "packager.asc");

const sha = (algorithm: string, bytes: Buffer): string => createHash(algorithm).update(bytes).digest("hex");

function person(address: string, issuer = GOOGLE) {
  return { leaf: { names: [emailName(address)], claims: { 1: issuer, 8: issuer } } };
}

function statement(name: string, digest: Readonly<Record<string, string>>): JsonObject {
  const ref = "refs/tags/v1.0.0";
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name, digest }],
    predicateType: SLSA,
    predicate: {
      buildDefinition: {
        buildType: "https://actions.github.io/buildtypes/workflow/v1",
        externalParameters: { workflow: { ref, repository: REPOSITORY, path: ".github/workflows/release.yml" } },
        resolvedDependencies: [{ uri: `git+${REPOSITORY}@${ref}`, digest: { gitCommit: "a".repeat(40) } }],
      },
      runDetails: { builder: { id: "https://github.com/actions/runner/github-hosted" } },
    },
  };
}

/** What the registry says is signed for an archive, by the package that has it so; undefined where it answers 500. */
const SIGNED: Readonly<Record<string, (bytes: Buffer, name: string) => Promise<Loose> | Loose>> = {
  trusted: (bytes) => ({ signatures: [{ type: "sigstore", bundle: instance.signMessage(bytes, person("ann@myorg.com")) }] }),
  attested: (bytes, name) => {
    const bundle = instance.signStatement(statement(`${name}-${VERSION}.aam`, { sha256: sha("sha256", bytes) }));
    return { attestations: [{ predicateType: SLSA, bundle }] };
  },
  pgp: async (bytes) => ({ signatures: [{ type: "gpg", signature: await pgpSignature(bytes) }] }),
  untrusted: (bytes) => ({ signatures: [{ type: "sigstore", bundle: instance.signMessage(bytes, person("eve@elsewhere.com")) }] }),
  "foreign-issuer": (bytes) => ({
    signatures: [{ type: "sigstore", bundle: instance.signMessage(bytes, person("ann@myorg.com", "https://idp.elsewhere.com")) }],
  }),
  invalid: (bytes) => ({
    signatures: [{ type: "sigstore", bundle: instance.signMessage(Buffer.concat([bytes, bytes]), person("ann@myorg.com")) }],
  }),
  unsigned: () => ({ signatures: [] }),
  unavailable: () => undefined,
};

const key = makeKey({ date: new Date(Date.now() - 100 * DAY_MS) });
async function pgpSignature(bytes: Buffer): Promise<string> {
  return (await makeSignature({ keys: [await key], bytes, date: Date.now() - DAY_MS })).toString("utf8");
}

beforeAll(async () => {
  upstream = await startFakeUpstream();
  writeFileSync(policyFile, "version: 1\n");
  const { public: packager } = await key;
  fingerprint = packager.getFingerprint();
  writeFileSync(keysFile, packager.armor());
  for (const [signing, signed] of Object.entries(SIGNED)) await publishAam(signing, signed);
  mirror = await startMirror({
    publicRoot: JSON.stringify(instance.trustedRoot()),
    config: `
policy: ${policyFile}
metadata_ttl: 1h
limits: {verify_bundle: 15s}
repositories:
  - {name: aam, ecosystem: aam, upstreams: [{url: "${upstream.origin}/aam/", retries: 0}]}
  - {name: npm, ecosystem: npm, upstreams: [{url: "${upstream.origin}/npm/", retries: 0}]}
`,
  });
  index = await openExistingIndex({ dataDir: mirror.dataDir, clock: { now: Date.now } });
});
afterAll(async () => {
  await index?.close();
  await mirror?.close();
  await upstream?.close();
  rmSync(folder, { recursive: true });
});

async function publishAam(name: string, signed: (bytes: Buffer, name: string) => Loose): Promise<void> {
  const { bytes } = buildAam({ name, version: VERSION });
  const integrity = `sha256-${createHash("sha256").update(bytes).digest("base64")}`;
  const json = (body: unknown) => ({ contentType: "application/json", body: JSON.stringify(body) });
  upstream.serve(
    `/aam/packages/${name}`,
    json({ name, versions: { [VERSION]: { version: VERSION, integrity } }, "dist-tags": { latest: VERSION } }),
  );
  upstream.serve(`/aam/packages/${name}/${VERSION}/tarball`, { body: bytes });
  const answer = await signed(bytes, name);
  if (answer === undefined) upstream.fault(`/aam/packages/${name}/${VERSION}/signature`, { kind: "status", status: 500 });
  else upstream.serve(`/aam/packages/${name}/${VERSION}/signature`, json(answer));
}

/** The policy of a row: its block, beside what every policy here knows. */
function policyOf(block: string, mode = "enforce"): string {
  return `version: 1
mode: ${mode}
builders: {L2: ["https://github.com/actions/**"]}
signers: {packager: {gpg: ["${fingerprint}"], keys: ${keysFile}}}
security: {${block.replaceAll("FINGERPRINT", fingerprint)}}
`;
}

interface Place {
  readonly path: string;
  readonly ref: ArtifactRef;
}

function aamPlace(name: string): Place {
  const ref = { repository: "aam", ecosystem: "aam", name, version: VERSION, file: `${name}-${VERSION}.aam` } as const;
  return { path: `/aam/packages/${name}/${VERSION}/tarball`, ref };
}

function npmPlace(name: string): Place {
  const ref = { repository: "npm", ecosystem: "npm", name, version: VERSION, file: `${name}-${VERSION}.tgz` } as const;
  return { path: `/npm/${name}/-/${ref.file}`, ref };
}

/** Asks for an archive, and holds what the client got and what was logged of it to `expected`: `admit`, `admit CODE…`, `refuse CODE…` or `undecided`. */
async function expectToBe(expected: string, { path, ref }: Place): Promise<DecisionEntry> {
  const [outcome, ...codes] = expected.split(" ");
  const response = await mirror.get(path, { headers: { "User-Agent": "security-test/1" } });
  const body = Buffer.from(await response.arrayBuffer());
  switch (outcome) {
    case "admit": {
      expect(response.status).toBe(200);
      const warning = response.headers.get("x-assay-warning") ?? "";
      expect([...warning.matchAll(/(?:^|; )([A-Z_]+): /g)].map(([, code]) => code)).toEqual(codes);
      break;
    }
    case "refuse":
      expect(response.status).toBe(403);
      expect(codeIn(body)).toBe(codes[0]);
      break;
    default:
      expect(response.status).toBe(503);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  }
  expect((await mirror.get(path, { method: "HEAD" })).status).toBe(response.status);

  const entry = await index.newestDecision(ref);
  if (!entry) throw new Error("nothing was logged");
  expect(entry).toMatchObject({
    outcome: outcome === "admit" && codes.length > 0 ? "admit-with-warnings" : outcome,
    asker: { kind: "client", address: "127.0.0.1" },
    repository: ref.repository,
    digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    policy: { file: policyFile, revision: revisionInForce(), rule: "defaults" },
  });
  expect([...entry.reasons, ...entry.warnings].map(({ code }) => code)).toEqual(codes);
  return entry;
}

/** The reason that a refusal names: in AAM's error object, or in a problem document. */
function codeIn(body: Buffer): string {
  const { code, error } = JSON.parse(body.toString()) as { code?: string; error?: { reason?: string } };
  return String(code ?? error?.reason);
}

function revisionInForce(): unknown {
  return mirror.logged.findLast(({ message }) => message.startsWith("the policy changed"))?.["revision"];
}

interface Row {
  readonly block: string;
  readonly trusted: string;
  readonly untrusted: string;
  readonly invalid: string;
  readonly unsigned: string;
  /** Where left out: as `trusted`, a workflow with provenance (L2), and an OpenPGP key. */
  readonly attested?: string;
  readonly pgp?: string;
  /** A trusted name that another identity provider vouches for; where left out as `untrusted`. */
  readonly foreignIssuer?: string;
}

const TRUSTED = 'trusted_identities: ["*@myorg.com", "https://github.com/acme/**"], trusted_keys: ["FINGERPRINT"]';
/** A good signature by a trusted identity, over another archive. It is refused whatever the block says. */
const forged = "refuse SUBJECT_MISMATCH";
const forgedForNone = "refuse SUBJECT_MISMATCH SIGNATURE_MISSING";
const forgedTooLow = "refuse SUBJECT_MISMATCH PROVENANCE_TOO_LOW";
const unsigned = "refuse SIGNATURE_MISSING";
const foreign = "refuse SIGNER_UNTRUSTED";
const foreignWarned = "admit SIGNER_UNTRUSTED";
const low = "refuse PROVENANCE_TOO_LOW";
const lowWarned = "admit PROVENANCE_TOO_LOW";
const lowAndForeign = "admit SIGNER_UNTRUSTED PROVENANCE_TOO_LOW";
const admit = "admit";

const ANYBODY = { trusted: admit, untrusted: admit };
const NOT_REQUIRED = { trusted: admit, untrusted: foreignWarned, invalid: forged, unsigned: admit };
const REQUIRED = { trusted: admit, untrusted: foreign, invalid: forgedForNone, unsigned };
const ALL_TOO_LOW = { trusted: low, untrusted: low, invalid: forgedTooLow, unsigned: low };

const rows: readonly Row[] = [
  { block: "require_checksum: true", ...ANYBODY, invalid: forged, unsigned: admit },
  { block: "verify_transparency_log: true", ...ANYBODY, invalid: forged, unsigned: admit },
  { block: "require_signature: false", ...ANYBODY, invalid: forged, unsigned: admit },
  // Nobody is named, so anybody's signature will do.
  { block: "require_signature: true", ...ANYBODY, invalid: forgedForNone, unsigned },
  { block: `require_signature: false, ${TRUSTED}`, ...NOT_REQUIRED },
  { block: `require_signature: false, on_signature_failure: ignore, ${TRUSTED}`, ...NOT_REQUIRED },
  { block: `require_signature: false, on_signature_failure: warn, ${TRUSTED}`, ...NOT_REQUIRED },
  { block: `require_signature: false, on_signature_failure: error, ${TRUSTED}`, ...NOT_REQUIRED },
  { block: `require_signature: true, ${TRUSTED}`, ...REQUIRED },
  { block: `require_signature: true, on_signature_failure: error, ${TRUSTED}`, ...REQUIRED },
  {
    block: `require_signature: true, on_signature_failure: warn, ${TRUSTED}`,
    trusted: admit,
    untrusted: foreignWarned,
    invalid: forged,
    unsigned: "admit SIGNATURE_MISSING",
  },
  { block: `require_signature: true, on_signature_failure: ignore, ${TRUSTED}`, ...ANYBODY, invalid: forged, unsigned: admit },
  { block: 'require_signature: true, trusted_identities: ["*@myorg.com"]', ...REQUIRED, attested: foreign, pgp: foreign },
  {
    block: 'require_signature: true, trusted_identities: ["https://github.com/acme/**"]',
    ...REQUIRED,
    trusted: foreign,
    attested: admit,
    pgp: foreign,
  },
  { block: 'require_signature: true, trusted_keys: ["FINGERPRINT"]', ...REQUIRED, trusted: foreign, pgp: admit },
  {
    block: 'require_signature: true, trusted_identities: ["*@myorg.com"], trusted_issuers: ["https://idp.elsewhere.com"]',
    ...REQUIRED,
    trusted: foreign,
    foreignIssuer: admit,
  },
  {
    block: 'require_signature: true, trusted_identities: ["*@myorg.com"], allowed_issuers: ["https://idp.elsewhere.com"]',
    ...REQUIRED,
    trusted: foreign,
    foreignIssuer: admit,
  },
  { block: `require_provenance: L0, ${TRUSTED}`, ...NOT_REQUIRED },
  // A signer who is not trusted makes no level.
  { block: `require_provenance: L1, ${TRUSTED}`, ...ALL_TOO_LOW, trusted: admit },
  { block: `require_provenance: L2, ${TRUSTED}`, ...ALL_TOO_LOW, attested: admit, pgp: low },
  { block: `require_provenance: L3, ${TRUSTED}`, ...ALL_TOO_LOW },
  { block: `require_provenance: L1, on_provenance_failure: error, ${TRUSTED}`, ...ALL_TOO_LOW, trusted: admit },
  { block: `require_provenance: L2, on_provenance_failure: error, ${TRUSTED}`, ...ALL_TOO_LOW, attested: admit },
  {
    block: `require_provenance: L1, on_provenance_failure: warn, ${TRUSTED}`,
    trusted: admit,
    untrusted: lowAndForeign,
    invalid: forged,
    unsigned: lowWarned,
  },
  {
    block: `require_provenance: L2, on_provenance_failure: warn, ${TRUSTED}`,
    trusted: lowWarned,
    attested: admit,
    untrusted: lowAndForeign,
    invalid: forged,
    unsigned: lowWarned,
  },
  { block: `require_provenance: L2, on_provenance_failure: ignore, ${TRUSTED}`, ...NOT_REQUIRED },
  { block: `on_unsigned: allow, ${TRUSTED}`, ...NOT_REQUIRED },
  { block: `on_unsigned: warn, ${TRUSTED}`, ...NOT_REQUIRED, unsigned: "admit SIGNATURE_MISSING" },
  { block: `on_unsigned: error, ${TRUSTED}`, ...NOT_REQUIRED, invalid: forgedForNone, unsigned },
  { block: `require_signature: true, on_unsigned: allow, ${TRUSTED}`, ...REQUIRED, invalid: forged, unsigned: admit },
  { block: `require_signature: true, on_unsigned: error, on_signature_failure: ignore, ${TRUSTED}`, ...REQUIRED, untrusted: admit },
  { block: `on_untrusted_signer: allow, ${TRUSTED}`, ...NOT_REQUIRED, untrusted: admit },
  { block: `on_untrusted_signer: warn, ${TRUSTED}`, ...NOT_REQUIRED },
  { block: `on_untrusted_signer: error, ${TRUSTED}`, ...NOT_REQUIRED, untrusted: foreign },
  { block: `require_signature: true, signature: {accepted_types: [sigstore]}, ${TRUSTED}`, ...REQUIRED, pgp: unsigned },
  {
    block: `require_signature: true, signature: {accepted_types: [gpg]}, ${TRUSTED}`,
    ...REQUIRED,
    trusted: unsigned,
    pgp: admit,
    untrusted: unsigned,
  },
  {
    block: 'require_signature: true, signature: {trusted_sigstore_identities: ["*@myorg.com"]}',
    ...REQUIRED,
    attested: foreign,
    pgp: foreign,
  },
  { block: 'require_signature: true, signature: {trusted_gpg_keys: ["FINGERPRINT"]}', ...REQUIRED, trusted: foreign, pgp: admit },
  // None of them has a registry's own signature.
  { block: `require_registry_attestation: true, ${TRUSTED}`, trusted: unsigned, untrusted: unsigned, invalid: forgedForNone, unsigned },
];

describe.each(rows)("security: {$block}", ({ block, ...row }) => {
  beforeAll(() => changePolicy(mirror, policyFile, policyOf(block)));

  test.each([
    { signed: "invalid", expected: row.invalid },
    { signed: "unsigned", expected: row.unsigned },
    { signed: "untrusted", expected: row.untrusted },
    { signed: "foreign-issuer", expected: row.foreignIssuer ?? row.untrusted },
    { signed: "unavailable", expected: "undecided" },
    { signed: "trusted", expected: row.trusted },
    { signed: "attested", expected: row.attested ?? row.trusted },
    { signed: "pgp", expected: row.pgp ?? row.trusted },
  ])("$signed: $expected", async ({ signed, expected }) => {
    await expectToBe(expected, aamPlace(signed));
  });
});

describe("what the log says of the signatures", () => {
  beforeAll(() => changePolicy(mirror, policyFile, policyOf(`require_signature: true, ${TRUSTED}`)));
  const root = (): string => createHash("sha256").update(JSON.stringify(instance.trustedRoot())).digest("hex");

  test.each([
    {
      signed: "trusted",
      verifier: "sigstore",
      expected: "admit",
      found: { outcome: "pass", signer: "ann@myorg.com (https://accounts.google.com)" },
    },
    {
      signed: "attested",
      verifier: "sigstore",
      expected: "admit",
      found: { outcome: "pass", signer: expect.stringContaining(REPOSITORY), label: "attestation 1" },
    },
    {
      signed: "untrusted",
      verifier: "sigstore",
      expected: foreign,
      found: { outcome: "pass", signer: "eve@elsewhere.com (https://accounts.google.com)" },
    },
    { signed: "invalid", verifier: "sigstore", expected: forgedForNone, found: { outcome: "invalid", code: "SUBJECT_MISMATCH" } },
    { signed: "unsigned", verifier: "sigstore", expected: unsigned, found: { outcome: "absent" } },
    { signed: "unavailable", verifier: "sigstore", expected: "undecided", found: { outcome: "unavailable" } },
    {
      signed: "pgp",
      verifier: "openpgp",
      expected: "admit",
      found: { outcome: "pass", signer: expect.stringMatching(/^the OpenPGP key [0-9a-f]{40}$/) },
    },
  ])("$signed", async ({ signed, verifier, expected, found }) => {
    const { evidence, trustRoots } = await expectToBe(expected, aamPlace(signed));
    expect(evidence.filter((one) => one.verifier === verifier)).toMatchObject([found]);
    const isUnderRoot = verifier === "sigstore" && found.outcome === "pass";
    expect(trustRoots).toEqual(isUnderRoot ? [root()] : []);
  });

  test("and why nothing could be decided", async () => {
    const { detail } = await expectToBe("undecided", aamPlace("unavailable"));
    expect(detail).toMatch(/signatures of unavailable@1\.0\.0.*500/);
  });
});

describe("in audit mode", () => {
  beforeAll(() => changePolicy(mirror, policyFile, policyOf(`require_signature: true, ${TRUSTED}`, "audit")));

  test.each([
    { signed: "invalid", expected: "admit SUBJECT_MISMATCH SIGNATURE_MISSING", wouldRefuse: true },
    { signed: "unsigned", expected: "admit SIGNATURE_MISSING", wouldRefuse: true },
    { signed: "untrusted", expected: foreignWarned, wouldRefuse: true },
    { signed: "unavailable", expected: "admit EVIDENCE_UNAVAILABLE SIGNATURE_MISSING", wouldRefuse: true },
    { signed: "trusted", expected: admit, wouldRefuse: false },
  ])("$signed is served, and the log says what enforcing would do: $wouldRefuse", async ({ signed, expected, wouldRefuse }) => {
    const entry = await expectToBe(expected, aamPlace(signed));
    expect(entry.wouldRefuse).toBe(wouldRefuse);
    expect(entry.warnings.every(({ setAside }) => setAside === "audit")).toBe(true);
  });
});

describe("the same block over npm packages with attestations", () => {
  beforeAll(() => {
    for (const signed of ["trusted", "untrusted", "invalid", "unsigned", "unavailable"]) publishNpm(signed);
  });

  test.each([
    { block: `require_signature: true, ${TRUSTED}`, ...REQUIRED },
    { block: `require_provenance: L2, on_provenance_failure: error, ${TRUSTED}`, ...ALL_TOO_LOW, trusted: admit },
    {
      block: `on_signature_failure: warn, require_signature: true, ${TRUSTED}`,
      trusted: admit,
      untrusted: foreignWarned,
      invalid: forged,
      unsigned: "admit SIGNATURE_MISSING",
    },
  ])("security: {$block}", async ({ block, ...row }) => {
    await changePolicy(mirror, policyFile, policyOf(block));
    await expectToBe(row.invalid, npmPlace("invalid"));
    await expectToBe(row.unsigned, npmPlace("unsigned"));
    await expectToBe(row.untrusted, npmPlace("untrusted"));
    await expectToBe("undecided", npmPlace("unavailable"));
    await expectToBe(row.trusted, npmPlace("trusted"));
  });
});

function publishNpm(name: string): void {
  const attestations = upstream.url(`/npm/-/npm/v1/attestations/${name}@${VERSION}`);
  const isSigned = name !== "unsigned";
  const dist = isSigned ? { attestations: { url: attestations.href, provenance: { predicateType: SLSA } } } : {};
  const { bytes } = publishTarball(upstream, { name, dist });
  if (name === "unavailable") upstream.fault(attestations.pathname, { kind: "status", status: 500 });
  const signed = statement(`pkg:npm/${name}@${VERSION}`, {
    sha512: sha("sha512", name === "invalid" ? Buffer.from("another archive") : bytes),
  });
  const bundle = name === "untrusted" ? instance.signStatement(signed, person("eve@elsewhere.com")) : instance.signStatement(signed);
  if (isSigned)
    upstream.serve(attestations.pathname, {
      contentType: "application/json",
      body: JSON.stringify({ attestations: [{ predicateType: SLSA, bundle }] }),
    });
}
