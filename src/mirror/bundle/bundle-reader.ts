import { createHash } from "node:crypto";
import { type BundledFile, type BundleManifest, parseManifest, pathOf } from "../../core/bundle-manifest.ts";
import { type Digest, parseDigest } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import { shown } from "../../core/printable.ts";
import { openEnvelope } from "./envelope.ts";
import { PartedFile } from "./parted-file.ts";
import { layOut, type PlacedFile, sizeInHeader, type TarLayout, tarHeader } from "./tar-layout.ts";

/** Of the first file, which says what all others are. */
export const MANIFEST_PATH = "manifest.dsse.json";
/** Bytes of the envelope: about 600 for an artifact with its documents. */
const MAX_MANIFEST_BYTES = 1024 ** 3;
const HEADER_BYTES = 512;
const CHUNK_BYTES = 256 * 1024;

/** Something in a bundle is not what its manifest says. */
export interface Damage {
  /** The entry: `blobs/3a7b…`. */
  readonly entry: string;
  readonly detail: string;
}

/**
 * A bundle, opened by its manifest alone. Where each entry stands, how its header reads and which bytes it has all follow from the manifest, so nothing in the archive is
 * parsed: whatever is there instead is damage to that one entry, and the next is still found.
 */
export class BundleReader {
  readonly manifest: BundleManifest;
  /** SHA-256 of the manifest: names this bundle. */
  readonly manifestSha256: string;
  /** Whose signature the manifest has. It holds; whether it counts is for the operator to say. */
  readonly keyId: string;
  readonly #bytes: PartedFile;
  readonly #layout: TarLayout;
  readonly #files = new Map<string, PlacedFile & BundledFile>();
  readonly #checked = new Set<string>();
  readonly #damaged = new Map<string, Damage>();

  private constructor(bytes: PartedFile, opened: OpenedManifest) {
    this.#bytes = bytes;
    this.manifest = opened.manifest;
    this.manifestSha256 = opened.sha256;
    this.keyId = opened.keyId;
    const { files } = opened.manifest;
    const first = { path: MANIFEST_PATH, sizeBytes: opened.envelopeBytes };
    this.#layout = layOut([first, ...files.map((file) => ({ path: pathOf(file), sizeBytes: file.sizeBytes }))]);
    for (const [position, file] of files.entries()) {
      const placed = this.#layout.files[position + 1];
      if (placed) this.#files.set(placed.path, { ...placed, ...file });
    }
  }

  /** `paths` are the parts in their order. Throws NOT_FOUND, STORE_IO, and BAD_REQUEST for what is no bundle or whose manifest was changed. */
  static async open(paths: readonly string[]): Promise<BundleReader> {
    const bytes = await PartedFile.open(paths);
    try {
      return new BundleReader(bytes, await openManifest(bytes, paths[0] ?? ""));
    } catch (error) {
      await bytes.close();
      throw error;
    }
  }

