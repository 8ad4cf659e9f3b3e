import type { ArtifactRef } from "../core/artifact.ts";
import { type Checksum, type Digest, parseDigest } from "../core/digest.ts";
import type { VerifierId } from "../core/evidence.ts";
import type { CacheRecords } from "../core/ports/cache-records.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Repository } from "../core/ports/ecosystem.ts";
import { type Foresight, type ListedArchive, type ListedPackage, MARK_CHARACTERS, type Marks } from "../core/ports/foresight.ts";
import type { Index, Sighting } from "../core/ports/index-store.ts";
import type { Policy } from "../core/ports/policy.ts";
import { printableLine } from "../core/printable-line.ts";
import type { Admission, Reason, ReasonCode, Refusal } from "../core/verdict.ts";
import { isWhole } from "./is-whole.ts";
import { type Facts, type History, precedentsOf, questionOf, upstreamNames } from "./judge.ts";
import { mayBeMended } from "./may-be-mended.ts";

interface ForesightDeps {
  readonly index: Pick<Index, "refused" | "sightings">;
  readonly policy: Policy;
  /** Those that look at every archive. */
  readonly verifierIds: readonly VerifierId[];
  /** Whether one of the others would look now where it did not before. */
  readonly wouldLook: (repository: Repository, admission: Admission) => boolean;
  readonly clock: Clock;
  /** Whether no upstream is ever asked: what is not held cannot be had then. */
  readonly offline: boolean;
  /** What became of bytes that were admitted and are not in the store any more. */
  readonly records: Pick<CacheRecords, "removal">;
}

const NOT_HELD = "assay: not held here, and this mirror is offline: it asks nobody for it";

/**
 * How long the refusal of an archive that is not held is shown. Upstream may have published what was missing since, the operator may have raised a limit, a newer
 * Assay may know better; but while a mark keeps every range away, nobody would find out.
 */
const REFUSAL_SHOWN_MS = 24 * 3_600_000;

/** What came was not the archive that the index lists. That is the fault of the way it came, and the next try may be well. */
const OF_OTHER_BYTES: ReadonlySet<ReasonCode> = new Set<ReasonCode>(["CHECKSUM_MISMATCH", "INTEGRITY_VIOLATION"]);

/** What marks are made from, for one package at one moment. */
interface Scene {
  readonly repository: Repository;
  readonly listed: ListedPackage;
  readonly held: ReadonlyMap<string, Admission>;
  /** What was admitted and let go since. Only asked for where nobody can be asked for it. */
  readonly letGo: ReadonlySet<Digest>;
  readonly refused: ReadonlyMap<string, Admission>;
  readonly firstSeenAt: ReadonlyMap<string, number>;
  readonly history: History;
  readonly now: number;
}

/** One archive of it. */
interface Subject {
  readonly archive: ListedArchive;
  readonly held: Admission | undefined;
  /** Its newest line, where that is a refusal. */
  readonly refused: Admission | undefined;
  /** As the journal has them of what is held, else as the index says now. */
  readonly facts: Omit<Facts, "digest" | "sizeBytes" | "evidence">;
}

interface Finding {
  readonly refusal: Refusal | undefined;
  readonly until: number;
}

/**
 * Marks what metadata alone refuses, always: that is a fact about the listing. And what is known to be refused for what was found in it, or offline is not held, where
 * something else is left to fall back to: a mark on the last archive of a package would only keep people from reading why it is refused.
 */
export class MirrorForesight implements Foresight {
  readonly #deps: ForesightDeps;

  constructor(deps: ForesightDeps) {
    this.#deps = deps;
  }

