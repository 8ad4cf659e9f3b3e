import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import { type ArtifactRef, artifactKey } from "../core/artifact.ts";
import type { Asker } from "../core/decision.ts";
import type { Checksum } from "../core/digest.ts";
import { AssayError, type ErrorCode, isUpstreamFailure } from "../core/errors.ts";
import type { VerifierId } from "../core/evidence.ts";
import type { AdmittedBlob, BlobStore } from "../core/ports/blob-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Ecosystem, Repository, Resolution } from "../core/ports/ecosystem.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { Log } from "../core/ports/log.ts";
import { isTrusting } from "../core/ports/verifier.ts";
import { formatPurl } from "../core/purl.ts";
import { Semaphore } from "../core/semaphore.ts";
import { upstreamById } from "../core/upstream-names.ts";
import type { Admission, Refusal, Verdict } from "../core/verdict.ts";
import { type AdmitDeps, type Arrival, admit } from "./admit.ts";
import { upstreamsFor } from "./bound-upstreams.ts";
import type { Counters } from "./counters.ts";
import type { DecisionLog } from "./decision-log.ts";
import { Flight, type Withhold } from "./flight.ts";
import { isWhole } from "./is-whole.ts";
import { EvidenceUnavailable, type Judged, type JudgingPolicy, judge } from "./judge.ts";
import { lookingAgain, mayBeMended } from "./may-be-mended.ts";
import { newestLine } from "./newest-line.ts";
import { isOutdated, outdatedVerifiers, withoutOutdated } from "./outdated.ts";
import { type Reverification, reverify } from "./reverify.ts";
import { wouldLook } from "./would-look.ts";

/** What is known of an archive without asking an upstream. */
export type Held =
  | { readonly kind: "held"; readonly blob: AdmittedBlob; readonly admission: Admission; readonly verdict: Exclude<Verdict, Refusal> }
  | { readonly kind: "refused"; readonly admission: Admission; readonly refusal: Refusal };

/** What asking for an archive comes to. */
export type Obtained = Held | { readonly kind: "arriving"; readonly flight: Flight };

/** Who wants an archive, and the digests that they know it by already. */
export interface Errand {
  readonly asker: Asker;
  readonly pins: readonly Checksum[];
  /** As in `AdmitDeps`. */
  readonly lost?: Resolution;
}

export interface ObtainSettings {
  readonly withhold: Withhold;
  /**
   * How long the refusal of an archive whose first bytes had gone out answers by itself: long enough for the client whose connection was cut to
   * come back and read the reason. Others were told the reason at once, so their next request asks an upstream that may be mended by then.
   */
  readonly refusalTtlMs: number;
}

export interface ObtainDeps extends Omit<AdmitDeps, "ecosystem" | "index" | "decisions"> {
  readonly ecosystems: Readonly<Record<Repository["ecosystem"], Ecosystem>>;
  readonly index: Pick<Index, "admission" | "admitted" | "firstSeenAt" | "record" | "lease" | "release">;
  readonly blobs: BlobStore;
  readonly policy: JudgingPolicy;
  readonly decisions: DecisionLog;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Log;
  /** Hears of every archive that a fetch was decided of: admitted or refused, its package's pages are others from now on. */
  readonly decided: (admission: Admission) => void;
}

/** A lease is renewed three times before it runs out; another process waits at most this long for a crashed one. */
const LEASE_MS = 15_000;
const LEASE_POLL_MS = 100;

/** What keeps an archive from being checked anew, beside upstream's failures, and is no reason to withhold what is held. */
const ALSO_BEARABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["NOT_FOUND", "STORE_FULL"]);

/** From disk when we hold it and the policy still admits it; else by the road. The only way to an archive's bytes. */
export class Mirror {
  readonly #deps: ObtainDeps;
  readonly #settings: ObtainSettings;
  readonly #flights = new Map<string, Flight>();
  readonly #refused: LRUCache<string, { readonly admission: Admission; readonly until: number }>;
  readonly #slots: Semaphore;
  readonly #verifierIds: readonly VerifierId[];
  /** Those whose evidence rests on roots and keys. */
  readonly #trusting: ReadonlySet<string>;

