import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ArtifactRef } from "../../src/core/artifact.ts";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import { MAX_DECISION_BYTES } from "../../src/core/decision.ts";
import { type Checksum, parseDigest, parseHexChecksum } from "../../src/core/digest.ts";
import type { Evidence, Outcome, VerifierId } from "../../src/core/evidence.ts";
import type { DecisionFilter, DocumentKey, DocumentRecord, Index, ListedFile } from "../../src/core/ports/index-store.ts";
import type { Admission, Verdict } from "../../src/core/verdict.ts";
import { entryOf, IN_FORCE, record } from "../support/record.ts";
import { codeOf } from "./code-of.ts";

/** One set of stored data. */
export interface IndexBench {
  /** Opens the index. A second one is what another process sees of the same data. The bench closes both. */
  open(): Promise<Index>;
  /** What the clock of every open index says, milliseconds since the epoch. */
  setTime(now: number): void;
}

const REF: ArtifactRef = { repository: "pypi", ecosystem: "pypi", name: "requests", version: "2.32.0", file: "requests-2.32.0.tar.gz" };
const KEY: DocumentKey = { repository: "pypi", key: "simple/requests" };
const ADMIT: Verdict = { kind: "admit", warnings: [] };
const REFUSE: Verdict = {
  kind: "refuse",
  reasons: [
    { code: "CHECKSUM_MISMATCH", rule: "always", verifier: "checksum", text: "expected sha256 aa, got bb", help: "tell the publisher" },
  ],
};