  /** What was found damaged so far. */
  get damage(): readonly Damage[] {
    return [...this.#damaged.values()];
  }

  carries(wanted: Pick<BundledFile, "kind" | "sha256">): boolean {
    return this.#files.has(pathOf(wanted));
  }

  /** Throws OFFLINE for what the bundle does not carry: it is in the one that this one builds on. */
  requireCarried(wanted: Pick<BundledFile, "kind" | "sha256">): PlacedFile & BundledFile {
    const file = this.#files.get(pathOf(wanted));
    if (file) return file;
    const { buildsOn } = this.manifest;
    const where = buildsOn === null ? "the bundle does not have it" : `it is in the bundle that this one builds on (manifest ${buildsOn})`;
    throw new AssayError("OFFLINE", `${pathOf(wanted)} is not carried: ${where}`, { help: "import that bundle first" });
  }

  /**
   * The content of an entry, piece by piece, each good until the next is asked for. Throws UPSTREAM_TRUNCATED where the entry is damaged, at the latest instead of its end: nobody
   * may rely on what came before. Throws OFFLINE for what is not carried.
   */
  async *content(wanted: Pick<BundledFile, "kind" | "sha256">): AsyncGenerator<Uint8Array> {
    const file = this.requireCarried(wanted);
    const fail = (detail: string): AssayError => this.#damage(file.path, detail);
    const header = await this.#bytes.read(file.headerAt, HEADER_BYTES);
    if (!header.equals(tarHeader(file))) throw fail("its header is not the one that the manifest makes");
    const padding = await this.#bytes.read(file.contentAt + file.sizeBytes, file.paddingBytes);
    if (padding.length !== file.paddingBytes) throw fail("the bundle ends before it does");
    if (padding.some((byte) => byte !== 0)) throw fail("it is filled up with something else than zeros");
    const hash = createHash("sha256");
    for (let at = 0; at < file.sizeBytes; ) {
      const chunk = await this.#bytes.read(file.contentAt + at, Math.min(CHUNK_BYTES, file.sizeBytes - at));
      if (chunk.length === 0) throw fail("the bundle ends before it does");
      hash.update(chunk);
      at += chunk.length;
      // The last piece goes out only once it is known to be good.
      if (at < file.sizeBytes) yield chunk;
      else if (hash.copy().digest("hex") === file.sha256) yield chunk;
    }
    const computed = hash.digest("hex");
    if (computed !== file.sha256) throw fail(`expected sha256 ${file.sha256} (claimed by the manifest), got ${computed}`);
    this.#checked.add(file.path);
  }

  /** The same in one piece. The caller has compared the size with a limit. */
  async whole(wanted: Pick<BundledFile, "kind" | "sha256">): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.content(wanted)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Reads everything that nobody read yet, and what stands after the last entry, so that `damage` is the whole of it. Throws STORE_IO. */
  async checkRest(): Promise<void> {
    for (const file of this.#files.values()) {
      if (this.#checked.has(file.path) || this.#damaged.has(file.path)) continue;
      try {
        for await (const _ of this.content(file)) {
          // Only whether it is whole is of interest.
        }
      } catch (error) {
        if (!this.#damaged.has(file.path)) throw error;
      }
    }
    const { endAt, endBytes } = this.#layout;
    const end = await this.#bytes.read(endAt, endBytes);
    if (end.length !== endBytes || end.some((byte) => byte !== 0))
      this.#damage("the end of the archive", "it is not the zeros that end one");
    const more = this.#bytes.sizeBytes - endAt - endBytes;
    if (more > 0) this.#damage("the end of the archive", `${more} bytes follow it, which belong to nothing`);
  }

  close(): Promise<void> {
    return this.#bytes.close();
  }

  #damage(entry: string, detail: string): AssayError {
    this.#damaged.set(entry, { entry, detail });
    return new AssayError("UPSTREAM_TRUNCATED", `the bundle's entry ${entry} is damaged: ${detail}`, { help: "get the bundle again" });
  }
}

interface OpenedManifest {
  readonly manifest: BundleManifest;
  readonly sha256: Digest;
  readonly keyId: string;
  readonly envelopeBytes: number;
}

/** A manifest that was taken out of its bundle, or is still in it. Throws what `BundleReader.open` throws. */
export async function readManifest(path: string): Promise<Pick<OpenedManifest, "manifest" | "sha256">> {
  const bytes = await PartedFile.open([path]);
  try {
    const isAlone = (await bytes.read(0, 1)).toString("latin1") === "{";
    return isAlone ? manifestIn(await bytes.read(0, Math.min(bytes.sizeBytes, MAX_MANIFEST_BYTES))) : await openManifest(bytes, path);
  } finally {
    await bytes.close();
  }
}

async function openManifest(bytes: PartedFile, path: string): Promise<OpenedManifest> {
  const header = await bytes.read(0, HEADER_BYTES);
  const sizeBytes = header.length === HEADER_BYTES ? sizeInHeader(header) : undefined;
  if (sizeBytes === undefined || !header.equals(tarHeader({ path: MANIFEST_PATH, sizeBytes }))) {
    throw new AssayError("BAD_REQUEST", `${shown(path)} is no bundle: it does not begin with ${MANIFEST_PATH}`, {
      help: "give the file that `assay export` wrote; of several parts, all of them in their order",
    });
  }
  if (sizeBytes > MAX_MANIFEST_BYTES)
    throw new AssayError("BAD_REQUEST", `the bundle's manifest has ${sizeBytes} bytes, more than ${MAX_MANIFEST_BYTES}`);
  const [placed] = layOut([{ path: MANIFEST_PATH, sizeBytes }]).files;
  const envelope = await bytes.read(HEADER_BYTES, sizeBytes);
  const padding = await bytes.read(HEADER_BYTES + sizeBytes, placed?.paddingBytes ?? 0);
  if (envelope.length !== sizeBytes || padding.length !== placed?.paddingBytes || padding.some((byte) => byte !== 0))
    throw new AssayError("BAD_REQUEST", `${shown(path)} is cut short or changed within its manifest`, { help: "get the bundle again" });
  return manifestIn(envelope);
}

function manifestIn(envelope: Buffer): OpenedManifest {
  const { payload, keyId } = openEnvelope(envelope);
  const sha256 = parseDigest(createHash("sha256").update(payload).digest("hex"));
  return { manifest: parseManifest(payload), sha256, keyId, envelopeBytes: envelope.length };
}
