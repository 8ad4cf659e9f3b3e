import { createHash } from "node:crypto";
import { type BundledFile, pathOf } from "../../core/bundle-manifest.ts";
import { AssayError } from "../../core/errors.ts";
import type { BundleOutput } from "./bundle-output.ts";
import { MANIFEST_PATH } from "./bundle-reader.ts";
import { layOut, tarHeader } from "./tar-layout.ts";

/**
 * Writes a bundle as its manifest says, one piece in memory at a time. Contents are hashed once more on their way: what rotted on disk must not go out under our signature. Throws
 * STORE_CORRUPT for content that is not what the manifest says, and what `output` and `content` throw.
 */
export async function writeBundle(
  output: Pick<BundleOutput, "write">,
  envelope: Buffer,
  files: readonly BundledFile[],
  content: (file: BundledFile) => AsyncIterable<Uint8Array>,
): Promise<void> {
  const first = { path: MANIFEST_PATH, sizeBytes: envelope.length };
  const layout = layOut([first, ...files.map((file) => ({ path: pathOf(file), sizeBytes: file.sizeBytes }))]);
  for (const [position, placed] of layout.files.entries()) {
    const file = files[position - 1];
    await output.write(tarHeader(placed));
    if (file) await writeContent(output, file, content(file));
    else await output.write(envelope);
    await output.write(Buffer.alloc(placed.paddingBytes));
  }
  await output.write(Buffer.alloc(layout.endBytes));
}

async function writeContent(output: Pick<BundleOutput, "write">, file: BundledFile, content: AsyncIterable<Uint8Array>): Promise<void> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of content) {
    hash.update(chunk);
    sizeBytes += chunk.length;
    await output.write(chunk);
  }
  const computed = hash.digest("hex");
  if (computed === file.sha256 && sizeBytes === file.sizeBytes) return;
  throw new AssayError(
    "STORE_CORRUPT",
    `${pathOf(file)}: expected sha256 ${file.sha256} (as it was admitted), got ${computed} from the disk`,
    {
      help: "`assay scrub` finds what rotted and fetches it again; nothing was exported",
    },
  );
}
