import { createHash } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import { AssayError } from "../../src/core/errors.ts";
import type { Outcome } from "../../src/core/evidence.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { DEFAULT_LIMITS } from "../../src/core/limits.ts";
import type { SignedItem } from "../../src/core/ports/ecosystem.ts";
import type { RegistryKey } from "../../src/verify/registry-signature/registry-keys.ts";
import { SigstoreVerifier, type SigstoreVerifierOptions } from "../../src/verify/sigstore.ts";
import { describeVerifier } from "../contract/verifier.ts";
import { type CandidateOptions, makeCandidate, SILENT_LOG } from "../support/candidate.ts";
import { keySource } from "../support/key-source.ts";
import { ecKeys, type Loose, REPOSITORY, type SignOptions, SigstoreInstance } from "../support/sigstore-instance.ts";

const FILE = "demo-1.0-py3-none-any.whl";
const BYTES = Buffer.from("the bytes of an archive");
const COMMIT = "a".repeat(40);
const PUBLISH = "https://docs.pypi.org/attestations/publish/v1";
const SLSA = "https://slsa.dev/provenance/v1";

const instance = new SigstoreInstance();
const root = instance.trustRoot("private");
const registry = ecKeys();
const registryKey: RegistryKey = {
  keyId: "SHA256:registry",
  key: registry.publicKey,
  usage: "npm:attestations",
  validFrom: undefined,
  validUntil: undefined,
};

const open: SigstoreVerifier[] = [];
afterAll(() => Promise.all(open.splice(0).map((verifier) => verifier.close())));

function verifierWith(options: Partial<SigstoreVerifierOptions> = {}): SigstoreVerifier {
  // The default of two seconds is for a machine that does not run a whole test suite beside it.
  const limits = { ...DEFAULT_LIMITS, verifyBundleSeconds: 15 };
  const roots = new Map([["private", root]]);
  const verifier = new SigstoreVerifier({ roots, limits, log: SILENT_LOG, managedKeys: () => [], registryKeys: keySource(), ...options });
  open.push(verifier);
  return verifier;
}
const verifier = verifierWith();

