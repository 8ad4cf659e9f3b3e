import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ArtifactRef } from "../../src/core/artifact.ts";
import { parseDigest, parseHexChecksum } from "../../src/core/digest.ts";
import type { DocumentRecord, Listing } from "../../src/core/ports/index-store.ts";
import type { Admission } from "../../src/core/verdict.ts";
import { MIGRATIONS } from "../../src/store/migrations/index.ts";
import { HOST } from "../../src/store/process-name.ts";
import { SqliteIndex } from "../../src/store/sqlite-index.ts";
import { codeOf } from "../contract/code-of.ts";
import { type IndexBench, indexContract } from "../contract/index-store.ts";
import { record } from "../support/record.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const REF: ArtifactRef = { repository: "npm", ecosystem: "npm", name: "left-pad", version: "1.3.0", file: "left-pad-1.3.0.tgz" };
const KEY = { repository: "npm", key: "left-pad" };
const DIGEST = parseDigest("ab".repeat(32));
const ADMISSION: Admission = {
  ref: REF,
  decidedAt: 1,
  digest: DIGEST,
  sizeBytes: 2,
  url: "https://registry.example/left-pad-1.3.0.tgz",
  upstream: "npm#0",
  claims: [{ algorithm: "sha256", hex: DIGEST, claimedBy: "the packument" }],
  evidence: [
    { verifier: "checksum", subject: DIGEST, checkedAt: 1, outcome: { kind: "pass", claims: { strength: "strong" } } },
    {
      verifier: "sigstore",
      subject: DIGEST,
      checkedAt: 1,
      outcome: {
        kind: "pass",
        claims: { predicate_type: "p" },
        signer: { kind: "sigstore", trust: "public", issuer: "i", identity: { type: "uri", value: "u" }, source: { commit: "c" } },
        statement: { type: "t", subjects: [{ name: "n", digest: { sha256: DIGEST } }], predicateType: "p", predicate: { a: 1 } },
      },
    },
  ],
  verdict: { kind: "admit", warnings: [] },
};
const DOCUMENT: DocumentRecord = {
  body: Buffer.from('{"name":"left-pad"}'.repeat(20)),
  contentType: "application/json",
  url: "https://registry.example/left-pad",
  upstream: "npm#0",
  fetchedAt: 1,
  validatedAt: 1,
  revision: "cd".repeat(32),
};

function sqliteBench(): IndexBench {
  const dataDir = temporaryFolder();
  let now = 0;
  return {
    async open() {
      const index = await SqliteIndex.open({ dataDir, clock: { now: () => now } });
      onTestFinished(() => index.close());
      return index;
    },
    setTime(time) {
      now = time;
    },
  };
}

async function openIndex(dataDir: string): Promise<SqliteIndex> {
  const index = await SqliteIndex.open({ dataDir, clock: { now: () => 0 } });
  onTestFinished(() => index.close());
  return index;
}

function listingOf(count: number, salt = ""): Listing {
  const files = Array.from({ length: count }, (_, number) => {
    const hex = `${number}${salt.charCodeAt(0) || 0}`.padStart(64, "0");
    const claim = parseHexChecksum("sha256", hex, "the packument");
    return {
      version: `1.${number}.0`,
      file: `left-pad-1.${number}.0.tgz`,
      url: `https://files.registry.example/left-pad/-/left-pad-1.${number}.0.tgz`,
      sizeBytes: number,
      publishedAt: number,
      claims: claim ? [claim] : [],
      extra: { shasum: hex.slice(0, 40) },
    };
  });
  return { name: "left-pad", files };
}

describe("SqliteIndex keeps the contract", () => indexContract(sqliteBench));

