import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Digest, parseDigest } from "../../../src/core/digest.ts";
import { openStore, type Store } from "../../../src/store/open-store.ts";
import { SILENT_LOG } from "../../support/candidate.ts";
import { mirrorConfig, noise, type PublishedFile, publishTarball } from "../../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../../support/fake-upstream.ts";
import { type MirrorBench, startMirror } from "../../support/mirror-bench.ts";

export const MIB = 1024 * 1024;
export const DAY_MS = 86_400_000;

export interface CacheBench {
  readonly upstream: FakeUpstream;
  readonly mirror: MirrorBench;
}

/** A mirror of a fake registry, with `config` added to its configuration. Gone when the test is over. */
export async function cacheBench(config: string): Promise<CacheBench> {
  const upstream = await startFakeUpstream();
  const mirror = await startMirror({ config: mirrorConfig(upstream, config) });
  onTestFinished(async () => {
    await mirror.close();
    await upstream.close();
  });
  return { upstream, mirror };
}

/** A second Assay on the same data folder. */
export async function another({ upstream, mirror }: CacheBench, config: string): Promise<MirrorBench> {
  const second = await startMirror({ config: mirrorConfig(upstream, config), dataDir: mirror.dataDir });
  onTestFinished(() => second.close());
  return second;
}

/** The store as another process sees it. */
export async function storeOf({ dataDir, assay }: MirrorBench): Promise<Store> {
  const store = await openStore({ dataDir, clock: assay.http.clock, log: SILENT_LOG });
  onTestFinished(async () => {
    await store.blobs.close();
    await store.index.close();
  });
  return store;
}

export interface Package extends PublishedFile {
  readonly name: string;
  readonly target: string;
  readonly sha256: Digest;
}

let seed = 1;
/** Publishes version 1.0.0 of an npm package; never the same bytes twice. */
export function publish(upstream: FakeUpstream, name: string, sizeBytes: number): Package {
  const published = publishTarball(upstream, { name, files: { "noise.bin": noise(sizeBytes, ++seed) } });
  const sha256 = parseDigest(createHash("sha256").update(published.bytes).digest("hex"));
  return { ...published, name, target: `/npm/${name}/-/${published.file}`, sha256 };
}

/** Asks for an archive and answers the status, after the body was read to its end. */
export async function get(mirror: MirrorBench, { target }: Package): Promise<number> {
  const answer = await mirror.get(target);
  await answer.arrayBuffer();
  return answer.status;
}

export function pathOf({ dataDir }: Pick<MirrorBench, "dataDir">, sha256: string): string {
  return join(dataDir, "blobs-v1", sha256.slice(0, 2), sha256);
}

export function isStored(mirror: MirrorBench, { sha256 }: Package): boolean {
  return existsSync(pathOf(mirror, sha256));
}

export function storedBytes({ dataDir }: MirrorBench): number {
  return readdirSync(join(dataDir, "blobs-v1"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** Flips one bit in the middle of a stored archive, as a bad disk would. */
export function flipBit(path: string): void {
  const file = openSync(path, "r+");
  const at = Math.floor(statSync(path).size / 2);
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  writeSync(file, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
  closeSync(file);
}

export async function reportsOf(mirror: MirrorBench, purl: string): Promise<readonly Record<string, unknown>[]> {
  const answer = await mirror.get(`/api/v1/artifacts?purl=${encodeURIComponent(purl)}`);
  return ((await answer.json()) as { artifacts: Record<string, unknown>[] }).artifacts;
}
