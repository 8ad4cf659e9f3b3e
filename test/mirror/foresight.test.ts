import { createHash } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Digest, parseDigest } from "../../src/core/digest.ts";
import { ALWAYS_LOOKING, type Evidence, type FindingCode, type Outcome, type VerifierId } from "../../src/core/evidence.ts";
import type { CacheRecords } from "../../src/core/ports/cache-records.ts";
import type { Repository } from "../../src/core/ports/ecosystem.ts";
import type { ListedArchive, Marks } from "../../src/core/ports/foresight.ts";
import type { Index } from "../../src/core/ports/index-store.ts";
import type { Admission, Verdict } from "../../src/core/verdict.ts";
import { MirrorForesight } from "../../src/mirror/foresight.ts";
import { openStore } from "../../src/store/open-store.ts";
import { SILENT_LOG } from "../support/candidate.ts";
import { DAY_MS, forecastOf, NOW, policyAsking, STRONG, workflow } from "../support/question.ts";
import { record } from "../support/record.ts";
import { dataFolder } from "./parts.ts";

const UPSTREAM = { id: "npm#0", url: new URL("https://registry.example/"), trust: "public" };
const REPOSITORY: Repository = { name: "npm", ecosystem: "npm", upstreams: [UPSTREAM] };
const REFUSED: Verdict = {
  kind: "refuse",
  reasons: [{ code: "DENIED", rule: "then", verifier: "policy", text: "as the policy was then", help: "" }],
};

const digestOf = (version: string): Digest => parseDigest(createHash("sha256").update(version).digest("hex"));
const fileOf = (version: string): string => `tool-${version}.tgz`;

/** A version as an index lists it, with its true digest. */
function listed(version: string, more: Partial<ListedArchive> = {}): ListedArchive {
  const claims = [{ algorithm: "sha256" as const, hex: digestOf(version), claimedBy: "the packument of tool" }];
  return { version, file: fileOf(version), claims, publishedAt: NOW - 100 * DAY_MS, ...more };
}

/** What every verifier found: nothing against it but `outcomes`. */
function evidence(digest: Digest, outcomes: Partial<Record<VerifierId, Outcome>> = {}): Evidence[] {
  return ALWAYS_LOOKING.map((verifier) => {
    const sound =
      verifier === "checksum" ? STRONG : verifier === "archive" ? { kind: "pass" as const, claims: {} } : { kind: "absent" as const };
    return { verifier, subject: digest, checkedAt: NOW, outcome: outcomes[verifier] ?? sound };
  });
}

const invalid = (code: FindingCode): Outcome => ({ kind: "invalid", code, detail: `it is ${code}` });

function line(version: string, more: Partial<Admission> = {}): Admission {
  const digest = more.digest ?? digestOf(version);
  return {
    ref: { repository: "npm", ecosystem: "npm", name: "tool", version, file: fileOf(version) },
    decidedAt: NOW - 3_600_000,
    digest,
    sizeBytes: 1,
    url: `https://registry.example/${fileOf(version)}`,
    upstream: "npm#0",
    claims: listed(version).claims,
    publishedAt: NOW - 100 * DAY_MS,
    evidence: evidence(digest),
    verdict: { kind: "admit", warnings: [] },
    ...more,
  };
}

const refusedFor = (version: string, outcomes: Partial<Record<VerifierId, Outcome>>, more: Partial<Admission> = {}): Admission =>
  line(version, { verdict: REFUSED, evidence: evidence(more.digest ?? digestOf(version), outcomes), ...more });

interface Scene {
  readonly policy?: string;
  readonly archives?: readonly ListedArchive[];
  readonly journal?: readonly Admission[];
  readonly now?: number;
  /** A verifier that had no say then would have one now. */
  readonly wouldLook?: boolean;
  readonly offline?: boolean;
}

/** What is marked of versions 1.0.0 and 2.0.0, after `journal` was written. */
async function marksOf({
  policy = "",
  archives = [listed("1.0.0"), listed("2.0.0")],
  journal = [],
  now = NOW,
  wouldLook = false,
  offline = false,
}: Scene): Promise<Marks> {
  const index = await openIndex();
  for (const admission of journal) await record(index, admission);
  const foresight = foresightOf(index, policy, now, wouldLook, offline);
  const admitted = await index.admitted("npm", "tool");
  return foresight.marks(REPOSITORY, { name: "tool", upstream: UPSTREAM, archives, admitted });
}