describe("a record that was changed on disk is refused, not believed", () => {
  test.each<{ name: string; sql: string; read: (index: SqliteIndex) => Promise<unknown> }>([
    { name: "a verdict that is no JSON", sql: "UPDATE admissions SET verdict = '{'", read: (index) => index.admission(REF) },
    { name: "a verdict of a third kind", sql: `UPDATE admissions SET verdict = '{"kind":"maybe"}'`, read: (index) => index.admission(REF) },
    {
      name: "a refusal without reasons",
      sql: `UPDATE admissions SET verdict = '{"kind":"refuse","reasons":[]}'`,
      read: (index) => index.admission(REF),
    },
    { name: "evidence of an unknown kind", sql: `UPDATE admissions SET evidence = '[{}]'`, read: (index) => index.admission(REF) },
    ...(
      [
        ["a verifier that nobody has", "[1].verifier", `"oracle"`],
        ["a signer of no kind", "[1].outcome.signer.kind", `"nobody"`],
        ["a signer without an issuer", "[1].outcome.signer.issuer", "null"],
        ["an identity of no type", "[1].outcome.signer.identity.type", `"any"`],
        ["a repository that is no text", "[1].outcome.signer.source.commit", "1"],
        ["a statement without subjects", "[1].outcome.statement.subjects", "null"],
        ["a predicate that is a list", "[1].outcome.statement.predicate", "[]"],
        ["a finding that nobody makes", "[1].outcome", `{"kind":"invalid","code":"FINE","detail":""}`],
      ] as const
    ).map(([name, path, value]) => ({
      name,
      sql: `UPDATE admissions SET evidence = json_replace(evidence, '$${path}', json('${value}'))`,
      read: (index: SqliteIndex) => index.admission(REF),
    })),
    { name: "a time that is none", sql: "UPDATE admissions SET first_seen_at = -1", read: (index) => index.admission(REF) },
    {
      name: "a digest of another length",
      sql: "UPDATE admissions SET digest = x'abcd'",
      read: (index) => index.admitted("npm", "left-pad"),
    },
    { name: "a negative size", sql: "UPDATE admissions SET size_bytes = -1", read: (index) => index.admission(REF) },
    {
      name: "a claim in an unknown algorithm",
      sql: "UPDATE claims SET algorithm = 'crc32'",
      read: (index) => index.file({ ...REF, version: "1.0.0", file: "left-pad-1.0.0.tgz" }),
    },
    { name: "a claim of another length", sql: "UPDATE claims SET digest = x'ab'", read: (index) => index.files("npm", "left-pad") },
    { name: "a URL that is none", sql: "UPDATE listed_files SET url = 'left-pad'", read: (index) => index.files("npm", "left-pad") },
    { name: "extra that is no object", sql: "UPDATE listed_files SET extra = '1'", read: (index) => index.files("npm", "left-pad") },
    { name: "a body that is not compressed", sql: "UPDATE document_bodies SET body_zstd = 'x'", read: (index) => index.document(KEY) },
    { name: "a body that unpacks to more", sql: "UPDATE document_bodies SET body_bytes = 5", read: (index) => index.document(KEY) },
    { name: "a body that unpacks to less", sql: "UPDATE document_bodies SET body_bytes = 100000", read: (index) => index.document(KEY) },
    { name: "a body that is gone", sql: "DELETE FROM document_bodies", read: (index) => index.document(KEY) },
    { name: "a counter nobody has", sql: "UPDATE counters SET counter = 'coffee'", read: (index) => index.counters() },
  ])("$name", async ({ sql, read }) => {
    const dataDir = temporaryFolder();
    const index = await openIndex(dataDir);
    await record(index, ADMISSION);
    await index.putDocument(KEY, DOCUMENT, listingOf(1));
    await index.count([{ repository: "npm", counter: "hits", by: 1 }]);
    expect(await codeOf(read(index))).toBeUndefined();
    const raw = new Database(join(dataDir, "assay.db"));
    raw.pragma("ignore_check_constraints = ON");
    // STRICT tables keep text out of BLOB columns; CAST is what a hand that edits the file would use.
    expect(raw.prepare(sql.replace("= 'x'", "= CAST('x' AS BLOB)")).run().changes).toBeGreaterThan(0);
    raw.close();
    expect(await codeOf(read(index))).toBe("STORE_CORRUPT");
  });

  test("a flipped bit in a body is noticed", async () => {
    const dataDir = temporaryFolder();
    const index = await openIndex(dataDir);
    await index.putDocument(KEY, DOCUMENT, undefined);
    const raw = new Database(join(dataDir, "assay.db"));
    const body = raw.prepare<unknown[], Buffer>("SELECT body_zstd FROM document_bodies").pluck().get() ?? Buffer.alloc(0);
    // The last four bytes are the frame's checksum; this one is content.
    body[body.length - 8] = (body[body.length - 8] ?? 0) ^ 1;
    raw.prepare("UPDATE document_bodies SET body_zstd = ?").run(body);
    raw.close();
    expect(await codeOf(index.document(KEY))).toBe("STORE_CORRUPT");
  });

  test("a damaged body is made good by storing the document again", async () => {
    const dataDir = temporaryFolder();
    const index = await openIndex(dataDir);
    await index.putDocument(KEY, DOCUMENT, undefined);
    const raw = new Database(join(dataDir, "assay.db"));
    raw.exec("UPDATE document_bodies SET body_zstd = x'00'");
    raw.close();
    await index.putDocument(KEY, DOCUMENT, undefined);
    expect(await index.document(KEY)).toEqual(DOCUMENT);
  });
});

