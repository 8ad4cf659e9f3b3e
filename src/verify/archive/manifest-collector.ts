import type { ManifestPattern } from "../../core/ports/ecosystem.ts";
import { pastLimit } from "./finding.ts";
import type { ScannedManifest } from "./scan-report.ts";

/** Takes one manifest's bytes as they come out of the archive. Throws ARCHIVE_LIMIT. */
export type ManifestSink = (chunk: Uint8Array) => void;

/** Keeps the bodies of the few files that `identify` reads. Nothing else of an archive stays in memory. */
export class ManifestCollector {
  readonly #patterns: readonly ManifestPattern[];
  readonly #maxBytes: number;
  readonly #found = new Map<string, Buffer[]>();
  #bytes = 0;

  /** `maxBytes` bounds all manifests of the archive together, so that many matching names are no way around it. */
  constructor(patterns: readonly ManifestPattern[], maxBytes: number) {
    this.#patterns = patterns;
    this.#maxBytes = maxBytes;
  }

  /** Where the file at `segments` is to go; undefined for a file that nobody wants. A repeated file is kept once: the tree has it identical. */
  open(segments: readonly string[]): ManifestSink | undefined {
    const path = segments.join("/");
    if (this.#found.has(path) || !this.#patterns.some((pattern) => matches(pattern, segments))) return undefined;
    const chunks: Buffer[] = [];
    this.#found.set(path, chunks);
    return (chunk) => {
      this.#bytes += chunk.length;
      if (this.#bytes > this.#maxBytes) throw pastLimit(`its manifests are larger than ${this.#maxBytes} bytes (limits.manifest)`);
      chunks.push(Buffer.from(chunk));
    };
  }

  collected(): readonly ScannedManifest[] {
    return [...this.#found].map(([path, chunks]) => ({ path, body: Buffer.concat(chunks) }));
  }
}

function matches(pattern: ManifestPattern, segments: readonly string[]): boolean {
  return (
    segments.length === pattern.depth &&
    segments.at(-1) === pattern.name &&
    (pattern.folderEnding === undefined || (segments[0]?.endsWith(pattern.folderEnding) ?? false))
  );
}
