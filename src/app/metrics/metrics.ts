import { Counter, collectDefaultMetrics, Gauge, Histogram, type MetricConfiguration, Registry } from "prom-client";
import type { VerifierId } from "../../core/evidence.ts";
import { COUNTERS, type Counter as CounterName, type Index } from "../../core/ports/index-store.ts";
import type { TrustStatus } from "../../core/ports/trust.ts";
import type { UpstreamClient } from "../../core/ports/upstream-client.ts";
import type { Verifier } from "../../core/ports/verifier.ts";
import { ANSWER_KINDS, type RepositoryTally, type Tally } from "../../http/tally.ts";
import type { Counters } from "../../mirror/counters.ts";
import type { Mirror } from "../../mirror/obtain.ts";
import type { PolicyStatus } from "../enforced-policy.ts";
import type { HearUpstream } from "./metered-upstream.ts";

/** What is looked at when somebody asks for the metrics. */
export interface MetricsSources {
  readonly counters: Counters;
  readonly tally: Tally;
  readonly mirror: Pick<Mirror, "waitingFetches">;
  readonly upstream: Pick<UpstreamClient, "load">;
  readonly verifiers: readonly Verifier[];
  readonly policy: { status(): PolicyStatus };
  readonly trust: { status(): readonly TrustStatus[] };
  readonly index: Pick<Index, "usage">;
}

/** What Prometheus calls each of the mirror's own counters, and what it says to people. */
const COUNTER_METRICS: Readonly<Record<CounterName, readonly [name: string, help: string]>> = {
  hits: ["hits_total", "Archives that were served from the store."],
  misses: ["misses_total", "Archives that were fetched from an upstream."],
  refusals: ["refused_requests_total", "Requests for archives that were refused."],
  bytes_served: ["served_bytes_total", "Bytes of bodies that went to clients."],
  bytes_fetched: ["fetched_bytes_total", "Bytes of bodies that came from upstreams."],
  documents_served: ["documents_served_total", "Index pages and other documents that were served."],
  documents_fetched: ["documents_fetched_total", "Index pages and other documents that upstreams sent."],
  stale_served: ["stale_documents_served_total", "Documents that were served although upstream could not confirm them."],
};

const UPSTREAM_SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30];
const VERIFY_SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60];

type Collect<Label extends string> = (metric: { set(labels: Partial<Record<Label, string>>, value: number): void }) => void | Promise<void>;

/**
 * The metrics of one Assay in the Prometheus text format. Counts are kept as plain numbers where things happen, and copied here when somebody asks; only requests to
 * upstreams and verifications, which are slow themselves, are told here at once. No label is ever a package, a version, a file or a client.
 */
export class AssayMetrics {
  readonly #registry = new Registry();
  readonly #upstreamRequests: Counter<"upstream" | "kind" | "outcome">;
  readonly #upstreamSeconds: Histogram<"upstream" | "kind">;
  readonly #verifySeconds: Histogram<"verifier">;