/** What every Index must do. `makeBench` is called within a test, and cleans up when it is over. */
export function indexContract(makeBench: () => IndexBench): void {
  async function openIndex(): Promise<Index> {
    return await makeBench().open();
  }

  describe("admissions", () => {
    test.each<{ name: string; ref: Partial<ArtifactRef> }>([
      { name: "another file", ref: { file: "requests-2.32.0-py3-none-any.whl" } },
      { name: "another version", ref: { version: "2.32.1" } },
      { name: "another package", ref: { name: "requests2" } },
      { name: "another repository", ref: { repository: "internal" } },
      { name: "another ecosystem", ref: { ecosystem: "npm" } },
      { name: "another spelling", ref: { name: "Requests" } },
    ])("an archive's admission says nothing about $name", async ({ ref }) => {
      const index = await openIndex();
      await record(index, admissionOf(REF, ADMIT));
      expect(await index.admission({ ...REF, ...ref })).toBeUndefined();
      expect(await index.admission({ ...REF, ...ref }, { admittedOnly: true })).toBeUndefined();
    });

    test("a refusal is no admission", async () => {
      const index = await openIndex();
      await record(index, admissionOf(REF, REFUSE));
      expect(await index.admission(REF)).toMatchObject({ verdict: REFUSE });
      expect(await index.admission(REF, { admittedOnly: true })).toBeUndefined();
      expect(await index.admitted(REF.repository, REF.name)).toEqual([]);
    });

    test("the newest line counts, and a later refusal does not hide what was admitted", async () => {
      const index = await openIndex();
      const first = admissionOf(REF, ADMIT, { digest: digestOf("first"), decidedAt: 1000 });
      const second = admissionOf(REF, ADMIT, { digest: digestOf("second"), decidedAt: 2000 });
      const refused = admissionOf(REF, REFUSE, { digest: digestOf("other bytes"), decidedAt: 3000 });
      expect(await index.admission(REF)).toBeUndefined();
      for (const line of [first, second, refused]) {
        await record(index, line);
        expect(await index.admission(REF)).toEqual(line);
      }
      expect(await index.admission(REF, { admittedOnly: true })).toEqual(second);
      expect(await index.admitted(REF.repository, REF.name)).toEqual([{ ...second, admittedSince: 2000 }]);
    });

    test("what was admitted of a package is never older than the last line, by whichever process", async () => {
      const bench = makeBench();
      const [index, other] = [await bench.open(), await bench.open()];
      const admitted = async (asked: Index) => (await asked.admitted(REF.repository, REF.name)).map(({ digest }) => digest);
      const lines = ["first", "second", "third"].map((text) => admissionOf(REF, ADMIT, { digest: digestOf(text) }));
      for (const [at, line] of lines.entries()) {
        await record(at === 1 ? other : index, line);
        expect(await admitted(index)).toEqual([line.digest]);
        expect(await admitted(other)).toEqual([line.digest]);
      }
    });

    test("an archive that is checked again stays admitted since these bytes were let in first", async () => {
      const index = await openIndex();
      const [others, ours] = [digestOf("others"), digestOf("ours")];
      for (const [digest, decidedAt] of [
        [others, 1000],
        [ours, 2000],
        [ours, 9000],
      ] as const) {
        await record(index, admissionOf(REF, ADMIT, { digest, decidedAt }));
      }
      await record(index, admissionOf(REF, REFUSE, { digest: ours, decidedAt: 500 }));
      expect(await index.admitted(REF.repository, REF.name)).toMatchObject([{ digest: ours, decidedAt: 9000, admittedSince: 2000 }]);
    });

    test("the newest line is the one recorded last, whatever the clock said", async () => {
      const index = await openIndex();
      await record(index, admissionOf(REF, ADMIT, { decidedAt: 9000 }));
      await record(index, admissionOf(REF, ADMIT, { decidedAt: 10, digest: digestOf("later") }));
      expect(await index.admission(REF)).toMatchObject({ digest: digestOf("later") });
    });

    test("a line is read back as it was written, with all that each verifier found", async () => {
      const index = await openIndex();
      const line = admissionOf(REF, ADMIT, { evidence: EVIDENCE, publishedAt: 1234, firstSeenAt: 5678 });
      await record(index, line);
      expect(await index.admission(REF)).toEqual(line);
    });

    test("the archives of a package are read with all that was found but the statements", async () => {
      const index = await openIndex();
      const line = admissionOf(REF, ADMIT, { evidence: EVIDENCE, publishedAt: 1234, firstSeenAt: 5678 });
      await record(index, line);
      const evidence = EVIDENCE.map(({ outcome, ...about }) => {
        const { statement: _, ...rest } = { statement: undefined, ...outcome };
        return { ...about, outcome: rest };
      });
      expect(evidence).not.toEqual(EVIDENCE);
      expect(await index.admitted(REF.repository, REF.name)).toEqual([{ ...line, evidence, admittedSince: line.decidedAt }]);
    });

    test("a refusal by the policy itself is read back as it was written", async () => {
      const index = await openIndex();
      const reason = { code: "SIGNER_CHANGED", rule: "defaults", verifier: "policy", text: "it changed", help: "ask" } as const;
      await record(index, admissionOf(REF, { kind: "refuse", reasons: [reason] }));
      expect(await index.admission(REF)).toMatchObject({ verdict: { reasons: [reason] } });
    });

    test.each([
      { name: "a fraction", value: 1.5 },
      { name: "not a number", value: Number.NaN },
      { name: "past what a number can hold exactly", value: 1e300 },
    ])("a time in a line that is $name counts as not given: it was upstream's word", async ({ value }) => {
      const index = await openIndex();
      await record(index, admissionOf(REF, ADMIT, { publishedAt: value, firstSeenAt: value }));
      expect(await index.admission(REF)).toEqual(admissionOf(REF, ADMIT));
    });

    test("every archive of a package, each once", async () => {
      const index = await openIndex();
      const refs = ["a.whl", "b.whl", "c.whl"].map((file) => ({ ...REF, file }));
      for (const ref of refs) {
        await record(index, admissionOf(ref, ADMIT, { decidedAt: 1 }));
        await record(index, admissionOf(ref, ADMIT, { decidedAt: 2 }));
      }
      await record(index, admissionOf({ ...REF, name: "other" }, ADMIT));
      expect(await index.admitted(REF.repository, REF.name)).toEqual(
        refs.map((ref) => ({ ...admissionOf(ref, ADMIT, { decidedAt: 2 }), admittedSince: 1 })),
      );
    });

    test("the refused archives of a package are those whose newest line is a refusal", async () => {
      const index = await openIndex();
      const [admitted, refused, mended, worse] = [
        { ...REF, file: "a.whl" },
        { ...REF, file: "b.whl" },
        { ...REF, file: "c.whl" },
        { ...REF, file: "d.whl" },
      ];
      const lines: [ArtifactRef, Verdict][] = [
        [admitted, ADMIT],
        [refused, REFUSE],
        [refused, REFUSE],
        [mended, REFUSE],
        [mended, ADMIT],
        [worse, ADMIT],
        [worse, REFUSE],
        [{ ...REF, name: "other" }, REFUSE],
        [{ ...REF, repository: "internal" }, REFUSE],
      ];
      for (const [position, [ref, verdict]] of lines.entries()) {
        await record(index, admissionOf(ref, verdict, { decidedAt: position, evidence: EVIDENCE }));
      }
      const found = await index.refused(REF.repository, REF.name);
      expect(found.map(({ ref, decidedAt }) => ({ ref, decidedAt }))).toEqual([
        { ref: refused, decidedAt: 2 },
        { ref: worse, decidedAt: 6 },
      ]);
      expect(found[0]).toMatchObject({ verdict: REFUSE, digest: admissionOf(refused, REFUSE).digest });
      expect(JSON.stringify(found)).not.toContain('"statement"');
      expect(await index.refused(REF.repository, "never-heard-of")).toEqual([]);
    });

    test("all that were admitted are walked through page by page, each once, and nothing that was only refused or listed", async () => {
      const index = await openIndex();
      const admitted: readonly ArtifactRef[] = [
        { ...REF, repository: "npm", ecosystem: "npm", name: "@a/b", version: "1.0.0", file: "b-1.0.0.tgz" },
        { ...REF, name: "a", version: "1.0", file: "a-1.0.tar.gz" },
        { ...REF, name: "a", version: "1.0", file: "a-1.0.zip" },
        { ...REF, name: "a", version: "2.0", file: "a-2.0.tar.gz" },
        { ...REF, name: "b", version: "0.1", file: "b-0.1.tar.gz" },
      ];
      // Neither the order of writing nor how often counts.
      for (const ref of [...admitted].reverse()) await record(index, admissionOf(ref, ADMIT));
      for (const ref of admitted) await record(index, admissionOf(ref, ADMIT, { digest: digestOf("again") }));
      await record(index, admissionOf({ ...REF, name: "a", version: "1.5", file: "a-1.5.tar.gz" }, REFUSE));
      await record(index, admissionOf({ ...REF, name: "a", version: "2.0", file: "a-2.0.tar.gz" }, REFUSE));
      await index.putDocument(KEY, documentOf("x"), { name: "a", files: [listedFile("a-3.0.tar.gz", { version: "3.0" })] });
      for (const limit of [1, 2, 5, 100]) {
        const walked: ArtifactRef[] = [];
        for (let page = await index.admittedRefs(limit); page.length > 0; page = await index.admittedRefs(limit, walked.at(-1))) {
          expect(page.length).toBeLessThanOrEqual(limit);
          walked.push(...page);
        }
        expect(walked).toEqual(admitted);
      }
    });

    test("all that were ever decided of are walked through, with what was only refused, and nothing that was only listed", async () => {
      const index = await openIndex();
      const [admitted, refused, both] = [
        { ...REF, name: "a", version: "1.0", file: "a-1.0.tar.gz" },
        { ...REF, name: "a", version: "1.5", file: "a-1.5.tar.gz" },
        { ...REF, name: "b", version: "0.1", file: "b-0.1.tar.gz" },
      ];
      await record(index, admissionOf(both, ADMIT));
      await record(index, admissionOf(both, REFUSE));
      await record(index, admissionOf(refused, REFUSE));
      await record(index, admissionOf(admitted, ADMIT));
      await index.putDocument(KEY, documentOf("x"), { name: "a", files: [listedFile("a-3.0.tar.gz", { version: "3.0" })] });
      expect(await index.decidedRefs(2)).toEqual([admitted, refused]);
      expect(await index.decidedRefs(2, refused)).toEqual([both]);
      expect(await index.decidedRefs(2, both)).toEqual([]);
    });

    test("evidence, claims and reasons come back as they went in", async () => {
      const index = await openIndex();
      const full = admissionOf(REF, REFUSE, {
        claims: [claim("sha256", "x"), claim("md5", "x")],
        evidence: [
          {
            verifier: "checksum",
            subject: digestOf("x"),
            checkedAt: 5,
            outcome: { kind: "invalid", code: "CHECKSUM_MISMATCH", detail: "no" },
          },
          {
            verifier: "archive",
            subject: digestOf("x"),
            checkedAt: 6,
            outcome: { kind: "unavailable", detail: "'; DROP TABLE x; -- \0 ☃" },
          },
          { verifier: "archive", subject: digestOf("x"), checkedAt: 7, outcome: { kind: "absent" } },
          {
            verifier: "archive",
            subject: digestOf("x"),
            checkedAt: 8,
            outcome: { kind: "pass", claims: { strength: "strong", entries: 12, signed: false, names: ["a", "b"] } },
          },
        ],
      });
      await record(index, full);
      expect(await index.admission(REF)).toEqual(full);
    });

    test("two processes: each sees at once what the other recorded, cached answers included", async () => {
      const bench = makeBench();
      const [index, other] = [await bench.open(), await bench.open()];
      expect(await index.admission(REF)).toBeUndefined();
      await record(other, admissionOf(REF, ADMIT));
      expect(await index.admission(REF)).toMatchObject({ verdict: ADMIT });
      await record(index, admissionOf(REF, REFUSE));
      expect(await other.admission(REF)).toMatchObject({ verdict: REFUSE });
    });
  });

  describe("the decision log", () => {
    const whole = { from: 0, limit: 100 };

    test("a journal line and its entry are written together, or neither is", async () => {
      const index = await openIndex();
      const line = admissionOf(REF, ADMIT);
      await expect(index.record(line, { ...entryOf(line), detail: "x".repeat(MAX_DECISION_BYTES) })).rejects.toThrow();
      expect(await index.admission(REF)).toBeUndefined();
      await record(index, line);
      expect(await index.admission(REF)).toEqual(line);
      expect(await index.decisions(whole)).toMatchObject([{ position: 0, entry: { outcome: "admit" } }]);
    });

    test("entries come back as they went in, in the order of writing, and their text is canonical JSON with the position in it", async () => {
      const index = await openIndex();
      const entries = [
        entryOf(admissionOf(REF, ADMIT, { evidence: EVIDENCE, policy: { ...IN_FORCE, ruleAt: "policy.yaml:3:5" } })),
        { ...entryOf(admissionOf(REF, REFUSE)), time: "1999-12-31T00:00:00.000Z", repeats: 7 },
        { ...entryOf(admissionOf(REF, ADMIT)), outcome: "undecided" as const, detail: "'; DROP TABLE x; -- ☃ \ud800" },
        { ...entryOf(admissionOf(REF, ADMIT)), asker: { kind: "command" as const, command: "explain" } },
      ];
      for (const entry of entries) await index.appendDecision(REF, entry);
      const logged = await index.decisions(whole);
      expect(logged.map(({ position }) => position)).toEqual([0, 1, 2, 3]);
      expect(logged.map(({ entry }) => entry)).toEqual(entries);
      expect(logged.map(({ text }) => text)).toEqual(entries.map((entry, position) => canonicalJson({ ...entry, position })));
    });

    test("the newest entry of an archive is the one written last, and another archive's is another's", async () => {
      const index = await openIndex();
      const [first, second] = [admissionOf(REF, ADMIT), admissionOf(REF, REFUSE)].map(entryOf);
      if (!first || !second) throw new Error("two entries were made");
      expect(await index.newestDecision(REF)).toBeUndefined();
      await index.appendDecision(REF, first);
      await index.appendDecision(REF, second);
      await index.appendDecision({ ...REF, file: "other.whl" }, first);
      expect(await index.newestDecision(REF)).toEqual(second);
      expect(await index.newestDecision({ ...REF, ecosystem: "npm" })).toBeUndefined();
      expect(await index.newestDecision({ ...REF, repository: "internal" })).toBeUndefined();
    });

    test("are found by place, time, outcome and package", async () => {
      const index = await openIndex();
      const other = { ...REF, name: "other", file: "other.whl" };
      await index.appendDecision(REF, entryOf(admissionOf(REF, ADMIT, { decidedAt: 1000 })));
      await index.appendDecision(REF, entryOf(admissionOf(REF, REFUSE, { decidedAt: 2000 })));
      await index.appendDecision(other, entryOf(admissionOf(other, REFUSE, { decidedAt: 3000 })));
      await index.appendDecision({ ...REF, version: "3" }, entryOf(admissionOf({ ...REF, version: "3" }, ADMIT, { decidedAt: 1500 })));
      const positions = async (filter: Partial<DecisionFilter>) =>
        (await index.decisions({ ...whole, ...filter })).map(({ position }) => position);
      expect(await positions({ limit: 2 })).toEqual([0, 1]);
      expect(await positions({ from: 2 })).toEqual([2, 3]);
      expect(await positions({ since: 2000 })).toEqual([1, 2]);
      expect(await positions({ outcome: "refuse" })).toEqual([1, 2]);
      const requests = { ecosystem: "pypi", name: REF.name } as const;
      expect(await positions({ package: requests })).toEqual([0, 1, 3]);
      expect(await positions({ package: { ...requests, version: REF.version } })).toEqual([0, 1]);
      expect(await positions({ package: { ...requests, ecosystem: "npm" } })).toEqual([]);
      expect(await positions({ package: { ecosystem: "pypi", name: "other", file: "other.whl" }, outcome: "refuse" })).toEqual([2]);
    });

    test("two processes write to one log, without gaps", async () => {
      const bench = makeBench();
      const [one, two] = [await bench.open(), await bench.open()];
      const entry = entryOf(admissionOf(REF, ADMIT));
      for (const index of [one, two, two, one]) await index.appendDecision(REF, entry);
      expect((await one.decisions(whole)).map(({ position }) => position)).toEqual([0, 1, 2, 3]);
      expect(await two.decisions(whole)).toEqual(await one.decisions(whole));
    });

    test("a line is read back with the policy that it is by", async () => {
      const index = await openIndex();
      const line = admissionOf(REF, ADMIT, { policy: { ...IN_FORCE, ruleAt: "policy.yaml:3:5" } });
      await record(index, line);
      expect(await index.admission(REF)).toEqual(line);
    });
  });

  describe("documents", () => {
    test("comes back as it went in, and another key's is another's", async () => {
      const index = await openIndex();
      const plain = documentOf("plain");
      const full = documentOf("full", { etag: 'W/"1"', lastModified: "Sat, 01 Jan 2022 00:00:00 GMT" });
      await index.putDocument(KEY, plain, undefined);
      await index.putDocument({ ...KEY, repository: "internal" }, full, undefined);
      expect(await index.document(KEY)).toEqual(plain);
      expect(await index.document({ ...KEY, repository: "internal" })).toEqual(full);
      expect(await index.document({ ...KEY, key: "simple/Requests" })).toBeUndefined();
    });

    test.each([
      { name: "empty", body: Buffer.alloc(0) },
      { name: "one byte", body: Buffer.from([0]) },
      { name: "large and repetitive", body: Buffer.alloc(20_000_000, "abcdefgh") },
    ])("a body may be $name", async ({ body }) => {
      const index = await openIndex();
      await index.putDocument(KEY, { ...documentOf("x"), body }, undefined);
      const held = await index.document(KEY);
      expect(held?.body.equals(body)).toBe(true);
    });

    test("a new one replaces all of the old, validators too", async () => {
      const index = await openIndex();
      await index.putDocument(KEY, documentOf("old", { etag: "1", lastModified: "then" }), undefined);
      const fresh = documentOf("new", {
        upstream: "pypi#1",
        url: "https://mirror.example/simple/requests/",
        fetchedAt: 2000,
        validatedAt: 2000,
      });
      await index.putDocument(KEY, fresh, undefined);
      expect(await index.document(KEY)).toEqual(fresh);
    });

    test("touching changes the time of validation and nothing else", async () => {
      const index = await openIndex();
      await index.putDocument(KEY, documentOf("x"), undefined);
      await index.touchDocument(KEY, 5000);
      await index.touchDocument({ ...KEY, key: "simple/nothing" }, 5000);
      expect(await index.document(KEY)).toEqual({ ...documentOf("x"), validatedAt: 5000 });
      expect(await index.document({ ...KEY, key: "simple/nothing" })).toBeUndefined();
    });

    test("a file whose URL is not absolute costs the document, which is then not kept", async () => {
      const index = await openIndex();
      const listing = { name: "requests", files: [listedFile("a.whl"), { ...listedFile("b.whl"), url: "../b.whl" }] };
      expect(await codeOf(index.putDocument(KEY, documentOf("x"), listing))).toBe("UPSTREAM_MALFORMED");
      expect(await index.document(KEY)).toBeUndefined();
      expect(await index.files("pypi", "requests")).toEqual([]);
    });
  });

  describe("listed files", () => {
    const refOf = (file: string): ArtifactRef => ({ ...REF, file });

    test("what was listed is known, with the document's upstream and time", async () => {
      const index = await openIndex();
      const files = [
        listedFile("a.whl", { sizeBytes: 12, publishedAt: 500, extra: { yanked: "broken", nested: { deep: [1, null, "x"] } } }),
        listedFile("b.whl", { claims: [] }),
      ];
      await index.putDocument(KEY, documentOf("1"), { name: "requests", files });
      const known = files.map((file) => ({ ...file, upstream: "pypi#0", firstSeenAt: 1000, listed: true }));
      expect(await index.files("pypi", "requests")).toEqual(known);
      expect(await index.file(refOf("a.whl"))).toEqual(known[0]);
      expect(await index.file(refOf("b.whl"))).toEqual(known[1]);
    });

    test.each<{ name: string; ref: ArtifactRef }>([
      { name: "file", ref: { ...REF, file: "c.whl" } },
      { name: "version", ref: { ...REF, file: "a.whl", version: "2" } },
      { name: "package", ref: { ...REF, file: "a.whl", name: "other" } },
      { name: "repository", ref: { ...REF, file: "a.whl", repository: "internal" } },
    ])("another $name is not known", async ({ ref }) => {
      const index = await openIndex();
      await index.putDocument(KEY, documentOf("1"), { name: "requests", files: [listedFile("a.whl")] });
      expect(await index.file(ref)).toBeUndefined();
    });

    test("what is remembered as lost is known and not listed, until a page lists it", async () => {
      const index = await openIndex();
      const lost = { repository: KEY.repository, key: "lost/a.whl" };
      await index.putDocument(lost, documentOf("1"), { name: "requests", files: [listedFile("a.whl")], isLost: true });
      expect(await index.files("pypi", "requests")).toEqual([expect.objectContaining({ file: "a.whl", listed: false })]);
      await index.putDocument(KEY, documentOf("2", { fetchedAt: 2000 }), { name: "requests", files: [listedFile("a.whl")] });
      await index.putDocument(lost, documentOf("3", { fetchedAt: 3000 }), { name: "requests", files: [listedFile("a.whl")], isLost: true });
      expect(await index.files("pypi", "requests")).toEqual([expect.objectContaining({ file: "a.whl", listed: true })]);
    });

    test("a file that is listed no more stays known, and its first sight never changes", async () => {
      const index = await openIndex();
      const both = { name: "requests", files: [listedFile("a.whl"), listedFile("b.whl")] };
      await index.putDocument(KEY, documentOf("1"), both);
      expect(await index.file(refOf("b.whl"))).toMatchObject({ listed: true });
      await index.putDocument(KEY, documentOf("2", { fetchedAt: 2000 }), { name: "requests", files: [listedFile("a.whl")] });
      expect(await index.file(refOf("b.whl"))).toMatchObject({ listed: false, firstSeenAt: 1000, url: listedFile("b.whl").url });
      expect(await index.file(refOf("a.whl"))).toMatchObject({ listed: true, firstSeenAt: 1000 });
      await index.putDocument(KEY, documentOf("3", { fetchedAt: 3000 }), both);
      expect(await index.file(refOf("b.whl"))).toMatchObject({ listed: true, firstSeenAt: 1000 });
    });

    test("the first sight of each archive, still listed or not, and of none that was only asked for", async () => {
      const index = await openIndex();
      await index.putDocument(KEY, documentOf("1"), { name: "requests", files: [listedFile("a.whl"), listedFile("b.whl")] });
      await index.putDocument(KEY, documentOf("2", { fetchedAt: 2000 }), {
        name: "requests",
        files: [listedFile("b.whl"), listedFile("c.whl")],
      });
      await record(index, admissionOf(refOf("d.whl"), ADMIT));
      await index.putDocument({ ...KEY, key: "simple/other" }, documentOf("3"), { name: "other", files: [listedFile("e.whl")] });
      expect(await index.sightings("pypi", "requests")).toEqual([
        { version: REF.version, file: "a.whl", firstSeenAt: 1000 },
        { version: REF.version, file: "b.whl", firstSeenAt: 1000 },
        { version: REF.version, file: "c.whl", firstSeenAt: 2000 },
      ]);
      expect(await index.firstSeenAt("pypi", "requests")).toBe(1000);
      expect(await index.sightings("internal", "requests")).toEqual([]);
    });

    test("what upstream says anew replaces what it said, claims too", async () => {
      const index = await openIndex();
      await index.putDocument(KEY, documentOf("1"), {
        name: "requests",
        files: [listedFile("a.whl", { sizeBytes: 1, publishedAt: 2, extra: { a: 1 }, claims: [claim("sha256", "1"), claim("md5", "1")] })],
      });
      const fresh = listedFile("a.whl", { url: "https://elsewhere.example/a.whl", claims: [claim("sha256", "2")] });
      await index.putDocument(KEY, documentOf("2", { upstream: "pypi#1", fetchedAt: 2000 }), { name: "requests", files: [fresh] });
      expect(await index.file(refOf("a.whl"))).toEqual({ ...fresh, upstream: "pypi#1", firstSeenAt: 1000, listed: true });
    });

    test("a document that lists nothing leaves what is known alone", async () => {
      const index = await openIndex();
      await index.putDocument(KEY, documentOf("1"), { name: "requests", files: [listedFile("a.whl")] });
      await index.putDocument(KEY, documentOf("2"), undefined);
      expect(await index.file(refOf("a.whl"))).toMatchObject({ listed: true });
      await index.putDocument(KEY, documentOf("3"), { name: "requests", files: [] });
      expect(await index.file(refOf("a.whl"))).toMatchObject({ listed: false });
    });

    test("of two documents that list a file, one that stops does not unlist it", async () => {
      const index = await openIndex();
      const other = { ...KEY, key: "simple/requests.html" };
      const listing = { name: "requests", files: [listedFile("a.whl")] };
      await index.putDocument(KEY, documentOf("1"), listing);
      await index.putDocument(other, documentOf("2", { upstream: "pypi#1" }), listing);
      await index.putDocument(other, documentOf("3", { upstream: "pypi#1", fetchedAt: 9000 }), { name: "requests", files: [] });
      expect(await index.file(refOf("a.whl"))).toMatchObject({ listed: true, upstream: "pypi#0" });
      expect(await index.files("pypi", "requests")).toHaveLength(1);
    });

    test("a document that comes to list another package lists the first one no more", async () => {
      const index = await openIndex();
      await index.putDocument(KEY, documentOf("1"), { name: "requests", files: [listedFile("a.whl")] });
      await index.putDocument(KEY, documentOf("2"), { name: "other", files: [listedFile("a.whl")] });
      expect(await index.file(refOf("a.whl"))).toMatchObject({ listed: false });
      expect(await index.file({ ...refOf("a.whl"), name: "other" })).toMatchObject({ listed: true });
    });

    test("of two entries for one file the last counts", async () => {
      const index = await openIndex();
      const files = [listedFile("a.whl", { sizeBytes: 1 }), listedFile("a.whl", { sizeBytes: 2 })];
      await index.putDocument(KEY, documentOf("1"), { name: "requests", files });
      expect(await index.files("pypi", "requests")).toMatchObject([{ sizeBytes: 2 }]);
    });

    test.each([
      { name: "a fraction", value: 1.5 },
      { name: "not a number", value: Number.NaN },
      { name: "infinite", value: Number.POSITIVE_INFINITY },
      { name: "past what a number can hold exactly", value: 1e300 },
    ])("a size or time that is $name counts as not given", async ({ value }) => {
      const index = await openIndex();
      const files = [listedFile("a.whl", { sizeBytes: value, publishedAt: value })];
      await index.putDocument(KEY, documentOf("1"), { name: "requests", files });
      const known = await index.file(refOf("a.whl"));
      expect(known).toMatchObject({ file: "a.whl" });
      expect(known).not.toHaveProperty("sizeBytes");
      expect(known).not.toHaveProperty("publishedAt");
    });

    test("a negative size counts as not given, a time before 1970 as what it is", async () => {
      const index = await openIndex();
      await index.putDocument(KEY, documentOf("1"), { name: "requests", files: [listedFile("a.whl", { sizeBytes: -1, publishedAt: -1 })] });
      const known = await index.file(refOf("a.whl"));
      expect(known).toMatchObject({ publishedAt: -1 });
      expect(known).not.toHaveProperty("sizeBytes");
    });

    test("an admission before any listing does not count as seeing the file listed", async () => {
      const index = await openIndex();
      await record(index, admissionOf(refOf("a.whl"), ADMIT));
      expect(await index.file(refOf("a.whl"))).toBeUndefined();
      expect(await index.files("pypi", "requests")).toEqual([]);
      await index.putDocument(KEY, documentOf("1", { fetchedAt: 7000 }), { name: "requests", files: [listedFile("a.whl")] });
      expect(await index.file(refOf("a.whl"))).toMatchObject({ firstSeenAt: 7000 });
    });

    test("two processes: each sees at once what the other stored", async () => {
      const bench = makeBench();
      const [index, other] = [await bench.open(), await bench.open()];
      expect(await index.file(refOf("a.whl"))).toBeUndefined();
      await other.putDocument(KEY, documentOf("1"), { name: "requests", files: [listedFile("a.whl")] });
      expect(await index.file(refOf("a.whl"))).toMatchObject({ listed: true });
    });
  });

  test("how much there is: each blob once, whoever it was admitted for, and what was refused not at all", async () => {
    const index = await openIndex();
    expect(await index.usage()).toMatchObject({ blobs: 0, blobBytes: 0, decisions: 0 });
    await record(index, admissionOf(REF, ADMIT));
    await record(index, admissionOf({ ...REF, name: "copy" }, ADMIT));
    await record(index, admissionOf({ ...REF, name: "more" }, ADMIT, { digest: digestOf("more"), sizeBytes: 8 }));
    await record(index, admissionOf({ ...REF, name: "less" }, REFUSE, { digest: digestOf("less"), sizeBytes: 1000 }));
    const usage = await index.usage();
    expect(usage).toMatchObject({ blobs: 2, blobBytes: 50, decisions: 4 });
    expect(usage.indexBytes).toBeGreaterThan(0);
  });

  describe("counters", () => {
    test("add up per repository, over several processes; what was not counted is 0", async () => {
      const bench = makeBench();
      const [index, other] = [await bench.open(), await bench.open()];
      await index.count([]);
      expect((await index.counters()).size).toBe(0);
      await index.count([
        { repository: "pypi", counter: "hits", by: 2 },
        { repository: "npm", counter: "bytes_served", by: 5_000_000_000_000 },
      ]);
      await other.count([
        { repository: "pypi", counter: "hits", by: 3 },
        { repository: "pypi", counter: "misses", by: 1 },
      ]);
      const sums = await index.counters();
      expect([...sums.keys()].sort()).toEqual(["npm", "pypi"]);
      expect(sums.get("pypi")).toMatchObject({ hits: 5, misses: 1, refusals: 0, stale_served: 0 });
      expect(sums.get("npm")).toMatchObject({ bytes_served: 5_000_000_000_000 });
    });
  });

  describe("activity", () => {
    const DAY = 86_400_000;
    const NOON = 20_000 * DAY + DAY / 2;

    test("is what was counted from a day on, over several processes, for as many days as are kept", async () => {
      const bench = makeBench();
      const [index, other] = [await bench.open(), await bench.open()];
      const hits = (by: number) => [{ repository: "npm", counter: "hits", by }] as const;
      for (const [days, by] of [
        [-1, 1],
        [0, 2],
        [399, 4],
        [400, 8],
      ] as const) {
        bench.setTime(NOON + days * DAY);
        await (by === 2 ? other : index).count(hits(by));
      }
      const since = async (days: number) => (await index.activity(NOON + days * DAY)).counters.get("npm")?.hits;
      expect([await since(401), await since(400), await since(399), await since(0), await since(-1)]).toEqual([undefined, 8, 12, 14, 14]);
      // The sums lose nothing.
      expect((await index.counters()).get("npm")).toMatchObject({ hits: 15 });
    });

    test("adds up how upstreams answered", async () => {
      const bench = makeBench();
      bench.setTime(NOON);
      const [index, other] = [await bench.open(), await bench.open()];
      await index.count([], [{ upstream: "npm#0", failed: 1, maxMs: 20.4, buckets: new Map([[3, 2]]) }]);
      await other.count(
        [],
        [
          {
            upstream: "npm#0",
            failed: 2,
            maxMs: 9,
            buckets: new Map([
              [3, 1],
              [5, 1],
            ]),
          },
        ],
      );
      await index.count([], [{ upstream: "pypi#0", failed: 1, maxMs: 0, buckets: new Map() }]);
      expect((await index.activity(NOON)).upstreams).toEqual([
        {
          upstream: "npm#0",
          failed: 3,
          maxMs: 20,
          buckets: new Map([
            [3, 3],
            [5, 1],
          ]),
        },
        { upstream: "pypi#0", failed: 1, maxMs: 0, buckets: new Map() },
      ]);
    });

    test("has what was refused most often, with every time that it was told", async () => {
      const index = await openIndex();
      const at = (time: number, repeats: number) => ({ ...entryOf(admissionOf(REF, REFUSE)), time: new Date(time).toISOString(), repeats });
      await index.appendDecision(REF, at(NOON, 0));
      await index.appendDecision({ ...REF, version: "2.32.1", file: "requests-2.32.1.tar.gz" }, at(NOON, 0));
      await index.appendDecision(REF, at(NOON + 1, 40));
      await index.appendDecision({ ...REF, repository: "internal" }, at(NOON, 0));
      await index.appendDecision(REF, entryOf(admissionOf(REF, ADMIT)));
      const refused = { repository: "pypi", ecosystem: "pypi", name: "requests", code: "CHECKSUM_MISMATCH" };
      expect(await index.refusedPackages({ since: NOON, limit: 10 })).toEqual([
        { ...refused, times: 42 },
        { ...refused, repository: "internal", times: 1 },
      ]);
      expect(await index.refusedPackages({ since: NOON, limit: 1 })).toHaveLength(1);
      expect(await index.refusedPackages({ since: NOON + 1, limit: 10 })).toMatchObject([{ times: 40 }]);
      expect(await index.refusedPackages({ since: NOON, limit: 10, repository: "internal" })).toMatchObject([{ times: 1 }]);
    });
  });

  describe("leases", () => {
    test.each([
      { name: "another owner is told no while it runs", at: 10_999, owner: "b", taken: false },
      { name: "its owner renews it", at: 10_999, owner: "a", taken: true },
      { name: "another owner takes it the moment it ran out", at: 11_000, owner: "b", taken: true },
    ])("$name", async ({ at, owner, taken }) => {
      const bench = makeBench();
      const [index, other] = [await bench.open(), await bench.open()];
      bench.setTime(10_000);
      expect(await index.lease("k\0ey", "a", 1000)).toBe(true);
      bench.setTime(at);
      expect(await other.lease("k\0ey", owner, 1000)).toBe(taken);
    });

    test("renewing counts from now", async () => {
      const bench = makeBench();
      const index = await bench.open();
      bench.setTime(10_000);
      await index.lease("key", "a", 1000);
      bench.setTime(10_900);
      await index.lease("key", "a", 1000);
      bench.setTime(11_800);
      expect(await index.lease("key", "b", 1000)).toBe(false);
    });

    test("only its owner releases it", async () => {
      const index = await openIndex();
      await index.lease("key", "a", 60_000);
      await index.release("key", "b");
      expect(await index.lease("key", "b", 60_000)).toBe(false);
      await index.release("key", "a");
      expect(await index.lease("key", "b", 60_000)).toBe(true);
    });

    test("one key's lease is not another's", async () => {
      const index = await openIndex();
      await index.lease("k\0ey", "a", 60_000);
      expect(await index.lease("k\0ey2", "b", 60_000)).toBe(true);
      expect(await index.lease("k", "b", 60_000)).toBe(true);
    });
  });

  test("what was stored is there after closing and opening again", async () => {
    const bench = makeBench();
    const index = await bench.open();
    await record(index, admissionOf(REF, ADMIT));
    await index.putDocument(KEY, documentOf("1"), { name: "requests", files: [listedFile("a.whl")] });
    await index.count([{ repository: "pypi", counter: "hits", by: 1 }]);
    await index.close();
    await index.close();
    const again = await bench.open();
    expect(await again.admission(REF)).toEqual(admissionOf(REF, ADMIT));
    expect(await again.document(KEY)).toEqual(documentOf("1"));
    expect(await again.files("pypi", "requests")).toHaveLength(1);
    expect((await again.counters()).get("pypi")).toMatchObject({ hits: 1 });
  });

  test("a closed index says so", async () => {
    const index = await openIndex();
    await index.close();
    const calls = [
      index.admission(REF),
      record(index, admissionOf(REF, ADMIT)),
      index.putDocument(KEY, documentOf("1"), undefined),
      index.lease("key", "a", 1000),
    ];
    expect(await Promise.all(calls.map(codeOf))).toEqual(["STORE_IO", "STORE_IO", "STORE_IO", "STORE_IO"]);
  });
}

