import type { ArtifactRef } from "../core/artifact.ts";
import type { Asker } from "../core/decision.ts";
import type { Algorithm, Checksum } from "../core/digest.ts";
import { parseHexChecksum } from "../core/digest.ts";
import type { Limits } from "../core/limits.ts";
import type { BlobStore, Reception } from "../core/ports/blob-store.ts";
import type { Ecosystem, Repository, Resolution } from "../core/ports/ecosystem.ts";
import type { Index } from "../core/ports/index-store.ts";
import type { ArchiveStream, UpstreamClient } from "../core/ports/upstream-client.ts";
import type { Admission } from "../core/verdict.ts";
import type { Expectation, Space } from "./cache/space.ts";
import type { DecisionLog } from "./decision-log.ts";
import { type ExamineDeps, examine } from "./examine.ts";
import { type JudgingPolicy, judge } from "./judge.ts";
import { keptRebuilds } from "./kept-rebuilds.ts";
import { isSameRefusal } from "./says-the-same.ts";

export interface AdmitDeps extends ExamineDeps {
  readonly ecosystem: Ecosystem;
  /** What a lock file says the bytes are: claims like those of the index. None where left out. */
  readonly pins?: readonly Checksum[];
  /** Where the archive was, where its upstream lists it no more, and what was claimed for it then: stands in for what `resolve` would say. Left out for any other. */
  readonly lost?: Resolution;
  readonly upstream: Pick<UpstreamClient, "open">;
  readonly blobs: BlobStore;
  readonly space: Pick<Space, "expect" | "keep">;
  readonly index: Pick<Index, "admission" | "admitted" | "firstSeenAt" | "record">;
  readonly policy: JudgingPolicy;
  readonly decisions: Pick<DecisionLog, "fetched" | "fetchedAgain">;
  readonly limits: Limits;
}

/** An archive on its way in, for those who wait for it. `sizeBytes` is what upstream announced. */
export interface Arrival {
  readonly reception: Reception;
  readonly sizeBytes: number | undefined;
}

/**
 * Resolve, fetch, verify, decide, store. Bytes stay in quarantine until the verdict; `arriving` hears of them as soon as they flow.
 * A refusal is a value: bytes gone, journal line and log entry written. Throws what the ecosystem, the upstream client and the store throw; nothing is kept then.
 */
export async function admit(
  repository: Repository,
  ref: ArtifactRef,
  asker: Asker,
  deps: AdmitDeps,
  arriving: (arrival: Arrival) => void,
): Promise<Admission> {
  const resolution = deps.lost ?? (await deps.ecosystem.resolve(repository, ref));
  const before = await deps.index.admission(ref, { admittedOnly: true });
  const published = deps.ecosystem.published(repository, resolution);
  published.catch(() => {}); // Awaited below; until then a failure must not go unheard, nor end a download that is well.
  const stream = await deps.upstream.open(resolution.upstream, resolution.url, { maxBytes: deps.limits.archiveBytes });
  const claimed = await withHeaderClaims({ ...resolution, claims: [...resolution.claims, ...(deps.pins ?? [])] }, stream);
  const room = await roomFor(stream, deps);
  const reception = deps.blobs.receive(stream.bytes, { maxBytes: deps.limits.archiveBytes, algorithms: algorithms(claimed, deps) });
  room.follow(reception);
  arriving({ reception, sizeBytes: stream.sizeBytes });
  const blob = await reception.whole.finally(room.end);
  try {
    const about = { ref, resolution: claimed, blob, ecosystem: deps.ecosystem, admittedBefore: before?.digest };
    const examined = await examine({ ...about, published: await published }, deps);
    const rebuilds = await keptRebuilds(ref, examined.digest, deps.index);
    const facts = { ...examined, evidence: [...examined.evidence, ...rebuilds] };
    const judged = await judge(repository, facts, deps);
    const admission = { ...facts, ...judged, decidedAt: deps.clock.now() };
    const { verdict } = judged;
    // The row is the commit point. A crash before it leaves an orphan file for gc, never a row without bytes.
    const record = () => deps.index.record(admission, deps.decisions.fetched(asker, admission));
    if (verdict.kind === "admit") await deps.space.keep(blob, () => deps.blobs.promote(blob, verdict).then(record));
    else if (await isOnRecord(admission, deps)) await deps.decisions.fetchedAgain(asker, admission);
    else await record();
    return admission;
  } finally {
    // No-op once promoted; a refusal or a thrown error must not leave bytes behind.
    await deps.blobs.discard(blob);
  }
}

/** How long a refusal is on record: what is asked for again and again must not fill the journal, and what is refused to this day must show there. */
const ON_RECORD_MS = 3_600_000;

/** Whether the journal's newest line is this very refusal. */
async function isOnRecord(refusal: Admission, { index }: Pick<AdmitDeps, "index">): Promise<boolean> {
  const newest = await index.admission(refusal.ref);
  return newest !== undefined && refusal.decidedAt - newest.decidedAt < ON_RECORD_MS && isSameRefusal(newest, refusal);
}

/** Throws STORE_FULL before a byte is read where there is no room for it. */
async function roomFor(stream: ArchiveStream, { space }: Pick<AdmitDeps, "space">): Promise<Expectation> {
  try {
    return await space.expect(stream.sizeBytes);
  } catch (error) {
    await letGo(stream);
    throw error;
  }
}

/** Nobody is going to read it, and it holds a connection and a turn: a few such answers would end all fetching from this upstream. */
async function letGo(stream: ArchiveStream): Promise<void> {
  await stream.bytes[Symbol.asyncIterator]().return?.();
}

/** A digest in the answer's own headers is one more claim for the bytes to meet. Throws UPSTREAM_MALFORMED for one that is none. */
async function withHeaderClaims(resolution: Resolution, stream: ArchiveStream): Promise<Resolution> {
  try {
    const claims = Object.entries(stream.checksums).map(([algorithm, hex]) =>
      parseHexChecksum(algorithm, hex, `the X-Checksum header of ${stream.url.host}`),
    );
    return { ...resolution, claims: [...resolution.claims, ...claims.filter((claim) => claim !== undefined)] };
  } catch (error) {
    await letGo(stream);
    throw error;
  }
}

function algorithms(resolution: Resolution, deps: AdmitDeps): readonly Algorithm[] {
  return [...new Set([...deps.ecosystem.algorithms, ...resolution.claims.map((claim) => claim.algorithm)])];
}