  constructor() {
    const registers = [this.#registry];
    // Memory, processor, files and event loop of this process, under the names that dashboards for Node know.
    collectDefaultMetrics({ register: this.#registry });
    this.#upstreamRequests = new Counter({
      name: "assay_upstream_requests_total",
      help: "Requests to upstreams by what they came to: document, not-modified, absent, archive, or an error's code.",
      labelNames: ["upstream", "kind", "outcome"],
      registers,
    });
    this.#upstreamSeconds = new Histogram({
      name: "assay_upstream_request_seconds",
      help: "Time from the call to the answer, with turns and retries; of archives to their first byte.",
      labelNames: ["upstream", "kind"],
      buckets: UPSTREAM_SECONDS,
      registers,
    });
    this.#verifySeconds = new Histogram({
      name: "assay_verification_seconds",
      help: "Time that a verifier took over one archive, with the wait for a worker.",
      labelNames: ["verifier"],
      buckets: VERIFY_SECONDS,
      registers,
    });
  }

  readonly heardUpstream: HearUpstream = ({ upstream, kind, outcome, seconds }) => {
    this.#upstreamRequests.inc({ upstream, kind, outcome });
    this.#upstreamSeconds.observe({ upstream, kind }, seconds);
  };

  readonly heardVerifier = (verifier: VerifierId, seconds: number): void => this.#verifySeconds.observe({ verifier }, seconds);

  /** Call once, before `render`. */
  observe(sources: MetricsSources): void {
    this.#observeCounters(sources);
    this.#observeAnswers(sources.tally);
    this.#observeLoad(sources);
    this.#observePolicyAndTrust(sources);
    this.#observeStore(sources);
  }

  async render(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  close(): void {
    this.#registry.clear();
  }

  #observeCounters({ counters }: MetricsSources): void {
    for (const counter of COUNTERS) {
      const [name, help] = COUNTER_METRICS[counter];
      this.#counter({ name: `assay_${name}`, help, labelNames: ["repository"] }, (metric) => {
        for (const [repository, counts] of counters.sinceStart()) metric.set({ repository }, counts[counter]);
      });
    }
  }

  #observeAnswers(tally: Tally): void {
    this.#counter(
      { name: "assay_requests_total", help: "Requests by HTTP status.", labelNames: ["repository", "kind", "status"] },
      (metric) => {
        for (const [repository, { answers }] of tally.all()) {
          for (const kind of ANSWER_KINDS) {
            for (const [status, count] of answers[kind].entries())
              if (count > 0) metric.set({ repository, kind, status: String(status) }, count);
          }
        }
      },
    );
    const byCode = (name: string, help: string, codes: (of: RepositoryTally) => ReadonlyMap<string, number>): void =>
      this.#counter({ name: `assay_${name}`, help, labelNames: ["repository", "code"] }, (metric) => {
        for (const [repository, of] of tally.all()) for (const [code, count] of codes(of)) metric.set({ repository, code }, count);
      });
    byCode("refusals_total", "Requests for archives that were refused, by their first reason.", ({ refusals }) => refusals);
    byCode(
      "warnings_total",
      "Archives that were served with a warning, by its code; one with two counts twice.",
      ({ warnings }) => warnings,
    );
    byCode(
      "would_refuse_total",
      "Archives that mode audit served and mode enforce would refuse, by reason.",
      ({ wouldRefuse }) => wouldRefuse,
    );
    byCode("errors_total", "Requests that were answered with an error, by its code.", ({ errors }) => errors);
    const plain = (name: string, help: string, count: (of: RepositoryTally) => number): void =>
      this.#counter({ name: `assay_${name}`, help, labelNames: ["repository"] }, (metric) => {
        for (const [repository, of] of tally.all()) metric.set({ repository }, count(of));
      });
    plain(
      "undecided_total",
      "Requests for archives whose evidence could not be had (503).",
      ({ errors }) => errors.get("UPSTREAM_EVIDENCE") ?? 0,
    );
    plain("refused_midway_total", "Archives that were refused when their first part had gone out.", ({ cut }) => cut);
  }

  #observeLoad({ mirror, upstream, verifiers }: MetricsSources): void {
    this.#gauge({ name: "assay_queue_length", help: "Work that waits for its turn.", labelNames: ["queue"] }, (metric) => {
      metric.set({ queue: "fetches" }, mirror.waitingFetches);
      for (const verifier of verifiers) if (verifier.waiting) metric.set({ queue: `verifier ${verifier.id}` }, verifier.waiting());
      for (const { id, waitingDocuments, waitingArchives } of upstream.load()) {
        metric.set({ queue: `documents of ${id}` }, waitingDocuments);
        metric.set({ queue: `archives of ${id}` }, waitingArchives);
      }
    });
    this.#gauge(
      {
        name: "assay_upstream_open_circuits",
        help: "Origins of an upstream that are left alone because they did not answer.",
        labelNames: ["upstream"],
      },
      (metric) => {
        for (const { id, openCircuits } of upstream.load()) metric.set({ upstream: id }, openCircuits);
      },
    );
  }

  #observePolicyAndTrust({ policy, trust }: MetricsSources): void {
    this.#gauge({ name: "assay_policy_info", help: "The policy in force.", labelNames: ["revision", "mode"] }, (metric) => {
      const { revision, mode } = policy.status();
      metric.set({ revision, mode }, 1);
    });
    this.#gauge({ name: "assay_policy_loaded_timestamp_seconds", help: "When the policy in force was read." }, (metric) =>
      metric.set({}, policy.status().loadedAt / 1000),
    );
    this.#gauge({ name: "assay_policy_load_success", help: "0 where the file was changed to something that is not valid." }, (metric) =>
      metric.set({}, policy.status().isCurrent ? 1 : 0),
    );
    this.#gauge(
      { name: "assay_trust_stale", help: "1 where a trust root or its keys count as stale.", labelNames: ["trust", "from"] },
      (metric) => {
        for (const { name, from, stale } of trust.status()) metric.set({ trust: name, from }, stale === undefined ? 0 : 1);
      },
    );
    this.#gauge(
      { name: "assay_trust_checked_timestamp_seconds", help: "When a TUF mirror last said what is newest.", labelNames: ["trust"] },
      (metric) => {
        for (const { name, checkedAt } of trust.status()) if (checkedAt !== undefined) metric.set({ trust: name }, checkedAt / 1000);
      },
    );
  }

  #observeStore({ index }: MetricsSources): void {
    const gauge = (name: string, help: string, value: (usage: Awaited<ReturnType<Index["usage"]>>) => number): void =>
      this.#gauge({ name: `assay_store_${name}`, help }, async (metric) => metric.set({}, value(await index.usage())));
    gauge("archives", "Archives in the store; the same bytes count once.", ({ blobs }) => blobs);
    gauge("archive_bytes", "Their size.", ({ blobBytes }) => blobBytes);
    gauge("index_bytes", "Size of the index database.", ({ indexBytes }) => indexBytes);
    gauge("decisions", "Entries of the decision log.", ({ decisions }) => decisions);
  }

  /** A count that is kept elsewhere: what is copied is the whole of it, and labels that are there no more go. */
  #counter<Label extends string>(about: MetricConfiguration<Label>, collect: Collect<Label>): void {
    new Counter<Label>({
      ...about,
      registers: [this.#registry],
      async collect() {
        this.reset();
        await collect({ set: (labels, value) => this.inc(labels as never, value) });
      },
    });
  }

  #gauge<Label extends string>(about: MetricConfiguration<Label>, collect: Collect<Label>): void {
    new Gauge<Label>({
      ...about,
      registers: [this.#registry],
      async collect() {
        this.reset();
        await collect({ set: (labels, value) => this.set(labels as never, value) });
      },
    });
  }
}