  constructor(deps: ObtainDeps, settings: ObtainSettings) {
    this.#deps = deps;
    this.#settings = settings;
    this.#trusting = new Set(deps.verifiers.filter(isTrusting).map(({ id }) => id));
    this.#refused = new LRUCache({ max: 10_000 });
    this.#verifierIds = deps.verifiers.flatMap((verifier) => (verifier.wouldLook ? [] : verifier.id));
    this.#slots = new Semaphore({ slots: deps.limits.fetches, queue: deps.limits.fetchQueue, what: "archive fetches" });
  }

  /** Archives that wait for their turn to be fetched. */
  get waitingFetches(): number {
    return this.#slots.waiting;
  }

  /**
   * Answers at once from what is held or known; otherwise with the flight that fetches it, shared by all who ask meanwhile. What `asker` is told stands in the
   * decision log by then. `pins` are further claims for bytes that are fetched to meet, from a lock file. What was
   * admitted before they were given need not meet them: whoever gives them compares. `lost` leads to an archive that its upstream lists no more.
   */
  async obtain(
    repository: Repository,
    ref: ArtifactRef,
    asker: Asker,
    pins: readonly Checksum[] = [],
    lost?: Resolution,
  ): Promise<Obtained> {
    const known = await this.#telling(asker, async () => (await this.#checked(repository, ref)) ?? this.#recentlyRefused(ref));
    return known ?? { kind: "arriving", flight: this.#fly(repository, ref, { asker, pins, ...(lost ? { lost } : {}) }) };
  }

  /**
   * What is on disk, judged by the policy of now from all that is known about these bytes, under the roots and keys of now. Undefined where there is nothing, or
   * where its bytes were damaged.
   */
  async held(repository: Repository, ref: ArtifactRef, asker: Asker): Promise<Held | undefined> {
    return this.#telling(asker, async () => {
      const admission = await this.#admittedLine(repository, ref);
      return admission && this.#judged(repository, admission);
    });
  }

  async #telling(asker: Asker, find: () => Promise<Held | undefined>): Promise<Held | undefined> {
    const { decisions } = this.#deps;
    try {
      const known = await find();
      if (known) await decisions.told(asker, known.admission);
      return known;
    } catch (error) {
      await decisions.failed(asker, error, "held");
      throw error;
    }
  }

  /**
   * `held`, where every verifier has had its say, under the roots and keys of now: what an older Assay admitted, which had fewer of them, goes down the whole
   * road again, what was verified under others is verified again from what is kept. So is what is refused for a signature by a key that was not known.
   * What was admitted in audit mode without evidence that could not be had goes down the road too, once the policy is enforced.
   */
  async #checked(repository: Repository, ref: ArtifactRef): Promise<Held | undefined> {
    const admission = await newestLine(ref, this.#deps.index, { verifierIds: this.#verifierIds, trusting: this.#trusting });
    if (!admission || !isWhole(admission, this.#verifierIds) || isOutdated(this.#deps.verifiers, repository, admission)) return undefined;
    const judged = await this.#judged(repository, admission).catch(unlessUndecided);
    if (judged?.kind !== "refused") return judged;
    const { refusal } = judged;
    const mayBe = mayBeMended(admission, refusal, wouldLook(this.#deps.verifiers, repository, admission));
    return mayBe || lookingAgain(admission, refusal, this.#trusting).size > 0 ? undefined : judged;
  }

  async #judged(repository: Repository, admission: Admission): Promise<Held | undefined> {
    const { verdict, policy } = await this.#judge(repository, admission);
    const judged = { ...admission, verdict, policy };
    if (verdict.kind === "refuse") return { kind: "refused", admission: judged, refusal: verdict };
    const blob = await this.#deps.blobs.find(admission.digest, admission.sizeBytes);
    return blob && { kind: "held", blob, admission: judged, verdict };
  }

  /**
   * What the journal knows best of an archive: of the bytes that were admitted, as far as it counts under the roots and keys of now, else of those that were refused
   * last. Asks nobody, and is no answer to whoever wants the archive.
   */
  async line(repository: Repository, ref: ArtifactRef): Promise<Admission | undefined> {
    return (await this.#admittedLine(repository, ref)) ?? this.#deps.index.admission(ref);
  }

  async #admittedLine(repository: Repository, ref: ArtifactRef): Promise<Admission | undefined> {
    const { index, verifiers } = this.#deps;
    const admission = await newestLine(ref, index, { verifierIds: this.#verifierIds, trusting: this.#trusting });
    return (
      admission && { ...admission, evidence: withoutOutdated(admission.evidence, outdatedVerifiers(verifiers, repository, admission)) }
    );
  }

  #recentlyRefused(ref: ArtifactRef): Held | undefined {
    const known = this.#refused.get(artifactKey(ref));
    if (!known || this.#deps.clock.now() >= known.until || known.admission.verdict.kind !== "refuse") return undefined;
    return { kind: "refused", admission: known.admission, refusal: known.admission.verdict };
  }

  #fly(repository: Repository, ref: ArtifactRef, errand: Errand): Flight {
    // Nobody is told what bytes came to that had to meet the pins of somebody else.
    const key = [artifactKey(ref), ...errand.pins.map(({ algorithm, hex }) => `${algorithm} ${hex}`)].join("\0");
    const flying = this.#flights.get(key);
    const flight = flying ?? this.#takeOff(repository, ref, errand, key);
    const { decisions } = this.#deps;
    const { asker } = errand;
    // Who waits for somebody else's fetch is told what it came to as well.
    flight.admission.then(
      (admission) => decisions.told(asker, admission),
      (error: unknown) => decisions.failed(asker, error, flying ? "held" : "fetched"),
    );
    return flight;
  }

  #takeOff(repository: Repository, ref: ArtifactRef, errand: Errand, key: string): Flight {
    const flight: Flight = new Flight(ref, this.#settings.withhold, async (arriving) => {
      try {
        const admission = await this.#alone(repository, ref, errand, arriving);
        // Before anyone is told: who comes back at once must find what is remembered.
        if (errand.pins.length === 0) this.#remember(key, flight, admission);
        return admission;
      } finally {
        this.#flights.delete(key);
      }
    });
    this.#flights.set(key, flight);
    return flight;
  }

  /** Holds the lease while the archive is fetched, so that two processes on one data folder do not fetch it twice. */
  async #alone(repository: Repository, ref: ArtifactRef, errand: Errand, arriving: (arrival: Arrival) => void): Promise<Admission> {
    const release = await this.#slots.acquire();
    const key = `archive\0${artifactKey(ref)}`;
    // Each flight is an owner: another one of this process, whose bytes have other pins to meet, waits like one of another process.
    const owner = randomUUID();
    let renewal: NodeJS.Timeout | undefined;
    try {
      while (!(await this.#deps.index.lease(key, owner, LEASE_MS))) {
        await sleep(LEASE_POLL_MS);
        const theirs = await this.#checked(repository, ref);
        if (theirs?.kind === "held") return theirs.admission;
      }
      renewal = setInterval(() => void this.#deps.index.lease(key, owner, LEASE_MS).catch(() => {}), LEASE_MS / 3);
      // Another process may have landed it between our look and our lease.
      const landed = await this.#checked(repository, ref);
      if (landed?.kind === "held") return landed.admission;
      const old = await newestLine(ref, this.#deps.index, { verifierIds: this.#verifierIds, trusting: this.#trusting });
      const blob = old && (await this.#deps.blobs.find(old.digest, old.sizeBytes));
      // What was admitted once must be the same bytes again, whatever a lock says: a wrong pin is for its owner to be told, and must not stand in their journal line.
      const unpinned = old ? { ...errand, pins: [] } : errand;
      if (!blob) return await this.#fetch(repository, ref, unpinned, arriving);
      const again = await this.#toReverify(repository, old, blob);
      return await (again ? this.#reverify(repository, again, errand.asker) : this.#checkAnew(repository, old, unpinned));
    } finally {
      clearInterval(renewal);
      release();
      await this.#deps.index
        .release(key, owner)
        .catch((error: unknown) => this.#deps.log.warn({ err: error }, "a lease was not released; it runs out"));
    }
  }

  /** Undefined where what is held can only be checked anew as a whole: by verifiers that need its bytes. */
  async #toReverify(repository: Repository, held: Admission, blob: AdmittedBlob): Promise<Reverification | undefined> {
    const upstream = upstreamById(repository, held.upstream);
    // Another one must not hear of a name that the policy has bound since, not even for what is published beside the archive.
    const mayHear = upstream && upstreamsFor(this.#deps.policy, repository, held.ref.name).includes(upstream);
    if (!mayHear || !isWhole(held, this.#verifierIds)) return undefined;
    const outdated = outdatedVerifiers(this.#deps.verifiers, repository, held);
    if (outdated.length > 0) return { held, blob, upstream, verifiers: outdated };
    const { verdict } = (await this.#judge(repository, held).catch(unlessUndecided)) ?? {};
    if (verdict?.kind !== "refuse" || wouldLook(this.#deps.verifiers, repository, held)) return undefined;
    const wanted = lookingAgain(held, verdict, this.#trusting);
    const verifiers = this.#deps.verifiers.filter(isTrusting).filter(({ id }) => wanted.has(id));
    return verifiers.length > 0 ? { held, blob, upstream, verifiers } : undefined;
  }

  async #reverify(repository: Repository, again: Reverification, asker: Asker): Promise<Admission> {
    const { log } = this.#deps;
    const admission = await reverify(repository, again, asker, {
      ...this.#deps,
      ecosystem: this.#deps.ecosystems[again.held.ref.ecosystem],
    });
    const fields = { purl: formatPurl(admission.ref), digest: admission.digest, verdict: admission.verdict.kind };
    log.info({ ...fields, verifiers: again.verifiers.map(({ id }) => id) }, "verified again what is held: its roots or keys have changed");
    this.#deps.decided(admission);
    return admission;
  }

  async #fetch(repository: Repository, ref: ArtifactRef, errand: Errand, arriving: (arrival: Arrival) => void): Promise<Admission> {
    this.#deps.counters.add(ref.repository, "misses", 1);
    const { asker, ...given } = errand;
    const deps = { ...this.#deps, ecosystem: this.#deps.ecosystems[ref.ecosystem], ...given };
    const admission = await admit(repository, ref, asker, deps, arriving);
    this.#tell(admission);
    return admission;
  }

  /**
   * Fetches what is held once more, for what its verifiers could not say or were not there to say. Where upstream fails or has other bytes by now, or the
   * disk is full, what is held stays the answer, judged from what is known of it. So nobody is sent bytes on the way: they might not be the ones that are
   * answered with.
   */
  async #checkAnew(repository: Repository, old: Admission, errand: Errand): Promise<Admission> {
    try {
      const admission = await this.#fetch(repository, old.ref, errand, () => {});
      if (admission.digest === old.digest) return admission;
    } catch (error) {
      if (!isUpstreamFailure(error) && !(error instanceof AssayError && ALSO_BEARABLE.has(error.code))) throw error;
      this.#deps.log.warn({ err: error, purl: formatPurl(old.ref) }, "an archive that is held could not be checked by all verifiers");
    }
    return { ...old, ...(await this.#judge(repository, old)) };
  }

  #judge(repository: Repository, admission: Admission): Promise<Judged> {
    return judge(repository, admission, { ...this.#deps, ecosystem: this.#deps.ecosystems[repository.ecosystem] });
  }

  /** Clients that were cut off come back for the reason. */
  #remember(key: string, flight: Flight, admission: Admission): void {
    if (admission.verdict.kind !== "refuse" || !flight.flowed) return;
    this.#refused.set(key, { admission, until: this.#deps.clock.now() + this.#settings.refusalTtlMs });
  }

  #tell(admission: Admission): void {
    const { log, counters } = this.#deps;
    const fields = {
      purl: formatPurl(admission.ref),
      digest: admission.digest,
      sizeBytes: admission.sizeBytes,
      upstream: admission.upstream,
    };
    counters.add(admission.ref.repository, "bytes_fetched", admission.sizeBytes);
    if (admission.verdict.kind === "refuse") log.warn({ ...fields, reasons: admission.verdict.reasons }, "refused");
    else log.info({ ...fields, warnings: admission.verdict.warnings }, "admitted");
    this.#deps.decided(admission);
  }
}

function unlessUndecided(error: unknown): undefined {
  if (!(error instanceof EvidenceUnavailable)) throw error;
}
