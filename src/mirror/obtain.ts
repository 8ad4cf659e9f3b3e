import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import { type ArtifactRef, artifactKey } from "../core/artifact.ts";
import type { AdmittedBlob, BlobStore } from "../core/ports/blob-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Ecosystem, Repository } from "../core/ports/ecosystem.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { Log } from "../core/ports/log.ts";
import type { Policy } from "../core/ports/policy.ts";
import { formatPurl } from "../core/purl.ts";
import { Semaphore } from "../core/semaphore.ts";
import type { Admission, Refusal, Verdict } from "../core/verdict.ts";
import { type AdmitDeps, type Arrival, admit } from "./admit.ts";
import type { Counters } from "./counters.ts";
import { Flight, type Withhold } from "./flight.ts";
import { judge } from "./judge.ts";

/** What asking for an archive comes to. */
export type Obtained =
  | { readonly kind: "held"; readonly blob: AdmittedBlob; readonly admission: Admission; readonly verdict: Exclude<Verdict, Refusal> }
  | { readonly kind: "refused"; readonly admission: Admission; readonly refusal: Refusal }
  | { readonly kind: "arriving"; readonly flight: Flight };

export interface ObtainSettings {
  readonly withhold: Withhold;
  /**
   * How long the refusal of an archive whose first bytes had gone out answers by itself: long enough for the client whose connection was cut to
   * come back and read the reason. Others were told the reason at once, so their next request asks an upstream that may be mended by then.
   */
  readonly refusalTtlMs: number;
}

export interface ObtainDeps extends Omit<AdmitDeps, "ecosystem" | "index"> {
  readonly ecosystems: Readonly<Record<Repository["ecosystem"], Ecosystem>>;
  readonly index: Pick<Index, "admission" | "admitted" | "firstSeenAt" | "record" | "lease" | "release">;
  readonly blobs: BlobStore;
  readonly policy: Policy;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Log;
  /** Hears of every archive that was admitted by a fetch. */
  readonly admitted: (admission: Admission) => void;
}

/** A lease is renewed three times before it runs out; another process waits at most this long for a crashed one. */
const LEASE_MS = 15_000;
const LEASE_POLL_MS = 100;

/** From disk when we hold it and the policy still admits it; else by the road. The only way to an archive's bytes. */
export class Mirror {
  readonly #deps: ObtainDeps;
  readonly #settings: ObtainSettings;
  readonly #owner = randomUUID();
  readonly #flights = new Map<string, Flight>();
  readonly #refused: LRUCache<string, { readonly admission: Admission; readonly until: number }>;
  readonly #slots: Semaphore;

  constructor(deps: ObtainDeps, settings: ObtainSettings) {
    this.#deps = deps;
    this.#settings = settings;
    this.#refused = new LRUCache({ max: 10_000 });
    this.#slots = new Semaphore({ slots: deps.limits.fetches, queue: deps.limits.fetchQueue, what: "archive fetches" });
  }

  /** Answers at once from what is held or known; otherwise with the flight that fetches it, shared by all who ask meanwhile. */
  async obtain(repository: Repository, ref: ArtifactRef): Promise<Obtained> {
    return (await this.held(repository, ref)) ?? this.#recentlyRefused(ref) ?? { kind: "arriving", flight: this.#fly(repository, ref) };
  }

  /** What is on disk, judged by the policy of now. Undefined where there is nothing, or where its bytes were damaged. */
  async held(repository: Repository, ref: ArtifactRef): Promise<Obtained | undefined> {
    const admission = await this.#deps.index.admission(ref, { admittedOnly: true });
    if (!admission) return undefined;
    const verdict = await judge(repository, admission, this.#deps);
    if (verdict.kind === "refuse") return { kind: "refused", admission: { ...admission, verdict }, refusal: verdict };
    const blob = await this.#deps.blobs.find(admission.digest, admission.sizeBytes);
    return blob && { kind: "held", blob, admission, verdict };
  }

  #recentlyRefused(ref: ArtifactRef): Obtained | undefined {
    const known = this.#refused.get(artifactKey(ref));
    if (!known || this.#deps.clock.now() >= known.until || known.admission.verdict.kind !== "refuse") return undefined;
    return { kind: "refused", admission: known.admission, refusal: known.admission.verdict };
  }

  #fly(repository: Repository, ref: ArtifactRef): Flight {
    const key = artifactKey(ref);
    const flying = this.#flights.get(key);
    if (flying) return flying;
    const flight: Flight = new Flight(ref, this.#settings.withhold, async (arriving) => {
      try {
        const admission = await this.#alone(repository, ref, arriving);
        this.#landed(key, flight, admission); // Before anyone is told: who comes back at once must find what is remembered.
        return admission;
      } finally {
        this.#flights.delete(key);
      }
    });
    this.#flights.set(key, flight);
    return flight;
  }

  /** Holds the lease while the archive is fetched, so that two processes on one data folder do not fetch it twice. */
  async #alone(repository: Repository, ref: ArtifactRef, arriving: (arrival: Arrival) => void): Promise<Admission> {
    const release = await this.#slots.acquire();
    const key = `archive\0${artifactKey(ref)}`;
    let renewal: NodeJS.Timeout | undefined;
    try {
      while (!(await this.#deps.index.lease(key, this.#owner, LEASE_MS))) {
        await sleep(LEASE_POLL_MS);
        const theirs = await this.held(repository, ref);
        if (theirs?.kind === "held") return theirs.admission;
      }
      renewal = setInterval(() => void this.#deps.index.lease(key, this.#owner, LEASE_MS).catch(() => {}), LEASE_MS / 3);
      // Another process may have landed it between our look and our lease.
      const landed = await this.held(repository, ref);
      if (landed?.kind === "held") return landed.admission;
      this.#deps.counters.add(ref.repository, "misses", 1);
      return await admit(repository, ref, { ...this.#deps, ecosystem: this.#deps.ecosystems[ref.ecosystem] }, arriving);
    } finally {
      clearInterval(renewal);
      release();
      await this.#deps.index
        .release(key, this.#owner)
        .catch((error: unknown) => this.#deps.log.warn({ err: error }, "a lease was not released; it runs out"));
    }
  }

  #landed(key: string, flight: Flight, admission: Admission): void {
    const { log, counters } = this.#deps;
    const fields = {
      purl: formatPurl(admission.ref),
      digest: admission.digest,
      sizeBytes: admission.sizeBytes,
      upstream: admission.upstream,
    };
    counters.add(admission.ref.repository, "bytes_fetched", admission.sizeBytes);
    if (admission.verdict.kind === "refuse") {
      if (flight.flowed) this.#refused.set(key, { admission, until: this.#deps.clock.now() + this.#settings.refusalTtlMs });
      log.warn({ ...fields, reasons: admission.verdict.reasons }, "refused");
      return;
    }
    log.info({ ...fields, warnings: admission.verdict.warnings }, "admitted");
    this.#deps.admitted(admission);
  }
}