function digestOf(text: string) {
  return parseDigest(createHash("sha256").update(text).digest("hex"));
}

/** One of each kind of outcome, signer and statement. */
const EVIDENCE: readonly Evidence[] = [
  answer("checksum", { kind: "pass", claims: { strength: "strong", algorithms: ["sha256"] } }),
  answer("archive", { kind: "pass", claims: { entries: 3, manifest: "METADATA" } }),
  answer("sigstore", {
    kind: "pass",
    label: "attestation 1",
    claims: { signed_at: 1, log_index: 2, trust_root_sha256: "ab", predicate_type: "p" },
    signer: {
      kind: "sigstore",
      trust: "public",
      issuer: "https://issuer.example",
      identity: { type: "uri", value: "https://forge.example/acme/tool" },
      source: { repository: "https://forge.example/acme/tool", repositoryId: "1", ownerId: "2", commit: "c", ref: "r", environment: "e" },
    },
    statement: {
      type: "https://in-toto.io/Statement/v1",
      subjects: [{ name: REF.file, digest: { sha256: "ab", gitCommit: "cd" } }],
      predicateType: "p",
      predicate: { nested: { list: [1, null, true, { text: "x" }] } },
    },
  }),
  answer("sigstore", {
    kind: "pass",
    claims: {},
    signer: { kind: "key", keyId: "SHA256:one" },
    statement: { type: "t", subjects: [], predicateType: "p", predicate: null },
  }),
  answer("sigstore", { kind: "invalid", label: "attestation 3", code: "PREDICATE_MISMATCH", detail: "it lies" }),
  answer("sigstore", { kind: "unavailable", label: "the provenance", detail: "503" }),
  answer("openpgp", { kind: "pass", label: "a.asc", claims: { signed_at: 3 }, signer: { kind: "openpgp", fingerprint: "ab".repeat(20) } }),
  answer("openpgp", { kind: "absent", label: "b.asc" }),
  answer("registry-signature", { kind: "pass", claims: { message: "m" }, signer: { kind: "registry", keyId: "SHA256:two" } }),
  answer("registry-signature", { kind: "pass", claims: {}, signer: { kind: "vsa", keyId: "hq" } }),
];

