import type { ArtifactRef, EcosystemId } from "../core/artifact.ts";
import type { Asker } from "../core/decision.ts";
import { AssayError, isUpstreamFailure } from "../core/errors.ts";
import type { BlobStore } from "../core/ports/blob-store.ts";
import type { CacheRecords } from "../core/ports/cache-records.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Ecosystem, Repository } from "../core/ports/ecosystem.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { Policy, PolicyQuestion } from "../core/ports/policy.ts";
import { formatPurl, type PackageCoordinates } from "../core/purl.ts";
import { quote } from "../core/quote.ts";
import { upstreamById } from "../core/upstream-names.ts";
import type { Admission } from "../core/verdict.ts";
import type { VerdictReport } from "../policy/explain-verdict.ts";
import { canonicalName } from "../policy/purl-pattern.ts";
import type { PolicyEdit, Suggestion } from "../policy/suggest/suggestions.ts";
import { checkReport } from "./explain/check-report.ts";
import { matchesCoordinates } from "./explain/matches-coordinates.ts";
import type { ArtifactReport, EditReport, SuggestionReport } from "./explain/report.ts";
import { type Facts, questionWithHistory } from "./judge.ts";
import type { Mirror } from "./obtain.ts";
import { type JudgingIndex, rememberingIndex } from "./remembering-index.ts";
import { firstOf, repositoriesOf } from "./repositories-of.ts";

/** A verdict with the policy that it is by: its file as it may be told to anybody, and its revision. */
export interface ExplainedVerdict extends VerdictReport {
  readonly file: string;
  readonly revision: string;
}

export interface ExplainDeps {
  readonly repositories: readonly Repository[];
  readonly ecosystems: Readonly<Record<EcosystemId, Pick<Ecosystem, "listed" | "tags">>>;
  readonly mirror: Pick<Mirror, "line" | "obtain">;
  readonly index: Pick<Index, "admission" | "admitted" | "admittedRefs" | "files" | "firstSeenAt">;
  readonly blobs: Pick<BlobStore, "find">;
  readonly records: Pick<CacheRecords, "removal">;
  readonly policy: Pick<Policy, "boundTo" | "needsTags"> & { explain(question: PolicyQuestion): ExplainedVerdict };
  readonly clock: Clock;
}

/** Rows of the index held at once on a walk through all of it. */
const PAGE_ROWS = 500;
/** Archives fetched for one question: somebody who wants a release of a hundred wheels fetched says which. */
const MOST_FETCHED = 10;

/**
 * What is known of archives and what the policy of now makes of it. The verdict is computed by the same `questionWithHistory` that requests are decided by, so what is
 * explained is what is served.
 */
export class Explainer {
  readonly #deps: ExplainDeps;

  constructor(deps: ExplainDeps) {
    this.#deps = deps;
  }

