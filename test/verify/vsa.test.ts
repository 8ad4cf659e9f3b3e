import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import { parseDigest } from "../../src/core/digest.ts";
import { AssayError } from "../../src/core/errors.ts";
import type { Outcome } from "../../src/core/evidence.ts";
import { keyIdOf } from "../../src/core/key-id.ts";
import type { SignedItem } from "../../src/core/ports/ecosystem.ts";
import { type AdmittedArchive, makeVsa } from "../../src/verify/vsa/make-vsa.ts";
import { type VsaOptions, VsaVerifier } from "../../src/verify/vsa.ts";
import { describeVerifier } from "../contract/verifier.ts";
import { buildWheel } from "../support/archives.ts";
import { type CandidateOptions, makeCandidate, NO_OTHER_MIRROR } from "../support/candidate.ts";

const NOW = Date.UTC(2026, 5, 1);
const WHEEL = buildWheel({ name: "demo", version: "1.0" }).bytes;
const FILE = "demo-1.0-py3-none-any.whl";

const [hq, other] = [keyPair(), keyPair()];

function keyPair() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const keyId = keyIdOf(publicKey);
  return { keyId, key: publicKey, signing: { keyId, sign: (bytes: Uint8Array) => sign(null, bytes, privateKey) } };
}

function vsa(changes: Partial<AdmittedArchive> = {}, by = hq): Buffer {
  const archive: AdmittedArchive = {
    purl: `pkg:pypi/demo@1.0?file_name=${FILE}`,
    file: FILE,
    digests: { sha256: createHash("sha256").update(WHEEL).digest("hex") },
    verifiedAt: NOW,
    level: "L2",
    verifierId: "https://assay.example/hq/",
    policySha256: "ef".repeat(32),
    ...changes,
  };
  return makeVsa(archive, by.signing);
}

const itemOf = (envelope: Buffer): SignedItem => ({ kind: "vsa", label: "registry attestation 1", envelope });

function verifierOf(options: Partial<VsaOptions> = {}): VsaVerifier {
  const mirrorKeys = { ids: () => new Set([hq.keyId]), keys: async () => [hq] };
  return new VsaVerifier({ ...NO_OTHER_MIRROR, mirrorKeys, clock: { now: () => NOW }, ...options });
}

const removals: (() => void)[] = [];
afterAll(() => removals.forEach((remove) => void remove()));

function verify(candidateOptions: Partial<CandidateOptions>, options: Partial<VsaOptions> = {}) {
  const { candidate, remove } = makeCandidate({ bytes: WHEEL, ...candidateOptions });
  removals.push(remove);
  return verifierOf(options).verify(candidate);
}

describeVerifier("the vsa verifier", {
  make: () => verifierOf(),
  good: { bytes: WHEEL, items: [itemOf(vsa())] },
  bad: { bytes: WHEEL, items: [itemOf(vsa({ purl: "pkg:pypi/demo@0.9" }))] },
});

const served = (envelope: Buffer) => ({ verdicts: async () => envelope });

test.each<{ attack: string; envelope: Buffer; code: string }>([
  { attack: "a verdict by a key that the policy does not name", envelope: vsa({}, other), code: "KEY_UNKNOWN" },
  { attack: "a verdict over other bytes", envelope: vsa({ digests: { sha256: "00".repeat(32) } }), code: "SUBJECT_MISMATCH" },
  { attack: "a verdict over these bytes as another file", envelope: vsa({ file: "demo-0.9-py3-none-any.whl" }), code: "SUBJECT_MISMATCH" },
  {
    attack: "the verdict over an older version",
    envelope: vsa({ purl: `pkg:pypi/demo@0.9?file_name=${FILE}` }),
    code: "PREDICATE_MISMATCH",
  },
  {
    attack: "the verdict over another package",
    envelope: vsa({ purl: `pkg:pypi/evil@1.0?file_name=${FILE}` }),
    code: "PREDICATE_MISMATCH",
  },
  { attack: "a verdict over a package of another ecosystem", envelope: vsa({ purl: "pkg:npm/demo@1.0" }), code: "PREDICATE_MISMATCH" },
  { attack: "no verdict", envelope: Buffer.from("<html>"), code: "BUNDLE_MALFORMED" },
])("$attack, from the upstream mirror or among the signatures: $code", async ({ envelope, code }) => {
  expect(await verify({ verdicts: true }, served(envelope))).toMatchObject([
    { kind: "invalid", code, label: "the upstream mirror's verdict" },
  ]);
  expect(await verify({ items: [itemOf(envelope)] })).toMatchObject([{ kind: "invalid", code, label: "registry attestation 1" }]);
});

