import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Evidence } from "../../../src/core/evidence.ts";
import type { PolicyQuestion, Precedent } from "../../../src/core/ports/policy.ts";
import type { Undecided, Verdict } from "../../../src/core/verdict.ts";
import {
  DAY_MS,
  DIGEST,
  NOW,
  precedent,
  question,
  REF,
  signedBy,
  soundWith,
  summary,
  verdictOf,
  workflow,
} from "../../support/question.ts";

const HOUR_MS = 3_600_000;
const SIGNERS = { ours: workflow("acme/tool"), theirs: workflow("eve/tool") } as const;

/** A release of one package, as its index has it. */
interface Release {
  readonly version: string;
  readonly signer: keyof typeof SIGNERS | "nobody";
  /** Undefined where the index does not say. */
  readonly publishedAt: number | undefined;
}

/** Releases of two majors, each uploaded at another time, and an order in which a mirror is asked for them. */
function releases({ mayBeUndated }: { readonly mayBeUndated: boolean }) {
  const signer = fc.constantFrom<Release["signer"]>("ours", "theirs", "nobody");
  const release = fc.record({ major: fc.integer({ min: 1, max: 2 }), signer, undated: mayBeUndated ? fc.boolean() : fc.constant(false) });
  return fc.array(release, { minLength: 2, maxLength: 6 }).chain((list) => {
    const made = list.map(
      (each, age): Release => ({
        version: `${each.major}.${age}.0`,
        signer: each.signer,
        publishedAt: each.undated ? undefined : NOW - (100 - age) * DAY_MS,
      }),
    );
    return fc.record({ made: fc.constant(made), order: fc.shuffledSubarray(made, { minLength: made.length }) });
  });
}

function evidenceOf({ signer }: Release): readonly Evidence[] {
  return soundWith(...(signer === "nobody" ? [] : [signedBy(SIGNERS[signer])]));
}

function fileOf({ version }: Release): string {
  return `tool-${version}.tgz`;
}

function asked(release: Release, over: Partial<PolicyQuestion>): PolicyQuestion {
  const ref = { ...REF, version: release.version, file: fileOf(release) };
  return question({ ref, evidence: evidenceOf(release), publishedAt: release.publishedAt, ...NEVER_LISTED, ...over });
}

/** The whole package was seen at once, so that its index's times count. */
const NEVER_LISTED = { firstSeenAt: undefined, packageFirstSeenAt: undefined };

/** A mirror that keeps what it admits. */
class Mirror {
  readonly held: Precedent[] = [];
  #now = NOW;

