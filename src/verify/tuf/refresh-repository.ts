import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Fetcher, Updater } from "tuf-js";
// Not among what the package exports, but the only error by which a fetcher can tell its updater that there is no newer root.
import { DownloadHTTPError } from "tuf-js/dist/error.js";
import { AssayError } from "../../core/errors.ts";
import { quote } from "../../core/quote.ts";

export interface TufRequest {
  /** Ends with a slash; for messages and as base of what is asked for. */
  readonly mirror: URL;
  /** What was verified before, by role; `root` at least, which everything is verified from. */
  readonly metadata: ReadonlyMap<string, Buffer>;
  /** Names of the targets to get, of which the first must be there. */
  readonly targets: readonly [string, ...string[]];
  /** A folder that is not there yet, for the client to work in. It is gone afterwards. */
  readonly folder: string;
  /** Answers undefined for what the mirror does not have. Throws the upstream client's errors, and UPSTREAM_LIMIT past `maxBytes`. */
  readonly download: (url: URL, maxBytes: number) => Promise<Buffer | undefined>;
}

/**
 * `metadata` is what is verified by now, also where the rest failed: a root that revokes a key, or a newer time stamp, must not be forgotten
 * because the next file could not be had.
 */
export type TufAnswer = { readonly metadata: ReadonlyMap<string, Buffer> } & (
  | { readonly ok: true; readonly targets: ReadonlyMap<string, Buffer> }
  | { readonly ok: false; readonly error: AssayError }
);

/** Bounds on each file, as the library asks for them. The public repository has 7 KiB of root, and targets of 7 KiB. */
const LENGTHS = { rootMaxLength: 512_000, timestampMaxLength: 16_384, snapshotMaxLength: 2_000_000, targetsMaxLength: 5_000_000 } as const;
/** A target that is longer is refused before it is asked for, whoever signed that it is. */
const MAX_TARGET_BYTES = 1024 * 1024;
const MAX_ROOT_ROTATIONS = 256;
const MAX_DELEGATIONS = 32;

/**
 * Brings a TUF repository up to date by the client workflow of the specification: signatures by the thresholds of the roles, versions that never go back, ends, hashes, lengths.
 * Never throws for what the mirror answers: UPSTREAM_MALFORMED is a repository that must not be believed, other codes one that could not be asked.
 * https://theupdateframework.github.io/specification/latest/#detailed-client-workflow
 */
export async function refreshRepository(request: TufRequest): Promise<TufAnswer> {
  const { metadata, folder } = request;
  const metadataDir = join(folder, "metadata");
  await mkdir(metadataDir, { recursive: true, mode: 0o700 });
  try {
    for (const [role, text] of metadata) await writeFile(fileOf(metadataDir, role), text, { mode: 0o600 });
    const fetched = await update(request, metadataDir);
    return { ...fetched, metadata: await readMetadata(metadataDir) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function update({ mirror, targets, folder, download }: TufRequest, metadataDir: string) {
  const fetcher = new MirrorFetcher(download, join(folder, "download"));
  try {
    const base = mirror.href.replace(/\/$/, "");
    const updater = new Updater({
      metadataDir,
      metadataBaseUrl: base,
      targetDir: folder,
      targetBaseUrl: `${base}/targets`,
      fetcher,
      config: { ...LENGTHS, maxRootRotations: MAX_ROOT_ROTATIONS, maxDelegations: MAX_DELEGATIONS, prefixTargetsWithHash: true },
    });
    await updater.refresh();
    return { ok: true as const, targets: await getTargets(updater, targets) };
  } catch (error) {
    return { ok: false as const, error: fetcher.failure ?? notBelieved(mirror, error) };
  }
}

async function getTargets(updater: Updater, names: TufRequest["targets"]): Promise<ReadonlyMap<string, Buffer>> {
  const [required] = names;
  const found = new Map<string, Buffer>();
  for (const name of names) {
    const target = await updater.getTargetInfo(name);
    if (!target && name === required) throw new Error(`it has no target ${quote(name)}`);
    if (!target) continue;
    if (target.length > MAX_TARGET_BYTES)
      throw new Error(`its target ${quote(name)} is ${target.length} bytes long, more than ${MAX_TARGET_BYTES}`);
    found.set(name, await readFile(await updater.downloadTarget(target)));
  }
  return found;
}

/** Hands the client's requests to the one way out of this process, and keeps what failed there: the client wraps it in errors of its own. */
class MirrorFetcher implements Fetcher {
  failure: AssayError | undefined;
  readonly #download: TufRequest["download"];
  readonly #file: string;

  constructor(download: TufRequest["download"], file: string) {
    this.#download = download;
    this.#file = file;
  }

  async downloadBytes(url: string, maxLength: number): Promise<Buffer> {
    const bytes = await this.#download(new URL(url), maxLength).catch((error: unknown) => {
      if (error instanceof AssayError) this.failure = error;
      throw error;
    });
    if (!bytes) throw new DownloadHTTPError(`the mirror has no ${new URL(url).pathname}`, 404);
    return bytes;
  }

  async downloadFile<T>(url: string, maxLength: number, handler: (file: string) => Promise<T>): Promise<T> {
    await writeFile(this.#file, await this.downloadBytes(url, maxLength), { mode: 0o600 });
    return handler(this.#file);
  }
}

function notBelieved(mirror: URL, error: unknown): AssayError {
  const detail = error instanceof Error ? error.message : String(error);
  // A file that is missing is a mirror that is none, or half copied; anything else was signed wrongly, is too old, or is not what was signed.
  const code = error instanceof DownloadHTTPError ? "UPSTREAM_STATUS" : "UPSTREAM_MALFORMED";
  return new AssayError(code, `the TUF repository at ${mirror.origin}${mirror.pathname} cannot be believed: ${quote(detail)}`, {
    cause: error,
  });
}

function fileOf(folder: string, role: string): string {
  return join(folder, `${encodeURIComponent(role)}.json`);
}

async function readMetadata(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  return new Map(
    await Promise.all(
      files.map(async (name) => [decodeURIComponent(name.slice(0, -".json".length)), await readFile(join(folder, name))] as const),
    ),
  );
}
