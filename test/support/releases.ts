import { createHash } from "node:crypto";
import { buildAam, buildNpmTarball, buildWheel } from "./archives.ts";
import type { FakeUpstream } from "./fake-upstream.ts";

/** One version of a package that a fake registry publishes with others. */
export interface Release {
  readonly version: string;
  /** ISO 8601; long ago where left out. */
  readonly publishedAt?: string;
  /** What the archive says that it is, where that is another package: it is then refused for it. */
  readonly saysItIs?: string;
}

const LONG_AGO = "2024-01-01T00:00:00.000Z";

/** Publishes wheels of one project on one page, below `/pypi/`. Answers the path of the page. */
export function publishWheels(upstream: FakeUpstream, name: string, releases: readonly Release[]): string {
  const files = releases.map(({ version, publishedAt = LONG_AGO, saysItIs = name }) => {
    const { file } = buildWheel({ name, version });
    const { bytes } = buildWheel({ name: saysItIs, version });
    const path = `/pypi/packages/${file}`;
    upstream.serve(path, { body: bytes });
    return {
      filename: file,
      url: upstream.url(path).href,
      hashes: { sha256: createHash("sha256").update(bytes).digest("hex") },
      size: bytes.length,
      "upload-time": publishedAt,
      yanked: false,
    };
  });
  const page = `/pypi/simple/${name}/`;
  const body = JSON.stringify({ meta: { "api-version": "1.1" }, name, versions: releases.map(({ version }) => version), files });
  upstream.serve(page, { contentType: "application/vnd.pypi.simple.v1+json", body });
  return page;
}

/** Publishes tarballs of one package in one packument, below `/npm/`; the last one is `latest`. Answers the path of the packument. */
export function publishTarballs(upstream: FakeUpstream, name: string, releases: readonly Release[]): string {
  const versions = releases.map(({ version, saysItIs = name }) => {
    const { file } = buildNpmTarball({ name, version });
    const { bytes } = buildNpmTarball({ name: saysItIs, version });
    const path = `/npm/${name}/-/${file}`;
    upstream.serve(path, { body: bytes });
    const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
    return [version, { name, version, main: "index.js", dist: { tarball: upstream.url(path).href, integrity } }] as const;
  });
  const time = Object.fromEntries(releases.map(({ version, publishedAt = LONG_AGO }) => [version, publishedAt]));
  const packument = { name, "dist-tags": { latest: releases.at(-1)?.version }, versions: Object.fromEntries(versions), time };
  upstream.serve(`/npm/${name}`, { contentType: "application/json", body: JSON.stringify(packument) });
  return `/npm/${name}`;
}

/** Publishes AAM packages of one name in one document, below `/aam/`; the last one is `latest`. Answers the path of the document. */
export function publishAams(upstream: FakeUpstream, name: string, releases: readonly Release[]): string {
  const versions = releases.map(({ version, publishedAt = LONG_AGO, saysItIs = name }) => {
    const { bytes } = buildAam({ name: saysItIs, version });
    upstream.serve(`/aam/packages/${name}/${version}/tarball`, { body: bytes });
    return [version, { version, publishedAt, integrity: `sha256-${createHash("sha256").update(bytes).digest("base64")}` }] as const;
  });
  const document = { name, versions: Object.fromEntries(versions), "dist-tags": { latest: releases.at(-1)?.version } };
  upstream.serve(`/aam/packages/${name}`, { contentType: "application/json", body: JSON.stringify(document) });
  return `/aam/packages/${name}`;
}
