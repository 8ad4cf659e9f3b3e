import { isUpstreamFailure } from "../../core/errors.ts";
import type { Ecosystem, HeldItem } from "../../core/ports/ecosystem.ts";
import type { Log } from "../../core/ports/log.ts";
import { upstreamById } from "../../core/upstream-names.ts";
import { type EvidenceEnding, isArmored } from "../../ecosystems/aam/signatures/folder-evidence.ts";
import type { ArtifactReport, CheckReport } from "../explain/report.ts";
import type { Candidate } from "./candidates.ts";

/** A signed document that holds under the roots and keys of now, and whose signer the policy of now does not distrust. */
export interface SoundDocument {
  readonly kind: "sigstore" | "openpgp";
  /** As `SignedItem.label`. */
  readonly label: string;
  readonly isStatement: boolean;
  /** Milliseconds since the epoch. */
  readonly checkedAt: number;
}

export interface EvidenceSourceDeps {
  readonly ecosystem: Pick<Ecosystem, "heldItems">;
  readonly log: Pick<Log, "warn">;
}

/** Those by signers that the policy names first: a directory has room for one of each form. */
export function soundDocuments({ checks }: Pick<ArtifactReport, "checks">): readonly SoundDocument[] {
  const isNamed = ({ standing }: CheckReport): number => (standing?.kind === "named" ? 0 : 1);
  return checks
    .filter(({ outcome, standing }) => outcome === "pass" && standing !== null && standing.kind !== "untrusted")
    .toSorted((a, b) => isNamed(a) - isNamed(b))
    .flatMap(({ verifier: kind, label, predicateType, checkedAt }) => {
      if (label === null || (kind !== "sigstore" && kind !== "openpgp")) return [];
      return [{ kind, label, isStatement: predicateType !== null, checkedAt: Date.parse(checkedAt) }];
    });
}

/** What an archive was admitted by, as the files that belong beside it in a local registry. What is not held any more is left out and logged: it could not be told from what was checked. */
export async function evidenceFiles(
  { repository, ref, upstream: id, url, sound }: Pick<Candidate, "repository" | "ref" | "upstream" | "url" | "sound">,
  { ecosystem, log }: EvidenceSourceDeps,
): Promise<ReadonlyMap<EvidenceEnding, Buffer>> {
  const upstream = sound.length === 0 ? undefined : upstreamById(repository, id);
  if (!upstream) return new Map();
  try {
    return chosen(sound, (await ecosystem.heldItems?.(repository, { ref, upstream, url: new URL(url) })) ?? []);
  } catch (error) {
    if (!isUpstreamFailure(error)) throw error;
    log.warn({ err: error, package: ref.name, version: ref.version }, "the evidence of an archive is not held, so the directory has none");
    return new Map();
  }
}

function chosen(sound: readonly SoundDocument[], held: readonly HeldItem[]): ReadonlyMap<EvidenceEnding, Buffer> {
  const files = new Map<EvidenceEnding, Buffer>();
  for (const { kind, label, isStatement, checkedAt } of sound) {
    const found = held.find(({ item }) => item.kind === kind && item.label === label);
    // What was fetched after the check is not what was checked, whatever it is called.
    if (!found || found.fetchedAt > checkedAt) continue;
    const { item } = found;
    if (item.kind === "sigstore") setFirst(files, isStatement ? ".provenance.json" : ".sigstore.json", item.bundle);
    else if (item.kind === "openpgp" && isArmored(item.signature)) setFirst(files, ".asc", item.signature);
  }
  return files;
}

function setFirst(files: Map<EvidenceEnding, Buffer>, ending: EvidenceEnding, body: Buffer): void {
  if (!files.has(ending)) files.set(ending, body);
}