  fetch(release: Release): Verdict | Undecided {
    this.#now += HOUR_MS;
    const verdict = verdictOf("", asked(release, { precedents: this.held, now: this.#now }));
    if (verdict.kind !== "admit") return verdict;
    const { version, publishedAt } = release;
    const evidence = evidenceOf(release);
    this.held.push({
      version,
      file: fileOf(release),
      digest: DIGEST,
      publishedAt,
      firstSeenAt: undefined,
      admittedAt: this.#now,
      evidence,
    });
    return verdict;
  }

  /** The verdict of now over what is held. */
  ask(release: Release): Verdict | Undecided | undefined {
    const own = this.held.find(({ version }) => version === release.version);
    return own && verdictOf("", asked(release, { precedents: this.held, heldSince: own.admittedAt, now: this.#now + HOUR_MS }));
  }

  /** The verdict if it came in only now, whatever is held of it. */
  askAnew(release: Release): Verdict | Undecided {
    const others = this.held.filter(({ version }) => version !== release.version);
    return verdictOf("", asked(release, { precedents: others, now: this.#now + HOUR_MS }));
  }
}

function codes(verdict: Verdict | Undecided | undefined): readonly string[] {
  if (verdict?.kind === "refuse") return verdict.reasons.map(({ code }) => code);
  return verdict?.kind === "admit" ? verdict.warnings.map(({ code }) => code) : [];
}

describe("whatever the order in which the archives of a package are asked for", () => {
  test("what was admitted is not refused for what is fetched later", () => {
    fc.assert(
      fc.property(releases({ mayBeUndated: true }), ({ order }) => {
        const mirror = new Mirror();
        for (const release of order) {
          mirror.fetch(release);
          for (const each of order) expect(mirror.ask(each)?.kind ?? "admit").toBe("admit");
        }
      }),
    );
  });

  test("what came to light later shows as a warning of the same kind, and nothing else does", () => {
    fc.assert(
      fc.property(releases({ mayBeUndated: false }), ({ order }) => {
        const mirror = new Mirror();
        for (const release of order) mirror.fetch(release);
        for (const release of order) {
          const verdict = mirror.ask(release);
          if (verdict) expect(codes(verdict)).toEqual(codes(mirror.askAnew(release)));
        }
      }),
    );
  });

  test("what comes in is judged by what is held, not by when that came in", () => {
    fc.assert(
      fc.property(
        releases({ mayBeUndated: false }),
        fc.infiniteStream(fc.integer({ min: 1, max: 1_000_000 })),
        ({ made, order }, times) => {
          const mirror = new Mirror();
          for (const release of order) mirror.fetch(release);
          const elsewhen = mirror.held.map((each) => ({ ...each, admittedAt: NOW + (times.next().value ?? 0) })).reverse();
          const release: Release = { version: "1.99.0", signer: made[0]?.signer ?? "nobody", publishedAt: NOW };
          const now = NOW + 2_000_000;
          const [one, other] = [mirror.held, elsewhen].map((precedents) => verdictOf("", asked(release, { precedents, now })));
          expect(codes(one)).toEqual(codes(other));
        },
      ),
    );
  });

  test("nothing comes to light where the order is that of the uploads", () => {
    fc.assert(
      fc.property(releases({ mayBeUndated: true }), ({ made }) => {
        const mirror = new Mirror();
        for (const release of made.filter(({ publishedAt }) => publishedAt !== undefined)) mirror.fetch(release);
        for (const release of made) expect(codes(mirror.ask(release))).toEqual([]);
      }),
    );
  });
});

describe("an older release by another signer, asked for after a newer one was admitted", () => {
  const newer = { evidence: soundWith(signedBy(SIGNERS.theirs)), heldSince: NOW - 50 * DAY_MS };
  const older: Precedent = { ...precedent("1.0.0", 300, signedBy(SIGNERS.ours)), admittedAt: NOW - DAY_MS };

  test("leaves the newer one admitted, with a warning that says when it was found out", () => {
    const verdict = verdictOf("", question({ ...newer, precedents: [older] }));
    expect(summary(verdict)).toBe("admit SIGNER_CHANGED");
    expect(verdict).toMatchObject({ warnings: [{ text: expect.stringContaining("came to light only after this one was admitted") }] });
  });

  test("binds what comes in from then on", () => {
    expect(summary(verdictOf("", question({ evidence: newer.evidence, precedents: [older] })))).toBe("refuse SIGNER_CHANGED");
  });

  test("is no help to what was known to be wrong when it was admitted, under a policy that did not mind", () => {
    const known = { ...older, admittedAt: NOW - 60 * DAY_MS };
    expect(summary(verdictOf("", question({ ...newer, precedents: [known] })))).toBe("refuse SIGNER_CHANGED");
  });

  test("clears what an even older release by the same signer vouches for", () => {
    const known = { ...older, admittedAt: NOW - 60 * DAY_MS };
    const first: Precedent = { ...precedent("0.9.0", 400, signedBy(SIGNERS.theirs)), admittedAt: NOW - DAY_MS };
    expect(summary(verdictOf("", question({ ...newer, precedents: [known, first] })))).toBe("admit");
  });

  test("takes no evidence for granted that the newer one lost before it was known to have any", () => {
    const unsigned = question({ evidence: soundWith(), heldSince: NOW - 50 * DAY_MS, precedents: [older] });
    expect(summary(verdictOf("", unsigned))).toBe("admit EVIDENCE_LOST");
  });
});