describe("a database of an older Assay", () => {
  test("is brought up to date, and its lines are read as they were written", async () => {
    const dataDir = temporaryFolder();
    const raw = new Database(join(dataDir, "assay.db"));
    raw.exec(MIGRATIONS[0] ?? "");
    raw.pragma(`application_id = ${0x41737379}`);
    raw.pragma("user_version = 1");
    const { decidedAt, sizeBytes, url, claims } = ADMISSION;
    const evidence = ADMISSION.evidence.slice(0, 1);
    raw.exec("INSERT INTO packages VALUES (1, 'npm', 'left-pad')");
    raw.exec("INSERT INTO upstreams VALUES (1, 'npm#0')");
    raw.prepare("INSERT INTO artifacts VALUES (1, 1, ?, ?, NULL)").run(REF.version, REF.file);
    raw
      .prepare(
        `INSERT INTO admissions (artifact_id, ecosystem, decided_at, decision, digest, size_bytes, url, upstream_id, claims, evidence, verdict)
         VALUES (1, 'npm', ?, 'admit', ?, ?, ?, 1, ?, ?, ?)`,
      )
      .run(
        decidedAt,
        Buffer.from(DIGEST, "hex"),
        sizeBytes,
        url,
        JSON.stringify(claims),
        JSON.stringify(evidence),
        `{"kind":"admit","warnings":[]}`,
      );
    raw.close();
    const index = await openIndex(dataDir);
    expect(await index.admission(REF)).toEqual({ ...ADMISSION, evidence });
    const newer = { ...ADMISSION, decidedAt: 2, publishedAt: -1, firstSeenAt: 3 };
    await record(index, newer);
    expect(await index.admission(REF)).toEqual(newer);
  });
});

test("evidence larger than all that is kept in memory is read from disk each time", async () => {
  const index = await openIndex(temporaryFolder());
  const [, sigstore] = ADMISSION.evidence;
  if (sigstore?.outcome.kind !== "pass") throw new Error("expected a signature");
  const outcome = { ...sigstore.outcome, claims: { text: "x".repeat(33 * 1024 * 1024) } };
  await record(index, { ...ADMISSION, evidence: [{ ...sigstore, outcome }] });
  const [first, second] = [await index.admission(REF), await index.admission(REF)];
  expect(first?.evidence[0]?.outcome).toMatchObject({ claims: outcome.claims });
  expect(second).not.toBe(first);
  // What fits is kept, and the same object comes back.
  await record(index, ADMISSION);
  expect(await index.admission(REF)).toBe(await index.admission(REF));
});