function foresightOf(
  index: Index,
  policy: string,
  now = NOW,
  wouldLook = false,
  offline = false,
  records: Pick<CacheRecords, "removal"> = { removal: async () => undefined },
): MirrorForesight {
  return new MirrorForesight({
    index,
    policy: {
      ...policyAsking(policy),
      foresee: (prospect) => forecastOf(policy, prospect),
    },
    verifierIds: ALWAYS_LOOKING,
    wouldLook: () => wouldLook,
    clock: { now: () => now },
    offline,
    records,
  });
}

async function openIndex(): Promise<Index> {
  const { index, blobs } = await openStore({ dataDir: dataFolder(), clock: { now: () => NOW }, log: SILENT_LOG });
  onTestFinished(async () => {
    await blobs.close();
    await index.close();
  });
  return index;
}

const markedFiles = ({ reasons }: Marks): string[] => [...reasons.keys()];
const DENY = 'deny: [{purl: "pkg:npm/tool", versions: "vers:npm/2.0.0", reason: stolen}]';

describe("what metadata alone refuses", () => {
  test("is marked with the reason and the rule, before anybody asked for it", async () => {
    const { reasons, until } = await marksOf({ policy: DENY });
    expect([...reasons]).toEqual([[fileOf("2.0.0"), "assay: denied: stolen [deny[0]]"]]);
    expect(until).toBe(Number.POSITIVE_INFINITY);
  });

  test("is marked also where nothing is left to fall back to", async () => {
    const marks = await marksOf({ policy: 'deny: [{purl: "pkg:npm/tool", reason: stolen}]' });
    expect(markedFiles(marks)).toEqual([fileOf("1.0.0"), fileOf("2.0.0")]);
  });

  test("is marked of what is held as well, by what the journal knows of it", async () => {
    const young = { publishedAt: NOW - DAY_MS };
    const marks = await marksOf({ policy: "defaults: {min_age: 7d}", journal: [line("2.0.0", young)] });
    expect(markedFiles(marks)).toEqual([fileOf("2.0.0")]);
    expect(marks.until).toBe(NOW + 6 * DAY_MS);
  });

  test("is not marked where the policy only rehearses", async () => {
    expect(markedFiles(await marksOf({ policy: `mode: audit\n${DENY}` }))).toEqual([]);
  });

  test.each([
    { name: "every claim is the digest that is waived", claims: listed("2.0.0").claims, marked: [] },
    { name: "nothing is claimed", claims: [], marked: [fileOf("2.0.0")] },
    { name: "claims contradict each other", claims: [...listed("2.0.0").claims, ...listed("1.0.0").claims], marked: [fileOf("2.0.0")] },
  ])("a waiver for one digest, where $name", async ({ claims, marked }) => {
    const waiver = `{purl: "pkg:npm/tool@2.0.0", waive: [deny], owner: a@b.example, reason: r, expires: 2026-12-31, digest: "sha256:${digestOf("2.0.0")}"}`;
    const marks = await marksOf({ policy: `${DENY}\nwaivers: [${waiver}]`, archives: [listed("1.0.0"), listed("2.0.0", { claims })] });
    expect(markedFiles(marks)).toEqual(marked);
    expect(marks.until, "a waiver ends").toBe(Date.UTC(2027, 0, 1));
  });

  test("a reason of a hundred thousand hostile characters becomes one short line", async () => {
    const { reasons } = await marksOf({
      journal: [
        refusedFor("2.0.0", {
          archive: { kind: "invalid", code: "ARCHIVE_UNSAFE", detail: `<b>"\r\n\u001b[2J\u202e${"é".repeat(100_000)}` },
        }),
      ],
    });
    expect(reasons.get(fileOf("2.0.0"))).toMatch(/^assay: [\x20-\x7e]{1,273}$/);
  });
});

