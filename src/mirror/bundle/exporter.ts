import { createHash } from "node:crypto";
import { type BundledFile, type BundleManifest, documentFiles, formatManifest, pathOf } from "../../core/bundle-manifest.ts";
import type { Digest } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import type { BlobStore } from "../../core/ports/blob-store.ts";
import type { Index } from "../../core/ports/index-store.ts";
import type { SigningKeys } from "../../core/ports/signing-keys.ts";
import { blobContent } from "../blob-content.ts";
import { BundleOutput } from "./bundle-output.ts";
import { type CollectDeps, type Collection, collect, type ExportedRow, type WantedPage, type WantedReport } from "./collection.ts";
import { decisionsAbout } from "./decisions-about.ts";
import { sealManifest } from "./envelope.ts";
import { Spool, type Spooled } from "./spool.ts";
import { writeBundle } from "./write-bundle.ts";

export interface ExportDeps extends CollectDeps {
  readonly index: Pick<Index, "decisions" | "file">;
  readonly blobs: Pick<BlobStore, "find" | "open">;
  readonly keys: SigningKeys;
  /** What signatures are checked against here. */
  readonly trustRoots: () => readonly { readonly name: string; readonly text: Buffer }[];
}

export interface ExportOptions {
  /** Packages whose index pages go along though none of their archives may. */
  readonly pages: readonly WantedPage[];
  readonly path: string;
  /** Bytes of each part; undefined for one file. */
  readonly partBytes: number | undefined;
  /** The manifest that this bundle builds on, with its SHA-256: what that one has is not carried again. */
  readonly base: { readonly manifest: BundleManifest; readonly sha256: Digest } | undefined;
}

export interface ExportSummary {
  readonly files: readonly string[];
  readonly manifestSha256: string;
  readonly keyId: string;
  readonly buildsOn: string | null;
  readonly artifacts: number;
  readonly documents: number;
  /** How much of it is carried. */
  readonly carriedFiles: number;
  readonly carriedBytes: number;
}

/** What was put by on the way to a bundle, beside the blobs. */
interface Gathered extends Collection {
  readonly trustRoots: readonly { readonly name: string; readonly spooled: Spooled }[];
  readonly decisions: Spooled;
}

/** Writes what is held and admitted into one archive that another Assay can be filled from without a network. */
export class Exporter {
  readonly #deps: ExportDeps;

  constructor(deps: ExportDeps) {
    this.#deps = deps;
  }

  /**
   * `told` hears of each archive. The same archives, documents, log and key make the same bytes. Throws STORE_IO, STORE_FULL, STORE_CORRUPT where what is on disk is not what
   * was admitted, and what `SigningKeys.signer` throws; nothing is at `path` then that was not there.
   */
  async export(reports: AsyncIterable<WantedReport>, options: ExportOptions, told: (row: ExportedRow) => void): Promise<ExportSummary> {
    const spool = await Spool.open(`${options.path}.spool`);
    const output = new BundleOutput(options.path, options.partBytes);
    try {
      const gathered = await this.#gather(await collect({ reports, pages: options.pages }, spool, this.#deps, told), spool);
      const manifest = manifestOf(gathered, options.base);
      const payload = formatManifest(manifest);
      const { envelope, keyId } = await this.#seal(payload);
      await writeBundle(output, envelope, manifest.files, (file) => this.#content(file, spool));
      const { artifacts, documents, files, buildsOn } = manifest;
      return {
        files: await output.commit(),
        manifestSha256: createHash("sha256").update(payload).digest("hex"),
        keyId,
        buildsOn,
        artifacts: artifacts.length,
        documents: documents.length,
        carriedFiles: files.length,
        carriedBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      };
    } finally {
      await output.discard();
      await spool.remove();
    }
  }

  async #gather(collection: Collection, spool: Spool): Promise<Gathered> {
    const trustRoots: { name: string; spooled: Spooled }[] = [];
    for (const { name, text } of this.#deps.trustRoots()) trustRoots.push({ name, spooled: await spool.put(text) });
    return { ...collection, trustRoots, decisions: await spool.putAll(decisionsAbout(collection.refs, this.#deps.index)) };
  }

  async #seal(payload: Buffer): Promise<{ readonly envelope: Buffer; readonly keyId: string }> {
    const signer = await this.#deps.keys.signer();
    const published = (await this.#deps.keys.published()).find(({ id }) => id === signer.keyId);
    if (!published) throw new AssayError("BUSY", "the signing key was just replaced", { help: "export again" });
    return { envelope: sealManifest(payload, signer, published), keyId: signer.keyId };
  }

  async *#content(file: BundledFile, spool: Spool): AsyncGenerator<Uint8Array> {
    const spooled = spool.find(file.sha256);
    if (file.kind !== "blob" && spooled) {
      yield* spool.content(spooled);
      return;
    }
    const blob = await this.#deps.blobs.find(file.sha256, file.sizeBytes);
    if (!blob)
      throw new AssayError("STORE_CORRUPT", `${pathOf(file)} is missing or of another size`, {
        help: "it was let go since the export began (then export again), or lost (then `assay scrub` fetches it anew); nothing was exported",
      });
    yield* blobContent(blob, this.#deps.blobs);
  }
}

/** Documents first, then what explains them, then blobs: who reads a bundle from its beginning knows of an archive before it comes. */
function manifestOf({ artifacts, documents, pages, trustRoots, decisions }: Gathered, base: ExportOptions["base"]): BundleManifest {
  const all: BundledFile[] = [
    ...documentFiles({ artifacts: [...artifacts], documents: [...documents] }),
    ...trustRoots.map(({ spooled: { sha256, sizeBytes } }) => ({ kind: "trust-root" as const, sha256, sizeBytes })),
    { kind: "decisions", sha256: decisions.sha256, sizeBytes: decisions.sizeBytes },
    ...artifacts.map(({ sha256, sizeBytes }) => ({ kind: "blob" as const, sha256, sizeBytes })),
  ];
  const there = new Set(base ? everythingIn(base.manifest) : []);
  const carried = new Map(all.map((file) => [pathOf(file), file] as const).filter(([path]) => !there.has(path)));
  return {
    format: 1,
    buildsOn: base?.sha256 ?? null,
    artifacts: [...artifacts],
    documents: [...documents],
    ...(pages.length > 0 ? { pages: [...pages] } : {}),
    trustRoots: trustRoots.map(({ name, spooled }) => ({ name, sha256: spooled.sha256 })),
    decisions: decisions.sha256,
    files: [...carried.values()],
  };
}

/** What a bundle has, or the one that it builds on itself. */
function everythingIn({ artifacts, documents, trustRoots, decisions, files }: BundleManifest): readonly string[] {
  return [
    ...artifacts.map(({ sha256 }) => pathOf({ kind: "blob", sha256 })),
    ...documentFiles({ artifacts, documents }).map(pathOf),
    ...trustRoots.map(({ sha256 }) => pathOf({ kind: "trust-root", sha256 })),
    pathOf({ kind: "decisions", sha256: decisions }),
    ...files.map(pathOf),
  ];
}