describe("opening", () => {
  test.each<{ name: string; code: string; prepare: (path: string) => void }>([
    {
      name: "a file that is no database",
      code: "STORE_CORRUPT",
      prepare: (path) => writeFileSync(path, "not a database at all".repeat(100)),
    },
    {
      name: "another program's database",
      code: "CONFIG_INVALID",
      prepare: (path) => new Database(path).exec("CREATE TABLE theirs (id INTEGER)").close(),
    },
  ])("$name: $code, and the file stays as it is", async ({ code, prepare }) => {
    const dataDir = temporaryFolder();
    const path = join(dataDir, "assay.db");
    prepare(path);
    const before = readFileSync(path);
    expect(await codeOf(openIndex(dataDir))).toBe(code);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("a newer Assay's database is refused, and says what to do", async () => {
    const dataDir = temporaryFolder();
    await (await openIndex(dataDir)).close();
    const raw = new Database(join(dataDir, "assay.db"));
    raw.pragma(`user_version = ${MIGRATIONS.length + 1}`);
    raw.close();
    await expect(openIndex(dataDir)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: `the index has schema ${MIGRATIONS.length + 1}, this Assay knows schemas up to ${MIGRATIONS.length}`,
      help: expect.stringContaining("newer Assay"),
    });
  });

  test.each<{ name: string; damage: (path: string) => void }>([
    { name: "lost its end", damage: (path) => truncateSync(path, statSync(path).size - 40 * 4096) },
    {
      name: "was written over in the middle",
      damage: (path) => {
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.fill(0xa5, 4096 * 3));
      },
    },
  ])("a database that $name is reported as damaged, at the latest when that part is read", async ({ damage }) => {
    const dataDir = temporaryFolder();
    const index = await openIndex(dataDir);
    await index.putDocument(KEY, DOCUMENT, listingOf(2000));
    await index.close();
    damage(join(dataDir, "assay.db"));
    const reading = openIndex(dataDir).then((again) => again.files("npm", "left-pad"));
    expect(await codeOf(reading)).toBe("STORE_CORRUPT");
  });

  test("several at once on a new folder: all get the one schema", async () => {
    const dataDir = temporaryFolder();
    const all = await Promise.all(Array.from({ length: 5 }, () => openIndex(dataDir)));
    const [first] = all;
    if (first) await record(first, ADMISSION);
    expect(await all[4]?.admission(REF)).toEqual(ADMISSION);
  });

  test("the database syncs every commit and is for this account only", async () => {
    const dataDir = temporaryFolder();
    const index = await openIndex(dataDir);
    await record(index, ADMISSION);
    for (const file of ["assay.db", "assay.db-wal", "assay.db-shm"]) expect(statSync(join(dataDir, file)).mode & 0o777).toBe(0o600);
    const raw = new Database(join(dataDir, "assay.db"));
    expect(raw.pragma("journal_mode", { simple: true })).toBe("wal");
    expect(raw.pragma("integrity_check", { simple: true })).toBe("ok");
    expect(raw.pragma("foreign_key_check")).toEqual([]);
    raw.close();
  });
});

test("a write that waits in vain for another process answers BUSY", { timeout: 30_000 }, async () => {
  const dataDir = temporaryFolder();
  const index = await openIndex(dataDir);
  const raw = new Database(join(dataDir, "assay.db"));
  raw.exec("BEGIN IMMEDIATE");
  await expect(record(index, ADMISSION)).rejects.toMatchObject({ code: "BUSY", retryAfterSeconds: 1 });
  raw.close();
  await record(index, ADMISSION);
  expect(await index.admission(REF)).toEqual(ADMISSION);
});

test("a new listing of many files writes only the rows that changed", async () => {
  const dataDir = temporaryFolder();
  const index = await openIndex(dataDir);
  const listing = listingOf(5000);
  await index.putDocument(KEY, DOCUMENT, listing);
  const raw = new Database(join(dataDir, "assay.db"));
  onTestFinished(() => void raw.close());
  const changedAt = (time: number) =>
    raw.prepare<unknown[], number>("SELECT count(*) FROM listed_files WHERE changed_at = ?").pluck().get(time);
  await index.putDocument(KEY, { ...DOCUMENT, fetchedAt: 2 }, listing);
  expect(changedAt(2)).toBe(0);
  const files = [...listing.files.slice(2), ...listingOf(5003).files.slice(5000)];
  await index.putDocument(KEY, { ...DOCUMENT, fetchedAt: 3 }, { ...listing, files });
  expect(changedAt(3)).toBe(5);
  expect(await index.files("npm", "left-pad")).toHaveLength(5003);
  await index.putDocument(KEY, { ...DOCUMENT, fetchedAt: 4 }, listingOf(5000, "other"));
  expect(changedAt(4)).toBe(5003);
});