describe("what was refused before", () => {
  test.each<{
    name: string;
    journal: readonly Admission[];
    policy?: string;
    archives?: readonly ListedArchive[];
    now?: number;
    marked: boolean;
  }>([
    { name: "for what is in it", journal: [refusedFor("2.0.0", { archive: invalid("IDENTITY_MISMATCH") })], marked: true },
    {
      name: "for a signature that does not verify",
      journal: [refusedFor("2.0.0", { sigstore: invalid("SIGNATURE_INVALID") })],
      marked: true,
    },
    {
      name: "for another signer than the package's first",
      journal: [
        line("1.0.0", {
          publishedAt: NOW - 200 * DAY_MS,
          evidence: evidence(digestOf("1.0.0"), { sigstore: { kind: "pass", claims: {}, signer: workflow("acme/tool") } }),
        }),
        refusedFor("2.0.0", { sigstore: { kind: "pass", claims: {}, signer: workflow("mallory/tool") } }),
      ],
      marked: true,
    },
    { name: "by a policy that would let it pass now", journal: [refusedFor("2.0.0", {})], marked: false },
    {
      name: "by the policy of now only",
      journal: [refusedFor("2.0.0", {})],
      policy: "defaults: {signature: {require: true, on_missing: error}}",
      marked: true,
    },
    {
      name: "for bytes that were not those listed",
      journal: [refusedFor("2.0.0", { checksum: invalid("CHECKSUM_MISMATCH") })],
      marked: false,
    },
    {
      name: "for bytes that were not those listed, whatever was in them",
      journal: [refusedFor("2.0.0", { checksum: invalid("CHECKSUM_MISMATCH"), archive: invalid("ARCHIVE_MALFORMED") })],
      marked: false,
    },
    {
      name: "where the index lists another archive under the name by now",
      journal: [refusedFor("2.0.0", { archive: invalid("IDENTITY_MISMATCH") })],
      archives: [listed("1.0.0"), listed("2.0.0", { claims: listed("1.0.0").claims })],
      marked: false,
    },
    {
      name: "for a key that may be known by now",
      journal: [refusedFor("2.0.0", { "registry-signature": invalid("KEY_UNKNOWN") })],
      policy: "defaults: {signature: {require: true, on_missing: error}}",
      marked: false,
    },
    {
      name: "by an Assay that had fewer verifiers",
      journal: [refusedFor("2.0.0", {}, { evidence: evidence(digestOf("2.0.0"), { archive: invalid("IDENTITY_MISMATCH") }).slice(0, 2) })],
      marked: false,
    },
    {
      name: "more than a day ago",
      journal: [refusedFor("2.0.0", { archive: invalid("IDENTITY_MISMATCH") }, { decidedAt: NOW - DAY_MS })],
      marked: false,
    },
    {
      name: "less than a day ago",
      journal: [refusedFor("2.0.0", { archive: invalid("IDENTITY_MISMATCH") }, { decidedAt: NOW - DAY_MS + 1 })],
      marked: true,
    },
    {
      name: "and admitted since",
      journal: [refusedFor("2.0.0", { archive: invalid("IDENTITY_MISMATCH") }), line("2.0.0")],
      marked: false,
    },
    {
      name: "with other bytes than are held",
      journal: [line("2.0.0"), refusedFor("2.0.0", { archive: invalid("IDENTITY_MISMATCH") }, { digest: digestOf("other") })],
      marked: false,
    },
    {
      name: "when evidence could not be had that would decide",
      journal: [refusedFor("2.0.0", { sigstore: { kind: "unavailable", detail: "503" } })],
      marked: false,
    },
  ])("$name: marked $marked", async ({ journal, policy = "", archives, now = NOW, marked }) => {
    const marks = await marksOf({ journal, policy, now, ...(archives ? { archives } : {}) });
    expect(markedFiles(marks)).toEqual(marked ? [fileOf("2.0.0")] : []);
  });

  test("is not marked where another verifier would have its say by now", async () => {
    const asked = { policy: "defaults: {signature: {require: true, on_missing: error}}", journal: [refusedFor("2.0.0", {})] };
    expect(markedFiles(await marksOf({ ...asked, wouldLook: false }))).toEqual([fileOf("2.0.0")]);
    expect(markedFiles(await marksOf({ ...asked, wouldLook: true }))).toEqual([]);
  });

  test("is shown until a day after it was refused", async () => {
    const { until } = await marksOf({ journal: [refusedFor("2.0.0", { archive: invalid("IDENTITY_MISMATCH") })] });
    expect(until).toBe(NOW - 3_600_000 + DAY_MS);
  });

  test.each([
    { name: "nothing else is listed", archives: [listed("2.0.0")] },
    { name: "upstream took back what else is listed", archives: [listed("1.0.0", { withdrawn: true }), listed("2.0.0")] },
    { name: "all else is denied", archives: [listed("1.0.0"), listed("2.0.0")], policy: 'deny: [{purl: "pkg:npm/tool@1.0.0", reason: r}]' },
  ])("is not marked where $name: clients would hide the reason, and nobody would ask again", async ({ archives, policy = "" }) => {
    const marks = await marksOf({ journal: [refusedFor("2.0.0", { archive: invalid("IDENTITY_MISMATCH") })], archives, policy });
    expect(markedFiles(marks)).not.toContain(fileOf("2.0.0"));
  });
});

