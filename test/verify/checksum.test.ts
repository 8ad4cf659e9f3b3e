import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { Algorithm, Checksum } from "../../src/core/digest.ts";
import type { Outcome } from "../../src/core/evidence.ts";
import { ChecksumVerifier } from "../../src/verify/checksum.ts";
import { describeVerifier } from "../contract/verifier.ts";
import { type CandidateOptions, makeCandidate } from "../support/candidate.ts";

const BYTES = Buffer.from("the bytes of an archive");
const OTHER = Buffer.from("other bytes");
const INDEX = "the simple index of demo";

function hex(algorithm: Algorithm, bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest("hex");
}

function claim(algorithm: Algorithm, bytes: Buffer = BYTES, claimedBy = INDEX): Checksum {
  return { algorithm, hex: hex(algorithm, bytes), claimedBy };
}

async function verify(options: Partial<CandidateOptions>): Promise<Outcome> {
  const { candidate, remove } = makeCandidate({ bytes: BYTES, ...options });
  try {
    return await new ChecksumVerifier().verify(candidate);
  } finally {
    remove();
  }
}

const sha256 = hex("sha256", BYTES);

test.each([
  { attack: "other bytes", claims: [claim("sha256", OTHER)], code: "CHECKSUM_MISMATCH" },
  { attack: "other bytes by a digest that is not computed on the way in", claims: [claim("sha384", OTHER)], code: "CHECKSUM_MISMATCH" },
  { attack: "other bytes by MD5 alone", claims: [claim("md5", OTHER)], code: "CHECKSUM_MISMATCH" },
  { attack: "a weak mismatch beside a strong match", claims: [claim("sha256"), claim("sha1", OTHER)], code: "CHECKSUM_MISMATCH" },
  { attack: "two claims for one algorithm, one wrong", claims: [claim("sha256"), claim("sha256", OTHER)], code: "CHECKSUM_MISMATCH" },
  {
    attack: "other bytes than were admitted, well claimed",
    claims: [claim("sha256")],
    admittedBefore: hex("sha256", OTHER),
    code: "INTEGRITY_VIOLATION",
  },
  { attack: "other bytes than were admitted, unclaimed", claims: [], admittedBefore: hex("sha256", OTHER), code: "INTEGRITY_VIOLATION" },
])("$attack: $code", async ({ code, ...options }) => {
  expect(await verify(options)).toMatchObject({ kind: "invalid", code });
});

test("a mismatch names both sides and who claims it", async () => {
  const expected = hex("sha256", OTHER);
  expect(await verify({ claims: [claim("sha256", OTHER)] })).toMatchObject({
    detail: `expected sha256 ${expected} (claimed by the simple index of demo), got ${sha256}`,
  });
});

test.each([
  { name: "a strong claim", claims: [claim("sha256")], strength: "strong", algorithms: ["sha256"] },
  { name: "a digest that must be computed first", claims: [claim("sha384")], strength: "strong", algorithms: ["sha384"] },
  { name: "strong and weak claims", claims: [claim("sha1"), claim("sha512")], strength: "strong", algorithms: ["sha1", "sha512"] },
  { name: "SHA-1 alone", claims: [claim("sha1")], strength: "weak", algorithms: ["sha1"] },
  { name: "SHA-1 and MD5", claims: [claim("sha1"), claim("md5")], strength: "weak", algorithms: ["sha1", "md5"] },
])("$name that matches is $strength", async ({ claims, strength, algorithms }) => {
  expect(await verify({ claims })).toEqual({ kind: "pass", claims: { strength, algorithms, claimed_by: [INDEX] } });
});

test("everybody who claims it is named once", async () => {
  const claims = [claim("sha256"), claim("sha512"), claim("sha256", BYTES, "the upstream's headers")];
  expect(await verify({ claims })).toMatchObject({ claims: { claimed_by: [INDEX, "the upstream's headers"] } });
});

test("no claim is absent, also for bytes admitted before", async () => {
  expect(await verify({ claims: [] })).toEqual({ kind: "absent" });
  expect(await verify({ claims: [], admittedBefore: sha256 })).toEqual({ kind: "absent" });
});

test("a file that is gone is a store error, not a finding", async () => {
  const { candidate, remove } = makeCandidate({ bytes: BYTES, claims: [claim("md5")] });
  remove();
  await expect(new ChecksumVerifier().verify(candidate)).rejects.toMatchObject({ code: "STORE_IO" });
});

describeVerifier("checksum", {
  make: () => new ChecksumVerifier(),
  good: { bytes: BYTES, claims: [claim("sha256")] },
  bad: { bytes: BYTES, claims: [claim("sha256", OTHER)] },
});
