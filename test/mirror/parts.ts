import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { ArtifactRef } from "../../src/core/artifact.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/core/limits.ts";
import type { RepositoryPolicy } from "../../src/core/policy.ts";
import type { BlobStore } from "../../src/core/ports/blob-store.ts";
import type { CacheRecords } from "../../src/core/ports/cache-records.ts";
import type { Clock } from "../../src/core/ports/clock.ts";
import type { Ecosystem, Repository } from "../../src/core/ports/ecosystem.ts";
import type { Index } from "../../src/core/ports/index-store.ts";
import type { UpstreamClient } from "../../src/core/ports/upstream-client.ts";
import type { Verifier } from "../../src/core/ports/verifier.ts";
import { createEcosystems } from "../../src/ecosystems/index.ts";
import { boundIndex, upstreamsFor } from "../../src/mirror/bound-upstreams.ts";
import { Evictor } from "../../src/mirror/cache/evictor.ts";
import { Space } from "../../src/mirror/cache/space.ts";
import { Uses } from "../../src/mirror/cache/uses.ts";
import { Counters } from "../../src/mirror/counters.ts";
import { DecisionLog } from "../../src/mirror/decision-log.ts";
import { type DocumentsSettings, MirrorDocuments } from "../../src/mirror/documents.ts";
import type { JudgingPolicy } from "../../src/mirror/judge.ts";
import { openStore } from "../../src/store/open-store.ts";
import { createUpstreamClient } from "../../src/upstream/client.ts";
import type { UpstreamOptions } from "../../src/upstream/options.ts";
import { createVerifiers, type VerifierOptions } from "../../src/verify/index.ts";
import { publicTrustRoot } from "../../src/verify/sigstore/trust-root.ts";
import { NO_OTHER_MIRROR, SILENT_LOG } from "../support/candidate.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { keySource } from "../support/key-source.ts";
import { NO_MARKS } from "../support/no-marks.ts";
import { policyAsking } from "../support/question.ts";

/** What the mirror is made of, all of it real, with fake upstreams behind it. Gone when the test is over. */
export interface Parts {
  readonly dataDir: string;
  readonly clock: Clock;
  /** Moves the clock forward. */
  advance(ms: number): void;
  readonly limits: Limits;
  readonly blobs: BlobStore;
  readonly records: CacheRecords;
  /** Without bounds. */
  readonly space: Space;
  readonly index: Index;
  readonly client: UpstreamClient;
  readonly counters: Counters;
  readonly documents: MirrorDocuments;
  readonly ecosystems: Readonly<Record<"pypi" | "npm" | "aam", Ecosystem>>;
  readonly verifiers: readonly Verifier[];
  readonly policy: JudgingPolicy;
  readonly decisions: DecisionLog;
  /** An npm repository whose upstreams are the fakes, in order, at `/npm/`. */
  readonly repository: Repository;
}

export interface PartsOptions {
  readonly upstreams: readonly FakeUpstream[];
  readonly dataDir?: string;
  readonly settings?: Partial<DocumentsSettings>;
  readonly limits?: Partial<Limits>;
  readonly policy?: Partial<RepositoryPolicy>;
  /** As an operator writes it. */
  readonly policyText?: string;
  readonly verifiers?: Partial<VerifierOptions>;
  /** Name of the trust root that the upstreams are bound to. */
  readonly trust?: string;
  readonly client?: Partial<Omit<UpstreamOptions, "upstream">>;
}

export const SETTINGS: DocumentsSettings = {
  metadataTtlMs: 60_000,
  negativeTtlMs: 10_000,
  staleIfErrorMs: 3_600_000,
  memoryBytes: 1024 * 1024,
  offline: false,
};

export async function fakeUpstream(): Promise<FakeUpstream> {
  const upstream = await startFakeUpstream();
  onTestFinished(() => upstream.close());
  return upstream;
}

/** A folder that outlives one `openParts` within a test. */
export function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "assay-mirror-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function openParts(options: PartsOptions): Promise<Parts> {
  const dataDir = options.dataDir ?? dataFolder();
  let skippedMs = 0;
  const clock = { now: () => Date.now() + skippedMs };
  const log = SILENT_LOG;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { blobs, index, cache: records } = await openStore({ dataDir, clock, log });
  const upstreams = options.upstreams.map((upstream, position) => ({
    id: `npm#${position}`,
    url: upstream.url("/npm/"),
    ...(options.trust === undefined ? {} : { trust: options.trust }),
  }));
  const settings = { ...SETTINGS, ...options.settings };
  const client = createUpstreamClient({
    upstreams: upstreams.map((upstream) => ({
      upstream,
      timeouts: { connectMs: 1_000, headersMs: 8_000, idleMs: 2_000 },
      retries: 0,
      concurrency: 8,
      fileOrigins: [],
      ...options.client,
    })),
    offline: settings.offline,
    limits,
    clock,
    log,
  });
  const counters = new Counters(index, log, 3_600_000);
  const decisions = new DecisionLog({ index, clock, log });
  const uses = new Uses({ records, reading: () => [], clock, log }, 3_600_000);
  const evictor = new Evictor({
    records,
    blobs,
    clock,
    log,
    pins: [],
    repositories: new Set(["npm"]),
    offline: false,
    isReading: () => false,
    removed: () => {},
  });
  const space = new Space({ records, blobs, index, evictor }, { maxBytes: undefined, minFree: { bytes: 0 } });
  const documents = new MirrorDocuments({ index, upstream: client, counters, uses, clock, log }, settings);
  const verifiers = createVerifiers({
    limits,
    log,
    clock,
    roots: new Map([["public", publicTrustRoot()]]),
    pgpKeys: async () => [],
    managedKeys: () => [],
    registryKeys: keySource(),
    ...NO_OTHER_MIRROR,
    ...options.verifiers,
  });
  const policy = policyAsking(options.policyText ?? "version: 1", { unclaimed: "refuse", weakChecksum: "warn", ...options.policy });
  const repository: Repository = { name: "npm", ecosystem: "npm", upstreams };
  onTestFinished(async () => {
    await client.close();
    await Promise.all(verifiers.map((verifier) => verifier.close?.()));
    await counters.close();
    await uses.close();
    await decisions.close();
    await blobs.close();
    await index.close();
  });
  return {
    dataDir,
    clock,
    advance: (ms) => {
      skippedMs += ms;
    },
    limits,
    blobs,
    records,
    space,
    index,
    client,
    counters,
    documents,
    ecosystems: createEcosystems({
      documents,
      index: boundIndex(index, policy, [repository]),
      foresight: NO_MARKS,
      upstream: client,
      limits,
      log,
      upstreamsFor: (each, name) => upstreamsFor(policy, each, name),
    }),
    verifiers,
    policy,
    repository,
    decisions,
  };
}

export function npmRef(name: string, version = "1.0.0"): ArtifactRef {
  return { repository: "npm", ecosystem: "npm", name, version, file: `${name}-${version}.tgz` };
}

/** Paths of the archives in the store, and of what is in quarantine. */
export function filesIn(dataDir: string, folder: "blobs-v1" | "tmp"): string[] {
  return readdirSync(join(dataDir, folder), { recursive: true })
    .map((name) => join(dataDir, folder, String(name)))
    .filter((path) => statSync(path).isFile() && !path.endsWith("heartbeat"));
}
