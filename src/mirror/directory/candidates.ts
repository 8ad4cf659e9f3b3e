import type { ArtifactRef } from "../../core/artifact.ts";
import type { Asker } from "../../core/decision.ts";
import { AssayError, isUpstreamFailure } from "../../core/errors.ts";
import type { Ecosystem, Releases, Repository } from "../../core/ports/ecosystem.ts";
import type { Index } from "../../core/ports/index-store.ts";
import type { LeftOut, LeftOutCode } from "../../ecosystems/aam/directory/left-out.ts";
import { archiveFile, type PackageName, parsePackageName, parseVersion, type Version } from "../../ecosystems/aam/names.ts";
import type { ArtifactReport } from "../explain/report.ts";
import type { Explainer } from "../explain.ts";
import type { Mirror } from "../obtain.ts";
import { type SoundDocument, soundDocuments } from "./evidence-source.ts";
import { holdersByName } from "./holders-by-name.ts";
import { type Ownership, ownerOf } from "./owner-of.ts";

/** A version that belongs into the directory, by what is known of it. Its bytes were not looked at yet. */
export interface Candidate extends Pick<ArtifactReport, "digest" | "sizeBytes" | "upstream" | "url"> {
  readonly repository: Repository;
  readonly ref: ArtifactRef;
  readonly name: PackageName;
  readonly version: Version;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
  /** Whether its bytes are in the store: what was let go there to save space may still be in the directory. */
  readonly held: boolean;
  readonly sound: readonly SoundDocument[];
}

export interface Candidates {
  readonly found: readonly Candidate[];
  readonly tags: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly leftOut: readonly LeftOut[];
}

export interface CandidateDeps extends Ownership {
  readonly ecosystem: Pick<Ecosystem, "memberFor" | "releases">;
  readonly explainer: Pick<Explainer, "known" | "obtained">;
  readonly mirror: Pick<Mirror, "obtain">;
  readonly index: Pick<Index, "admittedRefs">;
}

/** What the directory said before, for what nobody can be asked about now. */
export interface Before {
  has(name: PackageName): boolean;
  isYanked(name: PackageName, version: string): boolean;
}

/**
 * Everything that was admitted once, judged by the policy of now, of names that belong to their repository, and open to new installs: neither yanked by their publisher nor
 * lost by their registry. Throws what the index throws; what concerns one package alone is told in `leftOut`.
 */
export async function candidates(deps: CandidateDeps, before: Before, asker: Asker): Promise<Candidates> {
  const found: Candidate[] = [];
  const tags = new Map<string, ReadonlyMap<string, string>>();
  const leftOut: LeftOut[] = [];
  for (const [text, holders] of await holdersByName(deps.repositories, deps.index)) {
    const name = parsePackageName(text);
    if (!name) {
      leftOut.push(without(text, "NAME", "its folder would be that of a package with a scope"));
      continue;
    }
    const owner = await holderOf(name, holders, deps, before);
    if ("code" in owner) {
      leftOut.push(owner);
      continue;
    }
    const releases = await releasesOf(name, owner, deps);
    if (releases) tags.set(name, releases.tags);
    for await (const known of deps.explainer.obtained({ ecosystem: "aam", name }, asker, owner.name)) {
      const report = await upToDate(owner, known, deps, asker);
      const standing = standingOf(name, owner, { report, releases, before });
      if ("code" in standing) leftOut.push(standing);
      else found.push(standing);
    }
  }
  return { found, tags, leftOut };
}

/**
 * Where roots or keys have changed, signatures count only once they were checked under those of now. A policy that only observes admits the archive without them; the
 * directory must not lose them for it. Whoever asks for the archive has them checked, so that is what is done.
 */
async function upToDate(repository: Repository, report: ArtifactReport, deps: CandidateDeps, asker: Asker): Promise<ArtifactReport> {
  const isChecked = report.checks.every(({ outcome }) => outcome !== "unavailable");
  if (isChecked || !report.held || report.verdict.kind !== "admit") return report;
  try {
    const obtained = await deps.mirror.obtain(repository, report.ref, asker);
    if (obtained.kind === "arriving") await obtained.flight.admission;
  } catch (error) {
    // It stays what it is: admitted, and without the signatures that nobody could check.
    if (!(error instanceof AssayError)) throw error;
  }
  const { ecosystem, name, version, file } = report.ref;
  for await (const renewed of deps.explainer.known({ ecosystem, name, version, file }, repository.name)) return renewed;
  return report;
}

async function holderOf(
  name: PackageName,
  holders: readonly Repository[],
  deps: CandidateDeps,
  before: Before,
): Promise<Repository | LeftOut> {
  try {
    const owner = await ownerOf(name, deps);
    if (owner && holders.includes(owner)) return owner;
    return without(name, "NOT_OWNER", `the name belongs to the repository ${owner?.name ?? ""}, which has admitted nothing of it`);
  } catch (error) {
    if (!isUpstreamFailure(error)) throw error;
    // It was decided when the package came into the directory, and must not leave it because an upstream is down.
    const [holder] = holders;
    if (holder && before.has(name)) return holder;
    return without(name, "FAILED", `nobody can say which repository it belongs to: ${error.message}`);
  }
}

/** Undefined where nobody can be asked: a package that was imported has no pages. */
async function releasesOf(name: PackageName, owner: Repository, { ecosystem }: CandidateDeps): Promise<Releases | undefined> {
  try {
    return await ecosystem.releases?.(owner, name);
  } catch (error) {
    if (isUpstreamFailure(error)) return undefined;
    throw error;
  }
}

function standingOf(
  name: PackageName,
  repository: Repository,
  { report, releases, before }: { readonly report: ArtifactReport; readonly releases: Releases | undefined; readonly before: Before },
): Candidate | LeftOut {
  const { ref, verdict, digest, sizeBytes, upstream, url, held } = report;
  const not = (code: LeftOutCode, reason: string): LeftOut => ({ package: name, version: ref.version, from: "directory", code, reason });
  const version = parseVersion(ref.version);
  if (!version || ref.file !== archiveFile(name, version)) return not("NAME", "it is no SemVer version");
  if (verdict.kind === "refuse") return not("REFUSED", verdict.reasons.map(({ code, text }) => `${code}: ${text}`).join("; "));
  if (verdict.kind === "undecided") return not("UNDECIDED", verdict.detail);
  const closed = releases?.closed.get(version);
  if (closed) return not(closed.by === "mirror" ? "REFUSED" : "YANKED", closed.why);
  if (!releases && before.isYanked(name, version)) return not("YANKED", "it was taken back when its registry could be asked last");
  const publishedAt = report.publishedAt ?? report.firstSeenAt ?? Date.parse(report.decidedAt);
  return { repository, ref, name, version, digest, sizeBytes, upstream, url, publishedAt, held, sound: soundDocuments(report) };
}

function without(name: string, code: LeftOutCode, reason: string): LeftOut {
  return { package: name, version: null, from: "directory", code, reason };
}
