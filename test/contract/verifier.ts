import { readFileSync } from "node:fs";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { FINDING_CODES, type Outcome, VERIFIER_IDS } from "../../src/core/evidence.ts";
import type { Candidate, Verifier } from "../../src/core/ports/verifier.ts";
import { buildWheel, buildZip, gzip } from "../support/archives.ts";
import { type CandidateOptions, makeCandidate } from "../support/candidate.ts";

interface VerifierUnderTest {
  readonly make: () => Verifier;
  /** Must pass, and must be invalid. */
  readonly good: CandidateOptions;
  readonly bad: CandidateOptions;
}

const WHEEL = buildWheel({ name: "demo", version: "1.0" }).bytes;

/** Bytes that an attacker may send in place of an archive. */
const HOSTILE: readonly (readonly [name: string, bytes: Buffer])[] = [
  ["nothing", Buffer.alloc(0)],
  ["one byte", Buffer.from("P")],
  ["zeros", Buffer.alloc(2048)],
  ["text", Buffer.from("<html>not here</html>")],
  ["half an archive", WHEEL.subarray(0, WHEEL.length / 2)],
  ["an archive twice", Buffer.concat([WHEEL, WHEEL])],
  ["another container", gzip(Buffer.alloc(2048))],
  ["a hostile name", buildZip([{ path: "../../x\u0000\u202e", body: "x" }])],
];

/** What every `Verifier` must hold to. */
export function describeVerifier(name: string, { make, good, bad }: VerifierUnderTest): void {
  describe(`${name} as a verifier`, () => {
    const verifier = make();
    const removals: (() => void)[] = [];
    const candidateFor = (options: CandidateOptions): Candidate => {
      const { candidate, remove } = makeCandidate(options);
      removals.push(remove);
      return candidate;
    };
    const outcomes = async (options: CandidateOptions): Promise<readonly Outcome[]> =>
      [await verifier.verify(candidateFor(options))].flat();
    afterEach(() => {
      for (const remove of removals.splice(0)) remove();
    });
    afterAll(() => verifier.close?.());

    test("it is one of the known verifiers", () => {
      expect(VERIFIER_IDS).toContain(verifier.id);
    });

    test("bad evidence is invalid, with a code and a sentence", async () => {
      const [outcome] = await outcomes(bad);
      expect(outcome).toMatchObject({
        kind: "invalid",
        code: expect.toBeOneOf([...FINDING_CODES]),
        detail: expect.stringMatching(/\w+ \w+/),
      });
    });

    test("good evidence passes, with claims that survive being stored as JSON", async () => {
      for (const outcome of await outcomes(good)) {
        expect(outcome.kind).toBe("pass");
        expect(JSON.parse(JSON.stringify(outcome))).toEqual(outcome);
      }
    });

    test.each(HOSTILE)("%s in place of the archive is answered, not thrown, in printable words", async (_name, bytes) => {
      for (const outcome of await outcomes({ ...good, bytes })) {
        expect(["pass", "invalid", "absent"]).toContain(outcome.kind);
        expect(detailOf(outcome)).toMatch(/^[\x20-\x7e]*$/);
      }
    });

    test("concurrent checks do not disturb each other", async () => {
      const wanted = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? "pass" : "invalid"));
      const found = await Promise.all(wanted.map((kind) => outcomes(kind === "pass" ? good : bad)));
      expect(found.map(([outcome]) => outcome?.kind)).toEqual(wanted);
    });

    test("the archive in quarantine is left as it is", async () => {
      const candidate = candidateFor(good);
      await verifier.verify(candidate);
      expect(readFileSync(candidate.blob.path).equals(good.bytes)).toBe(true);
    });

    test("it can be closed twice", async () => {
      const other = make();
      await other.close?.();
      await expect(other.close?.() ?? Promise.resolve()).resolves.toBeUndefined();
    });
  });
}

function detailOf(outcome: Outcome): string {
  return "detail" in outcome ? outcome.detail : "";
}
