import { readFileSync } from "node:fs";
import { type BundledArtifact, pathOf } from "../../src/core/bundle-manifest.ts";
import { BundleReader } from "../../src/mirror/bundle/bundle-reader.ts";
import { layOut, type PlacedFile } from "../../src/mirror/bundle/tar-layout.ts";

/** The entry that the signed manifest is in. */
export const ENVELOPE = "manifest.dsse.json";

/** A bundle, and where everything in it stands. */
export interface LaidOutBundle {
  readonly bytes: Buffer;
  readonly places: readonly PlacedFile[];
  /** Where the last entry ends. */
  readonly end: number;
  readonly artifacts: readonly BundledArtifact[];
}

export async function laidOut(path: string): Promise<LaidOutBundle> {
  const bytes = readFileSync(path);
  const reader = await BundleReader.open([path]);
  const { files, artifacts } = reader.manifest;
  await reader.close();
  // The size in its header, as tar writes it.
  const envelopeBytes = Number.parseInt(bytes.toString("latin1", 124, 135), 8);
  const layout = layOut([
    { path: ENVELOPE, sizeBytes: envelopeBytes },
    ...files.map((file) => ({ path: pathOf(file), sizeBytes: file.sizeBytes })),
  ]);
  return { bytes, places: layout.files, end: layout.endAt, artifacts };
}