  async marks(repository: Repository, listed: ListedPackage): Promise<Marks> {
    const scene = await this.#scene(repository, listed);
    const foreseen = new Map<string, string>();
    const known = new Map<string, string>();
    let until = Number.POSITIVE_INFINITY;
    for (const archive of listed.archives) {
      const subject = subjectOf(archive, scene);
      if (!subject) continue;
      const forecast = this.#foresee(subject, scene);
      const finding = forecast.refusal ? undefined : this.#recall(subject, scene);
      if (forecast.refusal) foreseen.set(archive.file, inWords(forecast.refusal));
      else if (finding?.refusal) known.set(archive.file, inWords(finding.refusal));
      else if (this.#deps.offline && (!subject.held || scene.letGo.has(subject.held.digest))) known.set(archive.file, NOT_HELD);
      until = Math.min(until, forecast.until, finding?.until ?? until);
    }
    const isOpen = ({ file, withdrawn }: ListedArchive): boolean => !withdrawn && !foreseen.has(file) && !known.has(file);
    const reasons = listed.archives.some(isOpen) ? new Map([...foreseen, ...known]) : foreseen;
    return { reasons, unobtainable: this.#deps.offline ? besideHeld(scene) : new Set(), until };
  }

  barred(repository: Repository, { name, upstream, archives }: Parameters<Foresight["barred"]>[1]): ReadonlyMap<string, string> {
    const barred = new Map<string, string>();
    for (const { version, file, claims } of archives) {
      const { verdict } = this.#deps.policy.foresee({
        ref: { repository: repository.name, ecosystem: repository.ecosystem, name, version, file },
        digest: claimedDigest(claims),
        upstreams: upstreamNames(repository, upstream.id),
        publishedAt: undefined,
        firstSeenAt: undefined,
        packageFirstSeenAt: undefined,
        now: this.#deps.clock.now(),
      });
      const [first, ...others] = verdict.kind === "refuse" ? verdict.reasons.filter(isOfName) : [];
      if (first) barred.set(file, inWords({ kind: "refuse", reasons: [first, ...others] }));
    }
    return barred;
  }

  async #scene(repository: Repository, listed: ListedPackage): Promise<Scene> {
    const { index, clock } = this.#deps;
    const [refused, sightings] = await Promise.all([
      index.refused(repository.name, listed.name),
      index.sightings(repository.name, listed.name),
    ]);
    return {
      repository,
      listed,
      letGo: this.#deps.offline ? await this.#letGo(listed) : new Set(),
      held: new Map(listed.admitted.map((admission) => [keyOf(admission.ref), admission])),
      refused: new Map(refused.map((admission) => [keyOf(admission.ref), admission])),
      firstSeenAt: new Map(sightings.map((sighting) => [keyOf(sighting), sighting.firstSeenAt])),
      history: { packageFirstSeenAt: earliest(sightings), precedents: precedentsOf(listed.admitted) },
      now: clock.now(),
    };
  }

  async #letGo({ admitted }: ListedPackage): Promise<ReadonlySet<Digest>> {
    const letGo = new Set<Digest>();
    for (const { digest } of admitted) if (await this.#deps.records.removal(digest)) letGo.add(digest);
    return letGo;
  }

  /** By metadata alone. */
  #foresee({ archive, held, facts }: Subject, { repository, history, now }: Scene): Finding {
    const { verdict, until } = this.#deps.policy.foresee({
      ref: facts.ref,
      digest: held?.digest ?? claimedDigest(archive.claims),
      upstreams: upstreamNames(repository, facts.upstream),
      publishedAt: facts.publishedAt,
      firstSeenAt: facts.firstSeenAt,
      packageFirstSeenAt: history.packageFirstSeenAt,
      ...tagsOf(archive),
      now,
    });
    return { refusal: verdict.kind === "refuse" ? verdict : undefined, until };
  }

  /** By what was found in it when it was here, judged by the policy of now. */
  #recall(subject: Subject, { repository, history, now }: Scene): Finding | undefined {
    const line = this.#lineOf(subject, now);
    if (!line) return undefined;
    const { digest, evidence } = line;
    const question = questionOf(repository, { ...subject.facts, digest, evidence }, history, now);
    const verdict = this.#deps.policy.decide({ ...question, ...tagsOf(subject.archive) });
    if (verdict.kind !== "refuse" || mayBeMended(line, verdict, this.#deps.wouldLook(repository, line))) return undefined;
    if (subject.held) return { refusal: verdict, until: Number.POSITIVE_INFINITY };
    if (verdict.reasons.some(({ code }) => OF_OTHER_BYTES.has(code))) return undefined;
    return { refusal: verdict, until: line.decidedAt + REFUSAL_SHOWN_MS };
  }

  /** The journal line that says what the archive is. What a verifier never looked at goes down the road again when it is asked for. */
  #lineOf({ archive, held, refused }: Subject, now: number): Admission | undefined {
    const { verifierIds } = this.#deps;
    if (held && isWhole(held, verifierIds)) return held;
    if (!refused || !isWhole(refused, verifierIds)) return undefined;
    if (held) return refused.digest === held.digest ? refused : undefined;
    return now < refused.decidedAt + REFUSAL_SHOWN_MS && isStillListed(refused, archive) ? refused : undefined;
  }
}

