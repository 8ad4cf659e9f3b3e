import { afterAll, expect, test } from "vitest";
import { AssayError } from "../../src/core/errors.ts";
import type { Outcome } from "../../src/core/evidence.ts";
import type { SignedItem } from "../../src/core/ports/ecosystem.ts";
import type { PinnedKey } from "../../src/verify/openpgp/pinned-keys.ts";
import { OpenpgpVerifier } from "../../src/verify/openpgp.ts";
import { describeVerifier } from "../contract/verifier.ts";
import { type CandidateOptions, makeCandidate } from "../support/candidate.ts";
import { ARCHIVE, DAY_MS, makeKey, makeSignature, NOW, pin } from "./openpgp/pgp-fixture.ts";

const [key, other] = [await makeKey(), await makeKey()];
const pinned = pin(key.public);
const itemOf = (signature: Buffer, label = "demo.asc"): SignedItem => ({ kind: "openpgp", label, signature });
const good = itemOf(await makeSignature({ keys: [key] }));
const wrong = itemOf(await makeSignature({ keys: [key], bytes: Buffer.from("other bytes") }));
const foreign = itemOf(await makeSignature({ keys: [other] }));

const removals: (() => void)[] = [];
afterAll(() => removals.forEach((remove) => void remove()));

function verify(options: Partial<CandidateOptions>, keys: () => Promise<readonly PinnedKey[]> = async () => [pinned], now = NOW) {
  const { candidate, remove } = makeCandidate({ bytes: ARCHIVE, ...options });
  removals.push(remove);
  return new OpenpgpVerifier({ pgpKeys: keys, clock: { now: () => now } }).verify(candidate);
}

describeVerifier("the openpgp verifier", {
  make: () => new OpenpgpVerifier({ pgpKeys: async () => [pinned], clock: { now: () => NOW } }),
  good: { bytes: ARCHIVE, items: [good] },
  bad: { bytes: ARCHIVE, items: [wrong] },
});

test.each<{ attack: string; item: SignedItem; code: string }>([
  { attack: "a signature over other bytes", item: wrong, code: "SIGNATURE_INVALID" },
  { attack: "a signature by a key that nobody pinned", item: foreign, code: "KEY_UNKNOWN" },
  { attack: "no signature", item: itemOf(Buffer.from("hello")), code: "BUNDLE_MALFORMED" },
])("$attack: $code", async ({ item, code }) => {
  expect(await verify({ items: [item] })).toMatchObject([{ kind: "invalid", code, label: "demo.asc" }]);
});

test("a signature dated after now is refused: the clock is ours", async () => {
  expect(await verify({ items: [good] }, undefined, NOW - 2 * DAY_MS)).toMatchObject([{ kind: "invalid", code: "SIGNATURE_INVALID" }]);
});

test("a signature by a pinned key passes, with its signer and when it says that it was made", async () => {
  const signer = { kind: "openpgp", fingerprint: pinned.fingerprint } as const;
  const passed: Outcome = { kind: "pass", label: "demo.asc", signer, claims: { signed_at: NOW - DAY_MS } };
  expect(await verify({ items: [good] })).toEqual([passed]);
});

test("each of several signatures is told", async () => {
  expect((await verify({ items: [good, wrong, foreign] })).map(({ kind }) => kind)).toEqual(["pass", "invalid", "invalid"]);
});

test("without signatures it is absent, and keys are not even read; what another verifier tells is not told twice", async () => {
  const keys = () => Promise.reject(new Error("asked for keys"));
  expect(await verify({}, keys)).toEqual([{ kind: "absent" }]);
  expect(await verify({ published: [{ label: "a", kind: "unavailable", detail: "503" }] }, keys)).toEqual([{ kind: "absent" }]);
});

test("a key that is pinned later counts from then on", async () => {
  let keys: readonly PinnedKey[] = [];
  const pgpKeys = async () => keys;
  expect(await verify({ items: [good] }, pgpKeys)).toMatchObject([{ code: "KEY_UNKNOWN" }]);
  keys = [pinned];
  expect(await verify({ items: [good] }, pgpKeys)).toMatchObject([{ kind: "pass" }]);
});

test("key files that cannot be read are an error, not a finding about the archive", async () => {
  const broken = new AssayError("CONFIG_INVALID", "no such file");
  await expect(verify({ items: [good] }, () => Promise.reject(broken))).rejects.toBe(broken);
});