test("a failing write leaves nothing of itself", async () => {
  const dataDir = temporaryFolder();
  const index = await openIndex(dataDir);
  const raw = new Database(join(dataDir, "assay.db"));
  raw.exec("CREATE TRIGGER stop BEFORE INSERT ON claims BEGIN SELECT raise(ABORT, 'stop'); END");
  expect(await codeOf(index.putDocument(KEY, DOCUMENT, listingOf(3)))).toBe("STORE_IO");
  raw.exec("DROP TRIGGER stop");
  raw.close();
  expect(await index.document(KEY)).toBeUndefined();
  expect(await index.files("npm", "left-pad")).toEqual([]);
});

describe("a lease ends with the process that took it", () => {
  const random = "0".repeat(32);
  /** No process has this number: it is past the largest that Linux gives out. */
  const deadProcess = 4_194_305;
  test.each([
    { name: "a process of this machine that is gone", owner: `${HOST}-${deadProcess}-${random} a`, taken: true },
    { name: "one before us with our own number", owner: `${HOST}-${process.pid}-${random} a`, taken: true },
    { name: "a living process of this machine", owner: `${HOST}-${process.ppid}-${random} a`, taken: false },
    { name: "a process of another machine", owner: `${"0".repeat(16)}-${deadProcess}-${random} a`, taken: false },
    { name: "an owner that no process of ours wrote", owner: `${deadProcess}`, taken: false },
  ])("$name: taken at once is $taken", async ({ owner, taken }) => {
    const dataDir = temporaryFolder();
    const index = await openIndex(dataDir);
    const database = new Database(join(dataDir, "assay.db"));
    database.prepare("INSERT INTO leases (key, owner, expires_at) VALUES ('key', ?, 60000)").run(owner);
    database.close();
    expect(await index.lease("key", "b", 1000)).toBe(taken);
  });
});

describe("the decision log", () => {
  test.each([
    { name: "changed", sql: "UPDATE decisions SET outcome = 'admit'" },
    { name: "replaced", sql: "INSERT OR REPLACE INTO decisions SELECT position, artifact_id, ecosystem, 5, outcome, entry FROM decisions" },
    { name: "removed", sql: "DELETE FROM decisions" },
    {
      name: "put after a gap",
      sql: "INSERT INTO decisions SELECT position + 2, artifact_id, ecosystem, decided_at, outcome, entry FROM decisions",
    },
  ])("an entry cannot be $name", async ({ sql }) => {
    const dataDir = temporaryFolder();
    const index = await SqliteIndex.open({ dataDir, clock: { now: () => 0 } });
    onTestFinished(() => index.close());
    await record(index, ADMISSION);
    const database = new Database(join(dataDir, "assay.db"));
    onTestFinished(() => void database.close());
    const before = await index.decisions({ from: 0, limit: 10 });
    expect(() => database.exec(sql)).toThrow("the decision log");
    expect(before).toHaveLength(1);
    expect(await index.decisions({ from: 0, limit: 10 })).toEqual(before);
  });

  test("an entry that was moved by hand is found out", async () => {
    const dataDir = temporaryFolder();
    const index = await SqliteIndex.open({ dataDir, clock: { now: () => 0 } });
    onTestFinished(() => index.close());
    await record(index, ADMISSION);
    await record(index, ADMISSION);
    const database = new Database(join(dataDir, "assay.db"));
    onTestFinished(() => void database.close());
    database.exec(
      "DROP TRIGGER decisions_stay; UPDATE decisions SET entry = (SELECT entry FROM decisions WHERE position = 1) WHERE position = 0",
    );
    expect(await codeOf(index.decisions({ from: 0, limit: 10 }))).toBe("STORE_CORRUPT");
  });
});
