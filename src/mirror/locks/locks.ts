import { type ArtifactRef, artifactKey } from "../../core/artifact.ts";
import type { Checksum } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import { inOrder } from "../../core/in-order.ts";
import type { LockEntry, LockedArtifact, LockedVersion, UncoveredEntry } from "../../core/lock-file.ts";
import type { Ecosystem, Repository } from "../../core/ports/ecosystem.ts";
import type { Index } from "../../core/ports/index-store.ts";
import { formatPurl } from "../../core/purl.ts";
import { firstOf, repositoriesOf } from "../repositories-of.ts";
import { filesOfVersion } from "./files-of-version.ts";
import type { LeftOutArtifact, LockedArtifacts, NamedLock, UnusableEntry, WantedArtifact } from "./locked-artifacts.ts";

export interface LocksDeps {
  readonly repositories: readonly Repository[];
  readonly ecosystems: Readonly<Record<Repository["ecosystem"], Pick<Ecosystem, "listed">>>;
  readonly index: Pick<Index, "admission" | "admitted">;
}

export interface LockQuestion {
  /** The repository to ask, by name. Where left out: one that has admitted the archive, else the first of its ecosystem. */
  readonly repository?: string | undefined;
  /** Why an archive is not wanted, as a clause; undefined for one that is. All are wanted where left out. */
  readonly leftOutBy?: (artifact: LockedArtifact) => string | undefined;
}

/** What one entry comes to. */
export interface EntryFiles {
  readonly artifacts: readonly LockedArtifact[];
  readonly uncovered: readonly UncoveredEntry[];
}

/** Index pages asked for at once. */
const AT_ONCE = 8;

/** Says which archives of which repository a lock means. It fetches index pages where a lock names no files, and no archive. */
export class Locks {
  readonly #deps: LocksDeps;

  constructor(deps: LocksDeps) {
    this.#deps = deps;
  }

