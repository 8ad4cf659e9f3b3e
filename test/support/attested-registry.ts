import { createHash } from "node:crypto";
import type { FakeUpstream } from "./fake-upstream.ts";
import type { Loose } from "./sigstore-instance.ts";

/** A distribution with what its index says is attested for it. */
export interface AttestedDistribution {
  readonly project: string;
  readonly version: string;
  readonly file: string;
  readonly bytes: Buffer;
  /** The provenance object, byte for byte; without one the index names none. */
  readonly provenance?: Buffer;
  /** What the index says the SHA-256 is, where that is not the bytes' own, and when it was uploaded; 2024-06-01 without. */
  readonly claims?: string;
  readonly uploadTime?: string;
}

/** Publishes distributions with their provenance in an index at `<at>/simple/`, one page a project. */
export function publishDistributions(upstream: FakeUpstream, at: string, distributions: readonly AttestedDistribution[]): void {
  for (const [project, files] of Map.groupBy(distributions, (each) => each.project)) {
    const listed = files.map(({ file, bytes, provenance, claims, uploadTime }) => {
      upstream.serve(`${at}/files/${file}`, { body: bytes });
      if (provenance) upstream.serve(provenancePath(at, file), { body: provenance, contentType: "application/vnd.pypi.integrity.v1+json" });
      return {
        filename: file,
        url: upstream.url(`${at}/files/${file}`).href,
        hashes: { sha256: claims ?? digest("sha256", bytes).toString("hex") },
        size: bytes.length,
        "upload-time": uploadTime ?? "2024-06-01T12:00:00.000000Z",
        provenance: provenance ? upstream.url(provenancePath(at, file)).href : null,
      };
    });
    upstream.serve(`${at}/simple/${project}/`, {
      contentType: "application/vnd.pypi.simple.v1+json",
      body: JSON.stringify({
        meta: { "api-version": "1.3" },
        name: project,
        versions: [...new Set(files.map(({ version }) => version))],
        files: listed,
      }),
    });
  }
}

function provenancePath(at: string, file: string): string {
  return `${at}/provenance/${file}`;
}

/** A package with what its registry says is signed for it. */
export interface AttestedPackage {
  readonly name: string;
  readonly version: string;
  readonly bytes: Buffer;
  /** `dist.signatures`. */
  readonly signatures?: readonly { readonly keyid: string; readonly sig: string }[];
  /** The document of the attestations endpoint. */
  readonly attestations?: Loose;
  /** When it was published; 2023 without. */
  readonly time?: string;
}

/** Publishes packages in a registry at `<at>/`, each name with one version and no dependencies, and the registry's keys. */
export function publishPackages(upstream: FakeUpstream, at: string, packages: readonly AttestedPackage[], keys: readonly Loose[]): void {
  upstream.serve(`${at}/-/npm/v1/keys`, { contentType: "application/json", body: JSON.stringify({ keys }) });
  for (const { name, version, bytes, signatures, attestations, time = "2023-02-01T00:00:00.000Z" } of packages) {
    const escaped = name.replace("/", "%2f");
    const tarball = `${at}/${name}/-/${name.slice(name.lastIndexOf("/") + 1)}-${version}.tgz`;
    const attestationsPath = `${at}/-/npm/v1/attestations/${escaped}@${version}`;
    upstream.serve(tarball, { body: bytes });
    if (attestations) upstream.serve(attestationsPath, { contentType: "application/json", body: JSON.stringify(attestations) });
    const dist = {
      tarball: upstream.url(tarball).href,
      integrity: `sha512-${digest("sha512", bytes).toString("base64")}`,
      shasum: digest("sha1", bytes).toString("hex"),
      ...(signatures ? { signatures } : {}),
      ...(attestations
        ? { attestations: { url: upstream.url(attestationsPath).href, provenance: { predicateType: "https://slsa.dev/provenance/v1" } } }
        : {}),
    };
    upstream.serve(`${at}/${escaped}`, {
      contentType: "application/json",
      body: JSON.stringify({
        _id: name,
        name,
        "dist-tags": { latest: version },
        versions: { [version]: { name, version, dist } },
        time: { created: time, modified: time, [version]: time },
      }),
    });
  }
}

function digest(algorithm: string, bytes: Buffer): Buffer {
  return createHash(algorithm).update(bytes).digest();
}
