import { createHash } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { ALWAYS_LOOKING, type Outcome, VERIFIER_IDS } from "../../src/core/evidence.ts";
import { DEFAULT_LIMITS } from "../../src/core/limits.ts";
import { ArchiveVerifier } from "../../src/verify/archive.ts";
import { createVerifiers } from "../../src/verify/index.ts";
import { describeVerifier } from "../contract/verifier.ts";
import { buildSdist, buildWheel, buildZip } from "../support/archives.ts";
import { type CandidateOptions, makeCandidate, NO_OTHER_MIRROR, SILENT_LOG } from "../support/candidate.ts";
import { keySource } from "../support/key-source.ts";

const WHEEL = buildWheel({ name: "demo", version: "1.0" });
const verifier = new ArchiveVerifier({ limits: DEFAULT_LIMITS, log: SILENT_LOG });
afterAll(() => verifier.close());

async function verify(options: CandidateOptions, by: ArchiveVerifier = verifier): Promise<Outcome> {
  const { candidate, remove } = makeCandidate(options);
  try {
    return await by.verify(candidate);
  } finally {
    remove();
  }
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

test.each([
  { attack: "another package's wheel", bytes: buildWheel({ name: "evil", version: "1.0" }).bytes, code: "IDENTITY_MISMATCH" },
  { attack: "another version", bytes: buildWheel({ name: "demo", version: "2.0" }).bytes, code: "IDENTITY_MISMATCH" },
  { attack: "no manifest", bytes: buildZip([{ path: "demo/__init__.py" }]), code: "IDENTITY_MISMATCH" },
  { attack: "an sdist named as a wheel", bytes: buildSdist({ name: "demo", version: "1.0" }).bytes, code: "ARCHIVE_MALFORMED" },
  {
    attack: "a name that climbs out",
    bytes: buildWheel({ name: "demo", version: "1.0", files: { "../x": "" } }).bytes,
    code: "ARCHIVE_UNSAFE",
  },
])("$attack: $code", async ({ bytes, code }) => {
  expect(await verify({ bytes })).toMatchObject({ kind: "invalid", code, detail: expect.stringMatching(/^demo-1.0-py3-none-any.whl: /) });
});

test("METADATA other than the index promised is refused, and says both sides", async () => {
  const promised = { algorithm: "sha256", hex: sha256(Buffer.from("other")), claimedBy: "the simple index of demo" } as const;
  const outcome = await verify({ bytes: WHEEL.bytes, manifestClaims: [promised] });
  expect(outcome).toMatchObject({ kind: "invalid", code: "METADATA_MISMATCH" });
  expect(outcome).toMatchObject({
    detail: expect.stringContaining(`expected sha256 ${promised.hex} (claimed by the simple index of demo), got ${sha256(WHEEL.manifest)}`),
  });
});

test("a sound wheel passes, with what later stops rely on", async () => {
  const manifestClaims = [{ algorithm: "sha256", hex: sha256(WHEEL.manifest), claimedBy: "the simple index of demo" }] as const;
  expect(await verify({ bytes: WHEEL.bytes, manifestClaims })).toEqual({
    kind: "pass",
    claims: {
      entries: 4,
      unpacked_bytes: expect.any(Number),
      manifest: "demo-1.0.dist-info/METADATA",
      manifest_sha256: sha256(WHEEL.manifest),
    },
  });
});

test("a file that promises no container is absent", async () => {
  expect(await verify({ bytes: WHEEL.bytes, file: "demo-1.0.exe", format: undefined })).toEqual({ kind: "absent" });
});

test("a check that runs out of time is unavailable, and the next one runs", async () => {
  const hasty = new ArchiveVerifier({ limits: { ...DEFAULT_LIMITS, verifySeconds: 0.001 }, log: SILENT_LOG });
  try {
    expect(await verify({ bytes: WHEEL.bytes }, hasty)).toMatchObject({
      kind: "unavailable",
      detail: expect.stringContaining("within 0.001 s"),
    });
    expect(await verify({ bytes: WHEEL.bytes })).toMatchObject({ kind: "pass" });
  } finally {
    await hasty.close();
  }
});

test("limits reach the worker", async () => {
  const narrow = new ArchiveVerifier({ limits: { ...DEFAULT_LIMITS, archiveEntries: 3 }, log: SILENT_LOG });
  try {
    expect(await verify({ bytes: WHEEL.bytes }, narrow)).toMatchObject({ kind: "invalid", code: "ARCHIVE_LIMIT" });
  } finally {
    await narrow.close();
  }
});

test("a file that is gone is a store error, not a finding", async () => {
  const { candidate, remove } = makeCandidate({ bytes: WHEEL.bytes });
  remove();
  await expect(verifier.verify(candidate)).rejects.toMatchObject({ code: "STORE_IO" });
});

test("there is one verifier for each kind of evidence", () => {
  const none = async (): Promise<[]> => [];
  const options = {
    limits: DEFAULT_LIMITS,
    log: SILENT_LOG,
    clock: { now: Date.now },
    roots: new Map(),
    pgpKeys: none,
    managedKeys: () => [],
    registryKeys: keySource(),
    ...NO_OTHER_MIRROR,
  };
  const verifiers = createVerifiers(options);
  expect(verifiers.map(({ id }) => id)).toEqual(VERIFIER_IDS.filter((id) => id !== "rebuild"));
  expect(verifiers.filter(({ wouldLook }) => !wouldLook).map(({ id }) => id)).toEqual(ALWAYS_LOOKING);
});

describeVerifier("archive", {
  make: () => new ArchiveVerifier({ limits: DEFAULT_LIMITS, log: SILENT_LOG }),
  good: { bytes: WHEEL.bytes },
  bad: { bytes: buildZip([{ path: "../x" }]) },
});