async function verify(options: Partial<CandidateOptions>, by = verifier): Promise<readonly Outcome[]> {
  const { candidate, remove } = makeCandidate({ bytes: BYTES, trust: "private", ...options });
  try {
    return await by.verify(candidate);
  } finally {
    remove();
  }
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

interface StatementChanges {
  readonly name?: string;
  readonly bytes?: Buffer;
  readonly predicateType?: string;
  readonly predicate?: JsonObject | null;
}

function statementOf({ name = FILE, bytes = BYTES, predicateType = PUBLISH, predicate = null }: StatementChanges = {}): JsonObject {
  return { _type: "https://in-toto.io/Statement/v1", subject: [{ name, digest: { sha256: sha256(bytes) } }], predicateType, predicate };
}

function provenance(repository = REPOSITORY): JsonObject {
  const ref = "refs/tags/v1.0.0";
  return {
    buildDefinition: {
      buildType: "https://actions.github.io/buildtypes/workflow/v1",
      externalParameters: { workflow: { ref, repository, path: ".github/workflows/release.yml" } },
      resolvedDependencies: [{ uri: `git+${repository}@${ref}`, digest: { gitCommit: COMMIT } }],
    },
    runDetails: { builder: { id: "https://github.com/actions/runner/github-hosted" } },
  };
}

function itemOf(bundle: Loose, label = "attestation 1"): SignedItem {
  return { kind: "sigstore", label, bundle: Buffer.from(JSON.stringify(bundle)) };
}

function signed(changes: StatementChanges = {}, options: SignOptions = {}): SignedItem {
  return itemOf(instance.signStatement(statementOf(changes), options));
}

const good = signed();

describeVerifier("the sigstore verifier", {
  make: verifierWith,
  good: { bytes: BYTES, trust: "private", items: [good, signed({ predicateType: SLSA, predicate: provenance() })] },
  bad: { bytes: BYTES, trust: "private", items: [signed({ bytes: Buffer.from("other") })] },
});

test.each<{ attack: string; items: SignedItem[]; code: string }>([
  { attack: "a bundle about another archive", items: [signed({ bytes: Buffer.from("other") })], code: "SUBJECT_MISMATCH" },
  { attack: "the right bytes under another archive's name", items: [signed({ name: "other-1.0.tar.gz" })], code: "SUBJECT_MISMATCH" },
  {
    attack: "a signature over another archive's bytes",
    items: [itemOf(instance.signMessage(Buffer.from("other")))],
    code: "SUBJECT_MISMATCH",
  },
  { attack: "a predicate that nobody knows", items: [signed({ predicateType: "https://evil.example/v1" })], code: "PREDICATE_UNSUPPORTED" },
  { attack: "a provenance with nothing in it", items: [signed({ predicateType: SLSA, predicate: {} })], code: "PREDICATE_MALFORMED" },
  {
    attack: "a provenance that names another repository than its certificate",
    items: [signed({ predicateType: SLSA, predicate: provenance("https://github.com/acme/other") })],
    code: "PREDICATE_MISMATCH",
  },
  {
    attack: "a bundle of another instance",
    items: [itemOf(new SigstoreInstance().signStatement(statementOf()))],
    code: "LOG_ENTRY_UNTRUSTED",
  },
  { attack: "no bundle", items: [itemOf("hello")], code: "BUNDLE_MALFORMED" },
  { attack: "a key that nobody named", items: [signed({}, { managedKey: registry })], code: "KEY_UNKNOWN" },
])("$attack: $code", async ({ items, code }) => {
  expect(await verify({ items })).toMatchObject([{ kind: "invalid", code, label: "attestation 1" }]);
});

test("the root is the one that the upstream is bound to, and the public one where it is bound to none", async () => {
  expect(await verify({ items: [good], trust: "public" })).toMatchObject([
    { kind: "unavailable", detail: expect.stringContaining("public") },
  ]);
  const other = verifierWith({ roots: new Map([["public", new SigstoreInstance().trustRoot("public")]]) });
  // No `trust` on the upstream means the public root, not any root that fits.
  const { candidate, remove } = makeCandidate({ bytes: BYTES, items: [good] });
  expect(await other.verify(candidate)).toMatchObject([{ kind: "invalid", code: "LOG_ENTRY_UNTRUSTED" }]);
  remove();
});

test("one bad bundle beside good ones is told, and does not hide them", async () => {
  const spoiled = structuredClone(JSON.parse(good.kind === "sigstore" ? good.bundle.toString() : ""));
  spoiled.dsseEnvelope.signatures[0].sig = Buffer.alloc(70).toString("base64");
  const outcomes = await verify({ items: [{ ...good, label: "1" }, itemOf(spoiled, "2"), { ...good, label: "3" }] });
  expect(outcomes.map(({ kind, label }) => [kind, label])).toEqual([
    ["pass", "1"],
    ["invalid", "2"],
    ["pass", "3"],
  ]);
});

test("what the ecosystem has against a signed document is invalid", async () => {
  const finding = { code: "PUBLISHER_MISMATCH", detail: "the index names another publisher" } as const;
  expect(await verify({ items: [good], checkSigned: () => finding })).toEqual([{ kind: "invalid", label: "attestation 1", ...finding }]);
});

test("a statement passes with its signer and what a policy asks about it", async () => {
  const [outcome] = await verify({ items: [signed({ predicateType: SLSA, predicate: provenance() })] });
  expect(outcome).toMatchObject({
    kind: "pass",
    label: "attestation 1",
    signer: { kind: "sigstore", trust: "private", source: { repository: REPOSITORY } },
    statement: { predicateType: SLSA, subjects: [{ name: FILE, digest: { sha256: sha256(BYTES) } }] },
    claims: { signed_at: instance.now, log_index: expect.any(Number), trust_root_sha256: root.sha256, predicate_type: SLSA },
  });
});

test("a signature over the bytes passes without a statement", async () => {
  const [outcome] = await verify({ items: [itemOf(instance.signMessage(BYTES))] });
  expect(outcome).toMatchObject({ kind: "pass", signer: { kind: "sigstore" }, claims: { trust_root_sha256: root.sha256 } });
  expect(outcome).not.toHaveProperty("statement");
});

describe("bundles that a registry's key signed", () => {
  const byKey = signed({}, { managedKey: registry, hint: registryKey.keyId });
  const passes = [{ kind: "pass", signer: { kind: "key", keyId: registryKey.keyId } }];
  const keyed = (changes: Partial<RegistryKey>) => verifierWith({ registryKeys: keySource(async () => [{ ...registryKey, ...changes }]) });
  const invalid = (code: string) => [{ kind: "invalid", code }];

  test.each<{ name: string; by: SigstoreVerifier; outcome: object }>([
    { name: "under another key's id", by: keyed({ keyId: "SHA256:other" }), outcome: invalid("KEY_UNKNOWN") },
    { name: "by a key under that id that is another one", by: keyed({ key: ecKeys().publicKey }), outcome: invalid("KEY_UNKNOWN") },
    { name: "by a key for signatures alone", by: keyed({ usage: "npm:signatures" }), outcome: invalid("KEY_UNKNOWN") },
    { name: "at the very end of its key", by: keyed({ validUntil: instance.now }), outcome: invalid("KEY_EXPIRED") },
    { name: "before its key began", by: keyed({ validFrom: instance.now + 1 }), outcome: invalid("KEY_EXPIRED") },
    { name: "just before the end of its key", by: keyed({ validUntil: instance.now + 1 }), outcome: passes },
    { name: "by a key that does not say what it is for", by: keyed({ usage: undefined }), outcome: passes },
  ])("$name", async ({ by, outcome }) => {
    expect(await verify({ items: [byKey] }, by)).toMatchObject(outcome);
  });

  test("where the keys cannot be had, nothing is known about it, and a certificate's bundle beside it still counts", async () => {
    const asked: string[] = [];
    const by = verifierWith({
      registryKeys: keySource(async (repository, upstream) => {
        asked.push(`${repository} ${upstream.id}`);
        throw new AssayError("UPSTREAM_TIMEOUT", "it took too long");
      }),
    });
    expect(await verify({ items: [good] }, by)).toMatchObject([{ kind: "pass" }]);
    expect(asked).toEqual([]);
    expect(await verify({ items: [byKey, good] }, by)).toMatchObject([
      { kind: "unavailable", detail: expect.stringContaining("it took too long") },
      { kind: "pass" },
    ]);
    expect(asked).toEqual(["pypi pypi#0"]);
  });

  test("keys that the operator's own file should give are an error, not a finding about the archive", async () => {
    const broken = new AssayError("CONFIG_INVALID", "no such file");
    const by = verifierWith({ registryKeys: keySource(() => Promise.reject(broken)) });
    await expect(verify({ items: [byKey] }, by)).rejects.toBe(broken);
  });
});

describe("places without items", () => {
  const LABEL = "the provenance of demo";
  test.each<{ name: string; published: NonNullable<CandidateOptions["published"]>; outcomes: readonly Outcome[] }>([
    { name: "no place at all", published: [], outcomes: [{ kind: "absent" }] },
    { name: "a place that has none", published: [{ label: LABEL, kind: "absent" }], outcomes: [{ kind: "absent" }] },
    { name: "an empty list", published: [{ label: LABEL, kind: "published", items: [] }], outcomes: [{ kind: "absent" }] },
    {
      name: "items for other verifiers only",
      published: [{ label: LABEL, kind: "published", items: [{ kind: "openpgp", label: "demo.asc", signature: Buffer.from("x") }] }],
      outcomes: [{ kind: "absent" }],
    },
    {
      name: "a place that could not be asked",
      published: [{ label: LABEL, kind: "unavailable", detail: "503" }],
      outcomes: [{ kind: "unavailable", label: LABEL, detail: "503" }],
    },
    {
      name: "a place that answered something else",
      published: [{ label: LABEL, kind: "malformed", detail: "not JSON" }],
      outcomes: [{ kind: "invalid", code: "BUNDLE_MALFORMED", label: LABEL, detail: "not JSON" }],
    },
    {
      name: "a document that cannot be checked",
      published: [{ label: LABEL, kind: "malformed", code: "BUNDLE_UNSUPPORTED", detail: "version 9" }],
      outcomes: [{ kind: "invalid", code: "BUNDLE_UNSUPPORTED", label: LABEL, detail: "version 9" }],
    },
  ])("$name", async ({ published, outcomes }) => {
    expect(await verify({ published })).toEqual(outcomes);
  });

  test("one that could not be asked is not made good by another that has a good bundle", async () => {
    const published = [
      { label: "a", kind: "published", items: [good] },
      { label: "b", kind: "unavailable", detail: "503" },
    ] as const;
    expect((await verify({ published })).map(({ kind }) => kind).sort()).toEqual(["pass", "unavailable"]);
  });
});

test.each(["(.*)*!", "(.+)+!", "((.*)*)*!"])("a checkpoint signed by %s is refused in under a second, while others pass", async (name) => {
  await Promise.all([verify({ items: [good] }), verify({ items: [good] })]);
  const crafted = instance.signStatement(statementOf());
  const proof = crafted.verificationMaterial.tlogEntries[0].inclusionProof;
  proof.checkpoint.envelope = proof.checkpoint.envelope.replace("\u2014 rekor.example", `\u2014 ${name}`);
  let turns = 0;
  const turning = setInterval(() => turns++, 1);
  const start = performance.now();
  const [refused, ...others] = await Promise.all([
    verify({ items: Array.from({ length: 4 }, () => itemOf(crafted)) }),
    ...Array.from({ length: 8 }, () => verify({ items: [good] })),
  ]);
  clearInterval(turning);
  expect(performance.now() - start).toBeLessThan(1000);
  expect(refused).toMatchObject(Array.from({ length: 4 }, () => ({ kind: "invalid", code: "LOG_ENTRY_INVALID" })));
  expect(others.flat().map(({ kind }) => kind)).toEqual(Array.from({ length: 8 }, () => "pass"));
  expect(turns).toBeGreaterThan(5);
});

test("a bundle that runs out of time refuses its own archive and nothing else", async () => {
  const hasty = verifierWith({ limits: { ...DEFAULT_LIMITS, verifyBundleSeconds: 0.001 } });
  expect(await verify({ items: [good] }, hasty)).toMatchObject([{ kind: "invalid", code: "BUNDLE_LIMIT" }]);
  expect(await verify({ items: [good] })).toMatchObject([{ kind: "pass" }]);
});