test("one that cannot be had is unavailable, which says nothing about the archive", async () => {
  const verdicts = () => Promise.reject(new AssayError("UPSTREAM_TIMEOUT", "no answer within 12 s"));
  expect(await verify({ verdicts: true }, { verdicts })).toEqual([
    { kind: "unavailable", detail: "no answer within 12 s", label: "the upstream mirror's verdict" },
  ]);
});

test("only what is upstream's failure is borne", async () => {
  const verdicts = () => Promise.reject(new AssayError("STORE_FULL", "the disk is full"));
  await expect(verify({ verdicts: true }, { verdicts })).rejects.toMatchObject({ code: "STORE_FULL" });
});

test("a good one passes with its signer and what it says", async () => {
  const passed: Outcome = {
    kind: "pass",
    label: "the upstream mirror's verdict",
    signer: { kind: "vsa", keyId: hq.keyId },
    claims: { level: "L2", verifier: "https://assay.example/hq/", verified_at: NOW },
  };
  expect(await verify({ verdicts: true }, served(vsa()))).toEqual([passed]);
});

test("each verdict is told: a bad one hides no good one", async () => {
  const outcomes = await verify({ verdicts: true, items: [itemOf(vsa({}, other))] }, served(vsa()));
  expect(outcomes.map(({ kind }) => kind)).toEqual(["invalid", "pass"]);
});

describe("nobody is asked for a verdict", () => {
  const asked = () => Promise.reject(new Error("asked for a verdict"));

  test("where the upstream is no other Assay", async () => {
    expect(await verify({}, { verdicts: asked })).toEqual([{ kind: "absent" }]);
  });

  test("where the policy names no key", async () => {
    const mirrorKeys = { ids: () => new Set<string>(), keys: async () => [] };
    expect(await verify({ verdicts: true, items: [itemOf(vsa())] }, { verdicts: asked, mirrorKeys })).toEqual([{ kind: "absent" }]);
  });
});

describe("whether it would look at an archive", () => {
  const upstream = { id: "pypi#0", url: new URL("https://assay.example/pypi/simple/") };
  const ref = { repository: "pypi", ecosystem: "pypi", name: "demo", version: "1.0", file: FILE } as const;
  const evidence = (outcome: Outcome) => ({ verifier: "vsa", subject: parseDigest("0".repeat(64)), checkedAt: NOW, outcome }) as const;
  const by = (keyId: string): Outcome => ({ kind: "pass", claims: {}, signer: { kind: "vsa", keyId } });
  const unknown: Outcome = { kind: "invalid", code: "KEY_UNKNOWN", detail: "x" };
  const wrong: Outcome = { kind: "invalid", code: "SUBJECT_MISMATCH", detail: "x" };

  test.each<{ name: string; seen: readonly Outcome[]; would: boolean }>([
    { name: "it never did", seen: [], would: true },
    { name: "it found one by a key that the policy no longer names", seen: [by(other.keyId)], would: true },
    { name: "it found one by a key that was not known", seen: [unknown], would: true },
    { name: "it found one that counts", seen: [by(hq.keyId)], would: false },
    { name: "it found one that counts among others", seen: [unknown, by(hq.keyId)], would: false },
    { name: "it found a wrong one", seen: [wrong], would: false },
    { name: "there was none", seen: [{ kind: "absent" }], would: false },
  ])("$name: $would", ({ seen, would }) => {
    expect(verifierOf().wouldLook({ ref, upstream: { ...upstream, verdicts: true } }, seen.map(evidence))).toBe(would);
  });

  test("only where there can be one: at another Assay, or in an AAM registry", () => {
    expect(verifierOf().wouldLook({ ref, upstream }, [])).toBe(false);
    expect(verifierOf().wouldLook({ ref: { ...ref, ecosystem: "aam" }, upstream }, [])).toBe(true);
    const mirrorKeys = { ids: () => new Set<string>(), keys: async () => [] };
    expect(verifierOf({ mirrorKeys }).wouldLook({ ref, upstream: { ...upstream, verdicts: true } }, [])).toBe(false);
  });
});