/** What is not held of versions of which something is. */
function besideHeld({ listed, held, letGo }: Scene): ReadonlySet<string> {
  const here = new Map([...held].filter(([, { digest }]) => !letGo.has(digest)));
  const versions = new Set([...here.values()].map(({ ref }) => ref.version));
  const others = listed.archives.filter((archive) => versions.has(archive.version) && !here.has(keyOf(archive)));
  return new Set(others.map(({ file }) => file));
}

/** Undefined for what neither is held nor has an upstream that it would come from. */
function subjectOf(archive: ListedArchive, { repository, listed, held, refused, firstSeenAt }: Scene): Subject | undefined {
  const { version, file, publishedAt } = archive;
  const key = keyOf(archive);
  const admission = held.get(key);
  const known = { archive, held: admission, refused: refused.get(key) };
  if (admission) return { ...known, facts: admission };
  if (!listed.upstream) return undefined;
  const ref: ArtifactRef = { repository: repository.name, ecosystem: repository.ecosystem, name: listed.name, version, file };
  const seenAt = firstSeenAt.get(key);
  const times = { ...(publishedAt === undefined ? {} : { publishedAt }), ...(seenAt === undefined ? {} : { firstSeenAt: seenAt }) };
  return { ...known, facts: { ref, upstream: listed.upstream.id, ...times } };
}

/** Whether it is about name, version and upstream alone. Which tags a version carries, and since when it is there, is not known of a list's entry. */
function isOfName({ code, rule }: Reason): boolean {
  return code === "DENIED" || code === "UPSTREAM_NOT_ALLOWED" || (code === "GOVERNANCE" && rule !== "governance.require_tag");
}

/** Whether the index lists what was refused: one that claims other digests by now has another archive under the name. */
function isStillListed(refused: Admission, { claims }: ListedArchive): boolean {
  const known = [...refused.claims, { algorithm: "sha256", hex: refused.digest }];
  return claims.every((claim) => known.some(({ algorithm, hex }) => algorithm === claim.algorithm && hex === claim.hex));
}

function tagsOf({ tags }: ListedArchive): Pick<ListedArchive, "tags"> {
  return tags === undefined ? {} : { tags };
}

function claimedDigest(claims: readonly Checksum[]): Digest | undefined {
  const claimed = new Set(claims.filter(({ algorithm }) => algorithm === "sha256").map(({ hex }) => hex));
  const [only] = claimed;
  return only === undefined || claimed.size > 1 ? undefined : parseDigest(only);
}

function earliest(sightings: readonly Sighting[]): number | undefined {
  const first = sightings.reduce((known, { firstSeenAt }) => Math.min(known, firstSeenAt), Number.POSITIVE_INFINITY);
  return first === Number.POSITIVE_INFINITY ? undefined : first;
}

function keyOf({ version, file }: { readonly version: string; readonly file: string }): string {
  return `${version}\0${file}`;
}

/** As the artifact's own answer begins. */
function inWords({ reasons }: Refusal): string {
  return printableLine(`assay: ${reasons.map(({ text, rule }) => `${text} [${rule}]`).join("; ")}`, MARK_CHARACTERS);
}
