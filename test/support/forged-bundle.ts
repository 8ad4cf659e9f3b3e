import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BundledFile, type BundleManifest, pathOf } from "../../src/core/bundle-manifest.ts";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import { keyIdOf } from "../../src/core/key-id.ts";
import { sealManifest } from "../../src/mirror/bundle/envelope.ts";
import { writeBundle } from "../../src/mirror/bundle/write-bundle.ts";
import type { Loose } from "./sigstore-instance.ts";

/** A bundle to begin with: its manifest, and what it carries by path. */
export interface HonestBundle {
  readonly manifest: BundleManifest;
  readonly contents: ReadonlyMap<string, Buffer>;
  /** Where the forged one goes. */
  readonly folder: string;
}

/** What somebody makes who has a key of their own and may write any manifest: the hostile exporter. Contents are those of the honest bundle, and `more`. */
export async function forgeBundle(
  { manifest, contents, folder }: HonestBundle,
  change: (honest: Loose) => Loose,
  more: readonly Buffer[] = [],
): Promise<string> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const payload = Buffer.from(canonicalJson(change(structuredClone(manifest))));
  const signer = { keyId: keyIdOf(publicKey), sign: (bytes: Uint8Array) => sign(null, bytes, privateKey) };
  const envelope = sealManifest(payload, signer, { pem: publicKey.export({ type: "spki", format: "pem" }).toString() });
  const added = new Map(more.map((body) => [createHash("sha256").update(body).digest("hex"), body]));
  const pieces: Uint8Array[] = [];
  const output = { write: async (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes)) };
  const files = JSON.parse(payload.toString()).files as readonly BundledFile[];
  await writeBundle(output, envelope, files, async function* (file) {
    yield contents.get(pathOf(file)) ?? added.get(file.sha256) ?? Buffer.alloc(0);
  });
  const path = join(folder, "bundle.tar");
  writeFileSync(path, Buffer.concat(pieces));
  return path;
}