describe("what is held", () => {
  const signed = "defaults: {signature: {require: true, on_missing: error}}";

  test("is marked where the policy of now refuses it, for as long as that", async () => {
    const marks = await marksOf({ policy: signed, journal: [line("2.0.0", { decidedAt: NOW - 400 * DAY_MS })] });
    expect([...marks.reasons]).toEqual([[fileOf("2.0.0"), expect.stringContaining("assay: ")]]);
    expect(marks.until).toBe(Number.POSITIVE_INFINITY);
  });

  test("is not marked where upstream claims other bytes by now: ours are served", async () => {
    const other = listed("2.0.0", { claims: listed("1.0.0").claims });
    expect(markedFiles(await marksOf({ archives: [listed("1.0.0"), other], journal: [line("2.0.0")] }))).toEqual([]);
  });

  test("is marked by a later check of the same bytes, where the first had fewer verifiers", async () => {
    const first = line("2.0.0", { evidence: evidence(digestOf("2.0.0")).slice(0, 2) });
    const later = refusedFor("2.0.0", { sigstore: invalid("SIGNATURE_INVALID") });
    expect(markedFiles(await marksOf({ journal: [first] }))).toEqual([]);
    expect(markedFiles(await marksOf({ journal: [first, later] }))).toEqual([fileOf("2.0.0")]);
    const ofOthers = refusedFor("2.0.0", { sigstore: invalid("SIGNATURE_INVALID") }, { digest: digestOf("other") });
    expect(markedFiles(await marksOf({ journal: [first, ofOthers] }))).toEqual([]);
  });

  test("is looked at where upstream has lost the package", async () => {
    const index = await openIndex();
    await record(index, line("2.0.0"));
    const foresight = foresightOf(index, DENY);
    const admitted = await index.admitted("npm", "tool");
    const marks = await foresight.marks(REPOSITORY, { name: "tool", upstream: undefined, archives: [listed("2.0.0")], admitted });
    expect(markedFiles(marks)).toEqual([fileOf("2.0.0")]);
  });
});

describe("offline", () => {
  const other = listed("1.0.0", { file: "tool-1.0.0-other.tgz" });
  const archives = [listed("1.0.0"), other, listed("2.0.0")];

  test("what is not held is marked, and the other files of a version that is held in part are not listed", async () => {
    const marks = await marksOf({ archives, journal: [line("1.0.0")], offline: true });
    expect(markedFiles(marks)).toEqual([other.file, fileOf("2.0.0")]);
    expect(marks.unobtainable).toEqual(new Set([other.file]));
  });

  test("where nothing of a package is held, nothing is marked: whoever asks for it is told why it cannot be had", async () => {
    const marks = await marksOf({ archives, offline: true });
    expect([markedFiles(marks), marks.unobtainable]).toEqual([[], new Set()]);
  });

  test("online, all of it can be had", async () => {
    const marks = await marksOf({ archives, journal: [line("1.0.0")] });
    expect([markedFiles(marks), marks.unobtainable]).toEqual([[], new Set()]);
  });
});