function answer(verifier: VerifierId, outcome: Outcome): Evidence {
  return { verifier, subject: digestOf("bytes"), checkedAt: 1000, outcome };
}

function claim(algorithm: "sha256" | "md5", of: string): Checksum {
  const checksum = parseHexChecksum(algorithm, createHash(algorithm).update(of).digest("hex"), "the simple index of requests");
  if (!checksum) throw new Error(`${algorithm} is not known`);
  return checksum;
}

function admissionOf(ref: ArtifactRef, verdict: Verdict, rest: Partial<Admission> = {}): Admission {
  return {
    ref,
    decidedAt: 1000,
    digest: digestOf("bytes"),
    sizeBytes: 42,
    url: `https://registry.example/${ref.file}`,
    upstream: "pypi#0",
    claims: [claim("sha256", "bytes")],
    evidence: [],
    verdict,
    ...rest,
  };
}

function documentOf(text: string, rest: Partial<DocumentRecord> = {}): DocumentRecord {
  const body = Buffer.from(text);
  return {
    body,
    contentType: "application/json",
    url: "https://registry.example/simple/requests/",
    upstream: "pypi#0",
    fetchedAt: 1000,
    validatedAt: 1000,
    revision: createHash("sha256").update(body).digest("hex"),
    ...rest,
  };
}

function listedFile(file: string, rest: Partial<ListedFile> = {}): ListedFile {
  return { version: REF.version, file, url: `https://files.registry.example/${file}`, claims: [claim("sha256", file)], ...rest };
}
