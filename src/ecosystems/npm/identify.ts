import { clean } from "semver";
import type { ArtifactRef } from "../../core/artifact.ts";
import { AssayError } from "../../core/errors.ts";
import { type JsonObject, parseJsonObject } from "../../core/json.ts";
import type { Identification, Manifest } from "../../core/ports/ecosystem.ts";
import { quoteValue } from "../../core/quote.ts";

/**
 * Whether `package.json` names the package and version that were asked for. npm strips the first folder, whatever it is called,
 * so two places with a `package.json` would be two packages in one, and the order of entries would choose between them.
 */
export function identify(ref: ArtifactRef, manifests: readonly Manifest[], maxDepth: number): Identification {
  const [manifest, second] = manifests;
  if (!manifest) return { kind: "other", detail: "the archive has no package.json in a top folder" };
  if (second)
    return { kind: "other", detail: `the archive has two manifests: ${quoteValue(manifest.path)} and ${quoteValue(second.path)}` };
  const said = parseManifest(manifest, maxDepth);
  if (typeof said === "string") return { kind: "other", detail: said };
  // npm trims names and reads versions loosely (`v1.0.0`, ` 1.0.0`, `1.0.0beta`) before it publishes under them.
  const { name, version } = said;
  if (typeof name !== "string" || name.trim() !== ref.name) {
    return { kind: "other", detail: `${manifest.path} names ${quoteValue(name)}, not ${quoteValue(ref.name)}` };
  }
  if (typeof version !== "string" || !isSameVersion(version, ref.version)) {
    return { kind: "other", detail: `${manifest.path} has version ${quoteValue(version)}, not ${quoteValue(ref.version)}` };
  }
  return { kind: "same", manifestPath: manifest.path };
}

function parseManifest({ path, body }: Manifest, maxDepth: number): JsonObject | string {
  const isMarked = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  try {
    // npm skips a byte order mark, as editors on Windows leave it.
    return parseJsonObject(isMarked ? body.subarray(3) : body, { maxDepth, source: path });
  } catch (error) {
    if (error instanceof AssayError) return error.message;
    throw error;
  }
}

function isSameVersion(said: string, asked: string): boolean {
  if (said === asked) return true;
  const loosely = clean(said, { loose: true });
  return loosely !== null && loosely === clean(asked, { loose: true });
}
