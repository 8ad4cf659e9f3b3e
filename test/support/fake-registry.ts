import { createHash } from "node:crypto";
import { buildNpmTarball, buildWheel } from "./archives.ts";
import type { FakeUpstream } from "./fake-upstream.ts";

/** A package as the fake registries publish it. `bytes` stands in for the built archive; `claims` for its true digests. */
export interface Published {
  readonly name: string;
  readonly version?: string;
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly bytes?: Buffer;
  /** What the index says the digest is, in hexadecimal; `none` leaves it out. */
  readonly claims?: string;
  /** What else npm's `dist` says. */
  readonly dist?: Readonly<Record<string, unknown>>;
}

export interface PublishedFile {
  readonly file: string;
  /** Path on the upstream that the archive is at. */
  readonly path: string;
  readonly bytes: Buffer;
  readonly indexPath: string;
}

/** Publishes a wheel: its file and the JSON page of its project, at `/pypi/simple/`. The page lists only this file. */
export function publishWheel(upstream: FakeUpstream, published: Published): PublishedFile {
  const { name, version = "1.0.0" } = published;
  const built = buildWheel({ name, version, ...(published.files ? { files: published.files } : {}) });
  const bytes = published.bytes ?? built.bytes;
  const path = `/pypi/packages/${built.file}`;
  const indexPath = `/pypi/simple/${name}/`;
  const sha256 = published.claims ?? digest("sha256", bytes, "hex");
  upstream.serve(path, { body: bytes });
  upstream.serve(indexPath, {
    contentType: "application/vnd.pypi.simple.v1+json",
    etag: `"${digest("sha256", Buffer.from(sha256), "hex").slice(0, 16)}"`,
    body: JSON.stringify({
      meta: { "api-version": "1.1" },
      name,
      versions: [version],
      files: [
        {
          filename: built.file,
          url: upstream.url(path).href,
          hashes: sha256 === "none" ? {} : { sha256 },
          size: bytes.length,
          "upload-time": "2024-01-01T00:00:00.000000Z",
          "requires-python": ">=3.6",
          yanked: false,
        },
      ],
    }),
  });
  return { file: built.file, path, bytes, indexPath };
}

/** Publishes an npm package: its tarball and its full packument, below `/npm/`. */
export function publishTarball(upstream: FakeUpstream, published: Published): PublishedFile {
  const { name, version = "1.0.0" } = published;
  const built = buildNpmTarball({ name, version, ...(published.files ? { files: published.files } : {}) });
  const bytes = published.bytes ?? built.bytes;
  const path = `/npm/${name}/-/${built.file}`;
  const indexPath = `/npm/${name.replace("/", "%2f")}`;
  const sha512 = published.claims ?? digest("sha512", bytes, "hex");
  const dist = {
    tarball: upstream.url(path).href,
    ...(sha512 === "none" ? {} : { integrity: `sha512-${Buffer.from(sha512, "hex").toString("base64")}` }),
    ...published.dist,
  };
  upstream.serve(path, { body: bytes });
  upstream.serve(indexPath, {
    contentType: "application/json",
    body: JSON.stringify({
      _id: name,
      name,
      "dist-tags": { latest: version },
      versions: { [version]: { name, version, main: "index.js", dist } },
      time: { created: "2024-01-01T00:00:00.000Z", modified: "2024-01-01T00:00:00.000Z", [version]: "2024-01-01T00:00:00.000Z" },
    }),
  });
  return { file: built.file, path, bytes, indexPath };
}

/** Configuration text that mirrors a fake upstream's two registries. `more` is added at the top level. */
export function mirrorConfig(upstream: FakeUpstream, more = ""): string {
  return `
repositories:
  - {name: pypi, ecosystem: pypi, upstreams: [{name: fake, url: "${upstream.origin}/pypi/simple/", retries: 1}]}
  - {name: npm, ecosystem: npm, upstreams: [{name: fake, url: "${upstream.origin}/npm/", retries: 1}]}
${more}
`;
}

/** Bytes that do not compress, so that an archive's size is theirs; the same for the same seed. */
export function noise(sizeBytes: number, seed = 1): Buffer {
  const out = Buffer.alloc(sizeBytes);
  let state = seed >>> 0 || 1;
  for (let i = 0; i + 4 <= sizeBytes; i += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out.writeInt32LE(state, i);
  }
  return out;
}

function digest(algorithm: string, bytes: Buffer, encoding: "hex"): string {
  return createHash(algorithm).update(bytes).digest(encoding);
}
