import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import { AssayError, type ErrorCode, isUpstreamFailure } from "../../core/errors.ts";
import { formatGitRepository, type GitRepository, type ObjectId, parseGitRepository, type RefName } from "../../core/git.ts";
import { type Glob, matchGlob } from "../../core/glob.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { GitProtocol, GitRecords, GitRefChange, GitRefs, GitRepositories, GitRepositoryRecord } from "../../core/ports/git.ts";
import type { Index } from "../../core/ports/index-store.ts";
import type { Log } from "../../core/ports/log.ts";
import { quote } from "../../core/quote.ts";
import { SingleFlight } from "../../core/single-flight.ts";
import type { Counters } from "../counters.ts";
import { judgeHead } from "./judge-head.ts";
import { judgeRefs, type OnRewrite } from "./judge-refs.ts";
import { type GitPin, pinnedRefs } from "./pinned-refs.ts";

export interface GitHost {
  /** As clients name it: `git.example`, with a port where it has one. */
  readonly host: string;
  readonly caseSensitive: boolean;
  /** Patterns of OWNER/NAME, as this host spells them for us; undefined for all of its repositories. */
  readonly repositories: readonly Glob[] | undefined;
}

export interface GitSettings {
  readonly hosts: readonly GitHost[];
  /** How long what upstream said counts. */
  readonly refreshMs: number;
  readonly onRewrite: OnRewrite;
  readonly pins: readonly GitPin[];
}

export interface GitSourcesDeps {
  readonly repositories: GitRepositories;
  readonly records: GitRecords;
  readonly index: Pick<Index, "lease" | "release">;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a client gets to see of a repository now. */
export interface OpenedRepository {
  /** Why upstream could not be asked, where it could not. */
  readonly stale: string | undefined;
  /** When upstream was last asked with success, milliseconds since the epoch. */
  readonly checkedAt: number;
  /** How many refs are served as they were before upstream rewrote them. */
  readonly refusedRefs: number;
}

/** What is told of a repository: ref → object, and what became of it upstream. */
export interface DescribedRepository {
  readonly repository: string;
  readonly record: GitRepositoryRecord;
  readonly served: GitRefs;
  readonly pins: readonly GitPin[];
  readonly changes: readonly GitRefChange[];
}

/** What counts are booked under, and the first segment of every address. No repository of packages can be called so. */
export const GIT_NAME = "git";

const LEASE_MS = 15_000;
const LEASE_POLL_MS = 200;
const REMEMBERED = 4096;
/** What keeps a repository from being brought up to date, beside upstream's failures, and is no reason to withhold what is held: upstream deleted it, or the disk is full. */
const BEARABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["NOT_FOUND", "STORE_FULL"]);
const TOLD_CHANGES = 100;

/**
 * The road of a git source: name → ask → fetch into quarantine → judge each ref → promote → record → publish. What was served once is served for ever, whatever upstream loses, and is changed
 * only by what the judgement takes.
 */
export class GitSources {
  readonly #deps: GitSourcesDeps;
  readonly #settings: GitSettings;
  readonly #owner = randomUUID();
  readonly #flights = new SingleFlight<OpenedRepository>();
  /** Default branches that upstream chose and that were not taken, by repository: told and fetched for once. */
  readonly #refusedHeads = new LRUCache<string, RefName>({ max: REMEMBERED });
  readonly #opened = new LRUCache<string, { readonly opened: OpenedRepository; readonly until: number }>({ max: REMEMBERED });

  constructor(deps: GitSourcesDeps, settings: GitSettings) {
    this.#deps = deps;
    this.#settings = settings;
  }

  /** The repository that these decoded path segments name. Throws NOT_FOUND for names that no host has, UPSTREAM_NOT_ALLOWED for what is not configured to be mirrored. */
  find(host: string, owner: string, name: string): GitRepository {
    const found = this.#settings.hosts.find((candidate) => candidate.host === host.toLowerCase());
    if (!found) {
      throw new AssayError("UPSTREAM_NOT_ALLOWED", `no git host ${quote(host)} is mirrored here`, {
        help: "the operator can add it to git.hosts",
      });
    }
    const repository = parseGitRepository(found, owner, name);
    if (!repository) throw new AssayError("NOT_FOUND", `${quote(`${owner}/${name}`)} is no OWNER/REPOSITORY of a git host`);
    const path = `${repository.owner}/${repository.name}`;
    if (found.repositories && !found.repositories.some((pattern) => matchGlob(pattern, path))) {
      throw new AssayError(
        "UPSTREAM_NOT_ALLOWED",
        `${formatGitRepository(repository)} is none of the repositories that are mirrored here`,
        {
          help: "the operator can add it to the host's repositories",
        },
      );
    }
    return repository;
  }

