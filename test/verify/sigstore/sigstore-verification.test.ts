import { createHash } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../src/core/limits.ts";
import { type SigstoreOptions, SigstoreVerification } from "../../../src/verify/sigstore/sigstore-verification.ts";
import type { TrustRoot } from "../../../src/verify/sigstore/trust-root.ts";
import { verifyBundle } from "../../../src/verify/sigstore/verify-bundle.ts";
import { SILENT_LOG } from "../../support/candidate.ts";
import { ecKeys, type Loose, SigstoreInstance } from "../../support/sigstore-instance.ts";

const instance = new SigstoreInstance();
const root = instance.trustRoot("private");
const bytes = Buffer.from("the archive");
const artifact = { digests: { sha256: createHash("sha256").update(bytes).digest("hex") } };
const good = instance.signMessage(bytes);

const open: SigstoreVerification[] = [];
afterEach(() => Promise.all(open.splice(0).map((verification) => verification.close())));

function verificationOf(options: Partial<SigstoreOptions> = {}): SigstoreVerification {
  // The default of two seconds is for a machine that does not run a whole test suite beside it.
  const limits = { ...DEFAULT_LIMITS, verifyBundleSeconds: 15 };
  const verification = new SigstoreVerification({ roots: new Map([["private", root]]), limits, log: SILENT_LOG, ...options });
  open.push(verification);
  return verification;
}

const bufferOf = (bundle: Loose): Buffer => Buffer.from(JSON.stringify(bundle));

test("a thread of its own comes to the same result, both ways", async () => {
  const verification = verificationOf();
  for (const bundle of [good, instance.signMessage(Buffer.from("other")), { ...good, mediaType: "x" }].map(bufferOf)) {
    expect(await verification.verify({ bundle, trust: "private", artifact })).toEqual(verifyBundle({ bundle, root, artifact }));
  }
});

test("managed keys reach the thread", async () => {
  const keys = ecKeys();
  const pem = keys.publicKey.export({ type: "spki", format: "pem" }).toString();
  const bundle = bufferOf(instance.signMessage(bytes, { managedKey: keys }));
  expect(await verificationOf().verify({ bundle, trust: "private", artifact, keys: [{ name: "acme", pem }] })).toMatchObject({
    ok: true,
    value: { signer: { kind: "key", keyId: "acme" } },
  });
});

test("a root that is replaced counts from the next verification on", async () => {
  const roots = new Map<string, TrustRoot>([["private", root]]);
  const verification = verificationOf({ roots, workers: 1 });
  const request = { bundle: bufferOf(good), trust: "private", artifact };
  expect(await verification.verify(request)).toMatchObject({ ok: true });
  roots.set("private", new SigstoreInstance().trustRoot("private"));
  expect(await verification.verify(request)).toMatchObject({ ok: false, finding: { code: "LOG_ENTRY_UNTRUSTED" } });
});

test.each(["(.*)*!", "(.+)+!", "((.*)*)*!"])(
  "a checkpoint signed by %s, which once stalled verifiers, is refused while others are served",
  async (name) => {
    const verification = verificationOf({ workers: 1 });
    const request = { trust: "private", artifact };
    await verification.verify({ ...request, bundle: bufferOf(good) });
    const crafted = structuredClone(good);
    const proof = crafted.verificationMaterial.tlogEntries[0].inclusionProof;
    proof.checkpoint.envelope = proof.checkpoint.envelope.replace("\u2014 rekor.example", `\u2014 ${name}`);
    const start = performance.now();
    const [refused, served] = await Promise.all([
      verification.verify({ ...request, bundle: bufferOf(crafted) }),
      verification.verify({ ...request, bundle: bufferOf(good) }),
    ]);
    expect(refused).toMatchObject({ ok: false, finding: { code: "LOG_ENTRY_INVALID" } });
    expect(served).toMatchObject({ ok: true });
    expect(performance.now() - start).toBeLessThan(1000);
  },
);

test("a bundle that takes too long is refused", async () => {
  const hasty = verificationOf({ limits: { ...DEFAULT_LIMITS, verifyBundleSeconds: 0.001 } });
  expect(await hasty.verify({ bundle: bufferOf(good), trust: "private", artifact })).toMatchObject({
    ok: false,
    finding: { code: "BUNDLE_LIMIT", detail: expect.stringContaining("did not end within 0.001 s") },
  });
});

test("a bundle one byte past the operator's limit is refused", async () => {
  const bundle = bufferOf(good);
  const verdictAt = (bundleBytes: number) =>
    verificationOf({ limits: { bundleBytes, verifyBundleSeconds: 15 } }).verify({ bundle, trust: "private", artifact });
  expect(await verdictAt(bundle.length)).toMatchObject({ ok: true });
  expect(await verdictAt(bundle.length - 1)).toMatchObject({ ok: false, finding: { code: "BUNDLE_LIMIT" } });
});

test("what says nothing about the bundle is unavailable, not a finding", async () => {
  const verification = verificationOf();
  const request = { bundle: bufferOf(good), artifact };
  expect(await verification.verify({ ...request, trust: "nobody" })).toMatchObject({ kind: "unavailable" });
  await verification.close();
  expect(await verification.verify({ ...request, trust: "private" })).toMatchObject({ kind: "unavailable" });
});