  /**
   * Every archive that a purl names and that was fetched once, in every repository of its ecosystem, or in the one named. Asks no upstream. None where nothing is known.
   * Throws BAD_REQUEST for a repository that there is not.
   */
  async *known(wanted: PackageCoordinates, repositoryName?: string): AsyncGenerator<ArtifactReport> {
    const index = rememberingIndex(this.#deps.index);
    for (const repository of repositoriesOf(this.#deps.repositories, wanted.ecosystem, repositoryName)) {
      for (const ref of await this.#refsIn(repository, wanted)) {
        const report = await this.#report(ref, index);
        if (report) yield report;
      }
    }
  }

  /**
   * `known`, and where nothing is: every file that upstream lists of that version goes down the road, in the repository named or else the first of the ecosystem: no
   * other upstream is to hear the name. Throws BAD_REQUEST for a purl without a version or of too many files, NOT_FOUND, and what `Mirror.obtain` throws.
   */
  async *obtained(wanted: PackageCoordinates, asker: Asker, repositoryName?: string): AsyncGenerator<ArtifactReport> {
    let isKnown = false;
    for await (const report of this.known(wanted, repositoryName)) {
      isKnown = true;
      yield report.verdict.kind === "undecided" && report.held ? await this.#again(report, asker) : report;
    }
    if (isKnown) return;
    const { ecosystem } = wanted;
    const repository = firstOf(repositoriesOf(this.#deps.repositories, ecosystem, repositoryName), ecosystem);
    for (const ref of await this.#listed(repository, wanted)) {
      const obtained = await this.#deps.mirror.obtain(repository, ref, asker);
      if (obtained.kind === "arriving") await obtained.flight.admission;
    }
    yield* this.known(wanted, repository.name);
  }

  /** Everything that was admitted once, one after the other: no more than a page of it is in memory. */
  async *admitted(): AsyncGenerator<ArtifactReport> {
    const index = rememberingIndex(this.#deps.index);
    let after: ArtifactRef | undefined;
    for (;;) {
      const refs: readonly ArtifactRef[] = await this.#deps.index.admittedRefs(PAGE_ROWS, after);
      for (const ref of refs) {
        const report = await this.#report(ref, index);
        if (report) yield report;
      }
      after = refs.at(-1);
      if (!after) return;
    }
  }

  /** What is held and cannot be decided is verified again, as for anybody who asks for it: the roots or keys may have changed since it was. */
  async #again(report: ArtifactReport, asker: Asker): Promise<ArtifactReport> {
    const { mirror, repositories } = this.#deps;
    const repository = repositories.find(({ name }) => name === report.ref.repository);
    if (!repository) return report;
    try {
      const obtained = await mirror.obtain(repository, report.ref, asker);
      if (obtained.kind === "arriving") await obtained.flight.admission;
    } catch (error) {
      // It stays undecided, and the report says why.
      if (!(error instanceof AssayError)) throw error;
    }
    return (await this.#report(report.ref, this.#deps.index)) ?? report;
  }

  /** What was listed or admitted: an imported archive was never listed. */
  async #refsIn({ name: repository, ecosystem }: Repository, wanted: PackageCoordinates): Promise<readonly ArtifactRef[]> {
    const name = canonicalName(ecosystem, wanted.name);
    const { index } = this.#deps;
    const listed = (await index.files(repository, name)).map(({ version, file }) => ({ repository, ecosystem, name, version, file }));
    const admitted = (await index.admitted(repository, name)).map(({ ref }) => ref);
    const byFile = new Map([...listed, ...admitted].map((ref) => [`${ref.version}\0${ref.file}`, ref]));
    return [...byFile.values()].filter((ref) => matchesCoordinates(ref, wanted));
  }

  async #listed({ name: mount, ecosystem, ...repository }: Repository, wanted: PackageCoordinates): Promise<readonly ArtifactRef[]> {
    const { version } = wanted;
    if (version === undefined) {
      throw new AssayError("BAD_REQUEST", `nothing was fetched of ${quote(wanted.name)} yet, and without a version nothing can be`, {
        help: "add @ and a version to the package URL",
      });
    }
    const files = await this.#deps.ecosystems[ecosystem].listed({ name: mount, ecosystem, ...repository }, wanted.name);
    const name = canonicalName(ecosystem, wanted.name);
    const refs = files
      .map(({ version, file }) => ({ repository: mount, ecosystem, name, version, file }))
      .filter((ref) => matchesCoordinates(ref, wanted));
    if (refs.length === 0) {
      const file = wanted.file === undefined ? "" : ` and the file ${quote(wanted.file)}`;
      throw new AssayError("NOT_FOUND", `the index of ${quote(name)} in ${mount} does not list the version ${quote(version)}${file}`);
    }
    if (refs.length > MOST_FETCHED) {
      throw new AssayError("BAD_REQUEST", `${quote(name)} ${quote(version)} has ${refs.length} files, none of which was fetched yet`, {
        help: `add ?file_name= to the package URL, for instance ?file_name=${refs[0]?.file}`,
      });
    }
    return refs;
  }

  async #report(ref: ArtifactRef, index: JudgingIndex): Promise<ArtifactReport | undefined> {
    const { mirror, repositories, blobs, records } = this.#deps;
    const repository = repositories.find(({ name }) => name === ref.repository);
    // A repository that is configured no more serves nothing, whatever is held of it.
    const line = repository && (await mirror.line(repository, ref));
    if (!line) return undefined;
    const admitted = await index.admission(ref, { admittedOnly: true });
    const judged = await this.#judged(repository, line, index);
    const newest = await index.admission(ref);
    const trust = upstreamById(repository, line.upstream)?.trust ?? "public";
    const held = admitted !== undefined && (await blobs.find(line.digest, line.sizeBytes)) !== undefined;
    const removal = held || !admitted ? undefined : await records.removal(line.digest);
    return {
      ...reportOf(line, judged, trust),
      held,
      removed: removal ? { at: isoTime(removal.removedAt), why: removal.why } : null,
      otherBytes: newest && newest.digest !== line.digest ? { digest: newest.digest, seenAt: isoTime(newest.decidedAt) } : null,
    };
  }

  /** Only where the policy asks for a dist-tag is anybody asked for something: the tags of now. Without them nothing is decided. */
  async #judged(repository: Repository, facts: Facts, index: JudgingIndex): Promise<ExplainedVerdict> {
    const { ecosystems, policy, clock } = this.#deps;
    const ask = (ecosystem: Pick<Ecosystem, "tags">) => questionWithHistory(repository, facts, { ecosystem, index, clock, policy });
    try {
      return policy.explain(await ask(ecosystems[repository.ecosystem]));
    } catch (error) {
      if (!isUpstreamFailure(error)) throw error;
      const verdict = { kind: "undecided", detail: `its dist-tags could not be had: ${error.message}` } as const;
      return { ...policy.explain(await ask({})), verdict, suggestions: [] };
    }
  }
}

function reportOf(line: Admission, judged: ExplainedVerdict, trust: string): Omit<ArtifactReport, "held" | "removed" | "otherBytes"> {
  const { ref, digest, sizeBytes, url, upstream, claims, publishedAt = null, firstSeenAt = null, evidence } = line;
  const { verdict, rule, level, mode, suggestions, unchangeable } = judged;
  const reasons = verdict.kind === "refuse" ? verdict.reasons : verdict.kind === "admit" ? verdict.warnings : [];
  return {
    purl: formatPurl(ref),
    ref,
    decidedAt: isoTime(line.decidedAt),
    decidedThen: line.verdict.kind,
    digest,
    sizeBytes,
    url,
    upstream,
    claims,
    publishedAt,
    firstSeenAt,
    evidence,
    // Evidence about other bytes is none, here as in the verdict.
    checks: evidence.filter(({ subject }) => subject === digest).map((each) => checkReport(each, judged, trust)),
    verdict,
    decidedBy: reasons.map(({ code, rule: label }) => ({ code, rule: label, at: judged.placeOf(label) ?? null })),
    level,
    rule: { label: rule.label, at: judged.placeOf(rule.label) ?? null, pattern: rule.pattern ?? null },
    policy: { file: judged.file, mode, revision: judged.revision },
    suggestions: suggestions.map((suggestion) => suggestionReport(suggestion, judged)),
    unchangeable: unchangeable ?? null,
  };
}

function suggestionReport({ edits, ...suggestion }: Suggestion, { placeOf }: Pick<VerdictReport, "placeOf">): SuggestionReport {
  const report = ({ under, place, yaml }: PolicyEdit): EditReport => ({
    under,
    how: place.how,
    rule: place.how === "add" ? null : place.rule,
    at: place.how === "add" ? null : (placeOf(place.rule) ?? null),
    yaml,
  });
  return { ...suggestion, edits: edits.map(report) };
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}
