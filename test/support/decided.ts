import type { ArtifactRef } from "../../src/core/artifact.ts";
import type { DecisionEntry } from "../../src/core/decision.ts";
import type { Index } from "../../src/core/ports/index-store.ts";
import type { Admission, Verdict } from "../../src/core/verdict.ts";
import { DIGEST } from "./question.ts";
import { entryOf } from "./record.ts";

const ADMIT: Verdict = { kind: "admit", warnings: [] };

/** The archive of a made-up npm package. */
export function npmArchive(name: string, version = "1.0.0"): ArtifactRef {
  return { repository: "npm", ecosystem: "npm", name, version, file: `${name}-${version}.tgz` };
}

/** Writes that it was decided about an archive to the decision log. */
export async function decide(
  index: Pick<Index, "appendDecision">,
  ref: ArtifactRef,
  { verdict = ADMIT, ...more }: Partial<DecisionEntry> & { readonly verdict?: Verdict } = {},
): Promise<void> {
  const admission: Admission = {
    ref,
    decidedAt: 0,
    digest: DIGEST,
    sizeBytes: 1,
    url: "https://registry.example/",
    upstream: "npm#0",
    claims: [],
    evidence: [],
    verdict,
  };
  await index.appendDecision(ref, { ...entryOf(admission), ...more });
}
