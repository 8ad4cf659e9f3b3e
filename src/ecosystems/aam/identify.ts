import type { ArtifactRef } from "../../core/artifact.ts";
import { AssayError } from "../../core/errors.ts";
import { type JsonObject, parseJsonObject } from "../../core/json.ts";
import type { ArchiveFormat, Identification, Manifest } from "../../core/ports/ecosystem.ts";
import { quote, quoteValue } from "../../core/quote.ts";
import { parseYamlObject } from "../../core/yaml-document.ts";
import { repeatedMember } from "./repeated-member.ts";

const UAAPS_MANIFEST = "package.agent.json";
const CLIENT_MANIFEST = "aam.yaml";
const BUNDLE_MANIFEST = "bundle.json";

/** An `.aam` archive is a gzipped tar with its manifest at the root. Section 12.1 allows links that stay inside. */
export const AAM_FORMAT: ArchiveFormat = {
  container: "tar.gz",
  manifests: [UAAPS_MANIFEST, CLIENT_MANIFEST, BUNDLE_MANIFEST].map((name) => ({ depth: 1, name })),
  symlinks: "inside",
};

/** Bytes of an `aam.yaml`. It lists the archive's files with their digests, some 5000 of them in half of this; YAML is slow to parse. */
export const CLIENT_MANIFEST_BYTES = 1024 * 1024;

interface Limits {
  readonly jsonDepth: number;
}

/**
 * Whether an archive says it is what was asked for. The specification wants `package.agent.json`, the `aam` client `aam.yaml`; one is enough, and where
 * there are both they must agree, because the reader of one would install what the reader of the other never saw.
 */
export function identify(ref: ArtifactRef, manifests: readonly Manifest[], limits: Limits): Identification {
  const paths = manifests.map((manifest) => manifest.path);
  if (paths.includes(BUNDLE_MANIFEST)) return other(`the archive is a bundle (it has ${BUNDLE_MANIFEST}), expected a package`);
  if (new Set(paths).size !== paths.length) return other("the archive has the same manifest twice");
  const known = [UAAPS_MANIFEST, CLIENT_MANIFEST].flatMap((path) => manifests.filter((manifest) => manifest.path === path));
  const [first] = known;
  if (!first) return other(`the archive has neither ${UAAPS_MANIFEST} nor ${CLIENT_MANIFEST} at its root`);
  for (const manifest of known) {
    const difference = differenceOf(ref, manifest, limits);
    if (difference) return other(difference);
  }
  return { kind: "same", manifestPath: first.path };
}

function differenceOf(ref: ArtifactRef, manifest: Manifest, limits: Limits): string | undefined {
  let object: JsonObject;
  try {
    object = manifest.path === CLIENT_MANIFEST ? parseClientManifest(manifest, limits) : parseUaapsManifest(manifest, limits);
  } catch (error) {
    if (error instanceof AssayError) return error.message;
    throw error;
  }
  for (const field of ["name", "version"] as const) {
    if (object[field] !== ref[field]) return `${manifest.path} says ${field} ${quoteValue(object[field])}, expected ${quote(ref[field])}`;
  }
  return undefined;
}

function parseUaapsManifest({ path, body }: Manifest, { jsonDepth }: Limits): JsonObject {
  const object = parseJsonObject(body, { maxDepth: jsonDepth, source: path });
  const repeated = repeatedMember(body.toString("utf8"));
  if (repeated !== undefined) throw new AssayError("UPSTREAM_MALFORMED", `${path} has the key ${quote(repeated)} twice`);
  return object;
}

function parseClientManifest({ path, body }: Manifest, { jsonDepth }: Limits): JsonObject {
  if (body.length > CLIENT_MANIFEST_BYTES) {
    throw new AssayError("UPSTREAM_LIMIT", `${path} has ${body.length} bytes, more than ${CLIENT_MANIFEST_BYTES}`);
  }
  return parseYamlObject(body, { maxDepth: jsonDepth, source: path });
}

function other(detail: string): Identification {
  return { kind: "other", detail };
}