  /**
   * Makes ready what is served: asks upstream where it was last asked longer than `refreshMs` ago. Any number of callers, in any number of processes, ask and fetch once.
   * Where upstream fails, what is held is served, and says so. Throws what `GitRepositories` throws, NOT_FOUND, and UPSTREAM_NOT_ALLOWED where a pinned commit cannot be had.
   */
  async open(repository: GitRepository): Promise<OpenedRepository> {
    const key = formatGitRepository(repository);
    const known = this.#opened.get(key);
    if (known && this.#deps.clock.now() < known.until) {
      this.#deps.counters.add(GIT_NAME, "hits", 1);
      return known.opened;
    }
    return this.#flights.run(key, async () => {
      const opened = await this.#open(repository, key);
      this.#opened.set(key, { opened, until: this.#deps.clock.now() + this.#settings.refreshMs });
      return opened;
    });
  }

  /** What `info/refs` is answered with, of an opened repository. */
  advertise(repository: GitRepository, protocol: GitProtocol): Promise<Buffer> {
    return this.#deps.repositories.advertise(repository, protocol);
  }

  /** Answers one request for objects from what is held. Throws NOT_FOUND where nothing is: a client asks for the refs first. */
  async uploadPack(repository: GitRepository, protocol: GitProtocol, request: Buffer): Promise<Readable> {
    const key = formatGitRepository(repository);
    // After a restart nobody may have opened it yet, and the pins of now may not be those of then.
    if (!this.#opened.has(key)) await this.open(repository);
    return this.#deps.repositories.uploadPack(repository, protocol, request);
  }

  /** What is on record, without asking upstream. Throws NOT_FOUND where nothing is. */
  async describe(repository: GitRepository): Promise<DescribedRepository> {
    const key = formatGitRepository(repository);
    const record = await this.#deps.records.find(key);
    if (!record) throw new AssayError("NOT_FOUND", `nothing was fetched of ${key} yet`, { help: "clone it once through this mirror" });
    const pins = this.#pinsOf(key);
    return {
      repository: key,
      record,
      served: pinnedRefs(record, pins),
      pins,
      changes: await this.#deps.records.changes(key, TOLD_CHANGES),
    };
  }

  /** Holds the lease all the while, so that two processes on one data folder neither fetch nor publish at once. */
  async #open(repository: GitRepository, key: string): Promise<OpenedRepository> {
    const { index, log } = this.#deps;
    const lease = `git\0${key}`;
    let renewal: NodeJS.Timeout | undefined;
    try {
      while (!(await index.lease(lease, this.#owner, LEASE_MS))) await sleep(LEASE_POLL_MS);
      renewal = setInterval(() => void index.lease(lease, this.#owner, LEASE_MS).catch(() => {}), LEASE_MS / 3);
      const { record, stale } = await this.#current(repository, key);
      const pins = this.#pinsOf(key);
      for (const pin of pins) await this.#mustHold(repository, pin);
      await this.#deps.repositories.publish(repository, pinnedRefs(record, pins));
      const refusedRefs = record.refs.filter(({ object, upstream }) => upstream !== null && object !== upstream).length;
      return { stale, checkedAt: record.checkedAt, refusedRefs };
    } finally {
      clearInterval(renewal);
      await index.release(lease, this.#owner).catch((error: unknown) => log.warn({ err: error }, "a lease was not released; it runs out"));
    }
  }

  /** What is on record, asked for anew where it is not fresh; where upstream fails, what is held. */
  async #current(
    repository: GitRepository,
    key: string,
  ): Promise<{ readonly record: GitRepositoryRecord; readonly stale: string | undefined }> {
    const { records, clock, counters, log } = this.#deps;
    const held = await records.find(key);
    const missing = await this.#missingPins(repository, key);
    const isFresh = held !== undefined && clock.now() < held.checkedAt + this.#settings.refreshMs;
    if (isFresh && missing.length === 0) return { record: held, stale: undefined };
    try {
      return { record: await this.#refresh(repository, key, held, missing), stale: undefined };
    } catch (error) {
      if (!held || !(error instanceof AssayError) || !(BEARABLE.has(error.code) || isUpstreamFailure(error))) throw error;
      counters.add(GIT_NAME, "stale_served", 1);
      log.warn({ repository: key, code: error.code, detail: error.message }, "a git repository is served as it was: upstream failed");
      return { record: held, stale: error.message };
    }
  }

  async #refresh(
    repository: GitRepository,
    key: string,
    held: GitRepositoryRecord | undefined,
    missing: readonly GitPin[],
  ): Promise<GitRepositoryRecord> {
    const { repositories, records, clock, counters } = this.#deps;
    const offered = await repositories.ask(repository);
    if (!offered) throw new AssayError("NOT_FOUND", `${repository.host} has no repository ${repository.owner}/${repository.name}`);
    const now = clock.now();
    if (held && missing.length === 0 && this.#isSettled(key, held, offered)) {
      await records.touch(key, now);
      return { ...held, checkedAt: now };
    }
    counters.add(GIT_NAME, "misses", 1);
    const commits = missing.map(({ commit }) => commit);
    const quarantine = await repositories.fetch(repository, commits);
    try {
      const { onRewrite } = this.#settings;
      const descends = (commit: ObjectId, ancestor: ObjectId): Promise<boolean> => quarantine.descends(commit, ancestor);
      const { refs, changes } = await judgeRefs(held?.refs ?? [], quarantine.refs, { onRewrite, descends, now });
      const { head, kind } = await judgeHead(held?.head, offered.head, { refs, pins: this.#pinsOf(key), onRewrite, descends });
      const taken = refs.filter(({ ref, object }) => object !== null && quarantine.refs.get(ref) === object);
      await quarantine.promote(
        taken.map(({ ref }) => ref),
        commits,
      );
      const record = { head, checkedAt: now, refs };
      await records.put(key, record, changes);
      if (kind === "refused" && offered.head !== undefined) this.#refusedHeads.set(key, offered.head);
      if (kind !== "taken") this.#tellHead(key, { before: held?.head, after: offered.head, isTaken: kind === "rewritten" });
      this.#tell(key, changes);
      return record;
    } finally {
      await quarantine.discard();
    }
  }

  /** Whether upstream has what it had, and there is nothing that the policy of now takes and the one before it did not. */
  #isSettled(key: string, held: GitRepositoryRecord, offered: GitRefs): boolean {
    const upstream = held.refs.filter((record) => record.upstream !== null);
    const isSame = upstream.length === offered.refs.size && upstream.every((record) => offered.refs.get(record.ref) === record.upstream);
    const isTaken = this.#settings.onRewrite === "refuse" || upstream.every((record) => record.object === record.upstream);
    const { head = held.head } = offered;
    return isSame && isTaken && (head === held.head || head === this.#refusedHeads.get(key));
  }

  #pinsOf(key: string): readonly GitPin[] {
    return this.#settings.pins.filter(({ repository }) => repository === key);
  }

  async #missingPins(repository: GitRepository, key: string): Promise<readonly GitPin[]> {
    const missing: GitPin[] = [];
    for (const pin of this.#pinsOf(key)) if (!(await this.#deps.repositories.holds(repository, pin.commit))) missing.push(pin);
    return missing;
  }

  async #mustHold(repository: GitRepository, { ref, commit }: GitPin): Promise<void> {
    if (await this.#deps.repositories.holds(repository, commit)) return;
    throw new AssayError(
      "UPSTREAM_NOT_ALLOWED",
      `${formatGitRepository(repository)}: expected ${ref} at commit ${commit}, where git.pins puts it, but neither the mirror nor upstream has that commit`,
      { help: "correct the pin, or find out why upstream lost the commit" },
    );
  }

  #tellHead(
    key: string,
    { isTaken, ...heads }: { readonly before?: RefName | undefined; readonly after?: RefName | undefined; readonly isTaken: boolean },
  ): void {
    const what = isTaken ? "taken, since git.on_rewrite is warn" : "refused, the default branch stays";
    this.#deps.log.warn({ repository: key, ...heads }, `upstream made another history its default branch: ${what}`);
  }

  #tell(key: string, changes: readonly GitRefChange[]): void {
    for (const { ref, kind, before, after } of changes) {
      const fields = { repository: key, ref, before, after };
      switch (kind) {
        case "refused":
          this.#deps.log.warn(fields, "upstream rewrote a git ref: refused, what was there before is served on");
          break;
        case "rewritten":
          this.#deps.log.warn(fields, "upstream rewrote a git ref: taken, since git.on_rewrite is warn");
          break;
        case "displaced":
          this.#deps.log.warn(fields, "a git ref that upstream had deleted gave way to one that git cannot have beside it");
          break;
        case "deleted":
          this.#deps.log.info(fields, "upstream deleted a git ref: it is served on");
          break;
        case "created":
        case "forwarded":
          this.#deps.log.debug(fields, `a git ref was ${kind}`);
          break;
        default:
          kind satisfies never;
      }
    }
  }
}