test("an old publish time does not make a version old that the index did not list before", async () => {
  const index = await openIndex();
  const document = {
    body: Buffer.from("{}"),
    contentType: "application/json",
    url: "https://registry.example/tool",
    upstream: "https://registry.example/",
    validatedAt: NOW,
  };
  const file = (version: string) => ({ version, file: fileOf(version), url: `https://registry.example/${version}`, claims: [] });
  const key = { repository: "npm", key: "packument/tool" };
  await index.putDocument(key, { ...document, fetchedAt: NOW - 90 * DAY_MS, revision: "1" }, { name: "tool", files: [file("1.0.0")] });
  await index.putDocument(
    key,
    { ...document, fetchedAt: NOW - DAY_MS, revision: "2" },
    { name: "tool", files: [file("1.0.0"), file("2.0.0")] },
  );
  const foresight = foresightOf(index, "defaults: {min_age: 7d}");
  const marks = await foresight.marks(REPOSITORY, {
    name: "tool",
    upstream: UPSTREAM,
    archives: [listed("1.0.0"), listed("2.0.0")],
    admitted: [],
  });
  expect([...marks.reasons]).toEqual([[fileOf("2.0.0"), expect.stringContaining("first seen")]]);
  expect(marks.until).toBe(NOW + 6 * DAY_MS);
});

describe("in a list, where names and versions are all that is known", () => {
  const AAM: Repository = { ...REPOSITORY, name: "aam", ecosystem: "aam" };
  const GATES = "governance: {install_policy: {allowed_scopes: ['@myorg'], blocked_packages: ['@myorg/bad*'], require_tag: stable}}";
  const DENY_AAM = 'deny: [{purl: "pkg:aam/tool@2.0.0", reason: stolen}]';

  async function barred(policy: string, name: string): Promise<string[]> {
    const archives = ["1.0.0", "2.0.0"].map((version) => ({ version, file: fileOf(version), claims: [] }));
    return [...foresightOf(await openIndex(), policy).barred(AAM, { name, upstream: UPSTREAM, archives })].map(([, reason]) => reason);
  }

  test.each([
    ["a version that is denied", DENY_AAM, "tool", ["assay: denied: stolen [deny[0]]"]],
    ["another package", DENY_AAM, "other", []],
    ["one that the policy only rehearses to deny", `mode: audit\n${DENY_AAM}`, "tool", []],
    ["a scope that is not allowed", GATES, "@other/tool", [expect.stringContaining("governance"), expect.stringContaining("governance")]],
    ["a name that is blocked", GATES, "@myorg/bad-tool", [expect.stringContaining("governance"), expect.stringContaining("governance")]],
  ])("%s is refused for it", async (_, policy, name, expected) => {
    expect(await barred(policy, name)).toEqual(expected);
  });

  test("nothing is refused for its age or its tags, which a list does not tell", async () => {
    expect(await barred("defaults: {min_age: 7d}", "tool")).toEqual([]);
    expect(await barred(GATES, "@myorg/tool")).toEqual([]);
  });
});

describe("what was let go to save space", () => {
  const removal = { id: 1, digest: digestOf("2.0.0"), sizeBytes: 1, removedAt: NOW, why: "age" } as const;
  const records = { removal: async (digest: Digest) => (digest === removal.digest ? removal : undefined) };

  test.each([
    { name: "is marked where nobody can be asked for it", offline: true, marked: [fileOf("2.0.0")] },
    { name: "is not where it is fetched again", offline: false, marked: [] },
  ])("$name", async ({ offline, marked }) => {
    const index = await openIndex();
    for (const version of ["1.0.0", "2.0.0"]) await record(index, line(version));
    const foresight = foresightOf(index, "", NOW, false, offline, records);
    const listedPackage = {
      name: "tool",
      upstream: UPSTREAM,
      archives: [listed("1.0.0"), listed("2.0.0")],
      admitted: await index.admitted("npm", "tool"),
    };
    expect(markedFiles(await foresight.marks(REPOSITORY, listedPackage))).toEqual(marked);
  });
});