  /** Everything that the locks name. Throws BAD_REQUEST for a repository that there is not; what is wrong with an entry stands in `unusable`. */
  async artifacts(locks: readonly NamedLock[], question: LockQuestion = {}): Promise<LockedArtifacts> {
    const found = new Findings();
    const entries = locks.flatMap(({ path, lock }) => lock.entries.map((entry) => ({ lock: path, entry })));
    const read = async ({ lock, entry }: (typeof entries)[number]) => ({ lock, entry, files: await this.#filesOrError(entry, question) });
    for await (const { lock, entry, files } of inOrder(entries, AT_ONCE, read)) {
      if (files instanceof AssayError) {
        found.addUnusable({ lock, at: entry.at, name: nameOf(entry), error: files });
        continue;
      }
      for (const uncovered of files.uncovered) found.uncovered.push({ ...uncovered, lock });
      for (const artifact of files.artifacts) await this.#add(found, lock, artifact, question);
    }
    return found;
  }

  /** The archives that an entry means. Throws BAD_REQUEST where the index has other bytes than are pinned, and what `Ecosystem.listed` throws. */
  async filesOf(entry: LockEntry, repositoryName: string | undefined): Promise<EntryFiles> {
    switch (entry.kind) {
      case "artifact":
        return { artifacts: [entry], uncovered: [] };
      case "version":
        return this.#expand(entry, repositoryName);
      case "uncovered":
        return { artifacts: [], uncovered: [entry] };
      default:
        return entry satisfies never;
    }
  }

  /** Whom an archive is asked of: the repository named, else the first that has admitted it, else the first of its ecosystem. Throws BAD_REQUEST, NOT_FOUND where there is none. */
  async repositoryOf(entry: LockedArtifact, named: string | undefined): Promise<Repository> {
    const repositories = repositoriesOf(this.#deps.repositories, entry.ecosystem, named);
    for (const repository of repositories) {
      if (await this.#deps.index.admission(refIn(repository, entry), { admittedOnly: true })) return repository;
    }
    return firstOf(repositories, entry.ecosystem);
  }

  async #filesOrError(entry: LockEntry, { repository }: LockQuestion): Promise<EntryFiles | AssayError> {
    try {
      return await this.filesOf(entry, repository);
    } catch (error) {
      if (error instanceof AssayError && entry.kind !== "uncovered") return error;
      throw error;
    }
  }

  async #expand(entry: LockedVersion, named: string | undefined): Promise<EntryFiles> {
    const repositories = repositoriesOf(this.#deps.repositories, entry.ecosystem, named);
    const repository = (await this.#knowing(entry, repositories)) ?? firstOf(repositories, entry.ecosystem);
    return filesOfVersion(entry, repository, { ecosystem: this.#deps.ecosystems[entry.ecosystem], index: this.#deps.index });
  }

  async #knowing({ name }: LockedVersion, repositories: readonly Repository[]): Promise<Repository | undefined> {
    for (const repository of repositories) if ((await this.#deps.index.admitted(repository.name, name)).length > 0) return repository;
    return undefined;
  }

  async #add(found: Findings, lock: string, artifact: LockedArtifact, question: LockQuestion): Promise<void> {
    const { at, pins } = artifact;
    const repository = await this.repositoryOf(artifact, question.repository);
    const ref = refIn(repository, artifact);
    const reason = question.leftOutBy?.(artifact);
    if (reason === undefined) found.add({ lock, at, repository, ref, pins });
    else found.leaveOut({ lock, at, repository, ref, reason });
  }
}

export function refIn({ name: repository }: Repository, { ecosystem, name, version, file }: LockedArtifact): ArtifactRef {
  return { repository, ecosystem, name, version, file };
}

/** Collects what the entries come to. */
class Findings implements LockedArtifacts {
  readonly #wanted = new Map<string, WantedArtifact>();
  readonly #leftOut = new Map<string, LeftOutArtifact>();
  readonly uncovered: (UncoveredEntry & { readonly lock: string })[] = [];
  readonly unusable: UnusableEntry[] = [];

  get artifacts(): readonly WantedArtifact[] {
    return [...this.#wanted.values()];
  }

  get leftOut(): readonly LeftOutArtifact[] {
    return [...this.#leftOut.values()];
  }

  leaveOut(artifact: LeftOutArtifact): void {
    this.#leftOut.set(artifactKey(artifact.ref), artifact);
  }

  addUnusable(entry: UnusableEntry): void {
    this.unusable.push(entry);
  }

  /** Of two locks that name one archive both must be met, so where they disagree no bytes can be right. */
  add(wanted: WantedArtifact): void {
    const key = artifactKey(wanted.ref);
    const known = this.#wanted.get(key);
    const conflict = known && conflictOf(known.pins, wanted.pins);
    if (conflict) {
      const { lock, at, ref } = wanted;
      this.addUnusable({ lock, at, name: formatPurl(ref), error: disagreement(known, conflict) });
      return;
    }
    const [first, ...others] = known?.pins ?? wanted.pins;
    const more = known ? wanted.pins.filter((pin) => !known.pins.some((other) => isSame(pin, other))) : [];
    this.#wanted.set(key, { ...(known ?? wanted), pins: [first, ...others, ...more] });
  }
}

function conflictOf(
  left: readonly Checksum[],
  right: readonly Checksum[],
): { readonly left: Checksum; readonly right: Checksum } | undefined {
  for (const a of left) for (const b of right) if (a.algorithm === b.algorithm && a.hex !== b.hex) return { left: a, right: b };
  return undefined;
}

function isSame(left: Checksum, right: Checksum): boolean {
  return left.algorithm === right.algorithm && left.hex === right.hex;
}

function disagreement(known: WantedArtifact, { left, right }: { readonly left: Checksum; readonly right: Checksum }): AssayError {
  const { algorithm } = left;
  return new AssayError(
    "BAD_REQUEST",
    `two locks pin other bytes of ${known.ref.file}: ${algorithm} ${left.hex} (claimed by ${left.claimedBy}), and ${algorithm} ${right.hex} (claimed by ${right.claimedBy})`,
    { help: "find out which of them are the maker's, and make the other lock anew" },
  );
}

function nameOf(entry: LockEntry): string {
  return entry.kind === "uncovered" ? entry.name : formatPurl(entry);
}
