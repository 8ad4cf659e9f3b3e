import { createHash } from "node:crypto";

/** Bytes that stand for an archive; their digests are what a packument claims. */
export const BYTES = Buffer.from("an archive");
export const SHA512 = createHash("sha512").update(BYTES).digest();
export const SHA1 = createHash("sha1").update(BYTES).digest("hex");
export const INTEGRITY = `sha512-${SHA512.toString("base64")}`;

type Fields = Readonly<Record<string, unknown>>;

/** One version's manifest as a registry publishes it. */
export function manifest(name: string, version: string, fields: Fields = {}, dist: Fields = {}): Fields {
  const file = `${name.slice(name.lastIndexOf("/") + 1)}-${version}.tgz`;
  return {
    name,
    version,
    description: "for people, not for installers",
    dependencies: { other: "^1.0.0" },
    ...fields,
    dist: { tarball: `https://registry.example/${name}/-/${file}`, integrity: INTEGRITY, shasum: SHA1, ...dist },
  };
}

/** A packument of these manifests. */
export function packument(name: string, manifests: readonly Fields[], fields: Fields = {}): Fields {
  const versions = manifests.map((entry) => String(entry["version"]));
  return {
    _id: name,
    _rev: "1-abc",
    name,
    "dist-tags": { latest: versions.at(-1) },
    versions: Object.fromEntries(manifests.map((entry) => [String(entry["version"]), entry])),
    time: { modified: "2024-02-03T04:05:06.000Z", ...Object.fromEntries(versions.map((version) => [version, "2024-01-01T00:00:00.000Z"])) },
    readme: "long",
    ...fields,
  };
}
