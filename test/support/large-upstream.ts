import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { LargeArchive } from "./large-archives.ts";

/**
 * A registry on loopback for archives too large to be held twice: it sends their pieces as they are, at the client's pace or at a set speed.
 * PyPI at `/pypi/`, without `core-metadata`, so that uv has to look into the wheel; npm at `/npm/`. For lies about small files, see fake-upstream.ts.
 */
export interface LargeUpstream {
  readonly origin: string;
  /** Publishes at `/pypi/simple/NAME/` or `/npm/NAME`, by the archive's file name. What is sent may differ from what is claimed: `sent`. */
  publish(archive: LargeArchive, sent?: LargeArchive): void;
  /** Speed of each answer from now on, in bytes a second. */
  limit(bytesPerSecond: number): void;
  /** Requests for the archive, and for its index page, so far. */
  requestsFor(archive: LargeArchive): { readonly archive: number; readonly index: number };
  close(): Promise<void>;
}

const PIECE_BYTES = 256 * 1024;
const PAUSE_MS = 20;

export async function startLargeUpstream(): Promise<LargeUpstream> {
  const archives = new Map<string, LargeArchive>();
  const pages = new Map<string, { readonly contentType: string; readonly body: string }>();
  const counts = new Map<string, number>();
  let bytesPerSecond = Number.POSITIVE_INFINITY;

  const server = createServer((request, response) => {
    const path = request.url ?? "";
    counts.set(path, (counts.get(path) ?? 0) + 1);
    response.on("error", () => {}); // The client may leave at any time.
    const archive = archives.get(path);
    if (archive) return void sendArchive(response, archive, bytesPerSecond).catch(() => response.destroy());
    const page = pages.get(path);
    response.writeHead(page ? 200 : 404, { "content-type": page?.contentType ?? "text/plain" });
    response.end(page?.body ?? "not here\n");
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    origin,
    publish: (archive, sent = archive) => {
      const { archivePath, indexPath } = pathsOf(archive);
      archives.set(archivePath, sent);
      pages.set(indexPath, archive.file.endsWith(".tgz") ? packument(archive, origin) : simplePage(archive, origin));
    },
    limit: (speed) => {
      bytesPerSecond = speed;
    },
    requestsFor: (archive) => {
      const { archivePath, indexPath } = pathsOf(archive);
      return { archive: counts.get(archivePath) ?? 0, index: counts.get(indexPath) ?? 0 };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Where an archive is below a registry's mount, on the upstream. */
function pathsOf({ name, file }: LargeArchive): { archivePath: string; indexPath: string } {
  return file.endsWith(".tgz")
    ? { archivePath: `/npm/${name}/-/${file}`, indexPath: `/npm/${name}` }
    : { archivePath: `/pypi/packages/${file}`, indexPath: `/pypi/simple/${name}/` };
}

function simplePage(archive: LargeArchive, origin: string): { contentType: string; body: string } {
  const { name, version, file, sizeBytes, sha256 } = archive;
  const url = `${origin}${pathsOf(archive).archivePath}`;
  const files = [{ filename: file, url, hashes: { sha256 }, size: sizeBytes, "upload-time": "2024-01-01T00:00:00.000000Z", yanked: false }];
  return {
    contentType: "application/vnd.pypi.simple.v1+json",
    body: JSON.stringify({ meta: { "api-version": "1.1" }, name, versions: [version], files }),
  };
}

function packument(archive: LargeArchive, origin: string): { contentType: string; body: string } {
  const { name, version, sha512 } = archive;
  const integrity = `sha512-${Buffer.from(sha512, "hex").toString("base64")}`;
  const dist = { tarball: `${origin}${pathsOf(archive).archivePath}`, integrity };
  return {
    contentType: "application/json",
    body: JSON.stringify({
      _id: name,
      name,
      "dist-tags": { latest: version },
      versions: { [version]: { name, version, main: "index.js", dist } },
      time: { created: "2024-01-01T00:00:00.000Z", modified: "2024-01-01T00:00:00.000Z", [version]: "2024-01-01T00:00:00.000Z" },
    }),
  };
}

async function sendArchive(response: ServerResponse, archive: LargeArchive, bytesPerSecond: number): Promise<void> {
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": String(archive.sizeBytes) });
  const startedAt = performance.now();
  let sent = 0;
  for (const part of archive.parts) {
    for (let at = 0; at < part.length; at += PIECE_BYTES) {
      while (sent > ((performance.now() - startedAt) / 1000) * bytesPerSecond) await delay(PAUSE_MS);
      const piece = part.subarray(at, at + PIECE_BYTES);
      await new Promise<void>((resolve, reject) => response.write(piece, (error) => (error ? reject(error) : resolve())));
      sent += piece.length;
    }
  }
  response.end();
}
