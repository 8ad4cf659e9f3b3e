import { createHash } from "node:crypto";
import { crc32, gzipSync } from "node:zlib";
import { buildTar, buildZip } from "./archives.ts";

/** An archive that may be larger than a test wants to hold twice: its bytes in order, in pieces that archives can share. */
export interface LargeArchive {
  readonly name: string;
  readonly version: string;
  readonly file: string;
  readonly parts: readonly Buffer[];
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly sha512: string;
}

/**
 * A wheel whose one large member is `payload`, stored and not copied: twenty wheels of one payload take the memory of one. Its metadata stands at
 * the end, as wheel builders put it, so a client that reads it from the stream must read everything.
 */
export function largeWheel(name: string, payload: Buffer, version = "1.0.0"): LargeArchive {
  const info = `${name}-${version}.dist-info`;
  const data = `${name}/data.bin`;
  const real = { crc: crc32(payload), compressedSize: payload.length, size: payload.length };
  const metadata = `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\nSummary: made in a test\n`;
  const record = [data, `${name}/__init__.py`, `${info}/METADATA`, `${info}/WHEEL`, `${info}/RECORD`].map((path) => `${path},,\n`);
  const frame = buildZip([
    { path: data, method: 0, local: real, central: real },
    { path: `${name}/__init__.py`, body: "" },
    { path: `${info}/METADATA`, body: metadata },
    { path: `${info}/WHEEL`, body: "Wheel-Version: 1.0\nGenerator: assay-test\nRoot-Is-Purelib: true\nTag: py3-none-any\n" },
    { path: `${info}/RECORD`, body: record.join("") },
  ]);
  moveBack(frame, payload.length);
  const payloadAt = 30 + data.length;
  return finish(name, version, `${name}-${version}-py3-none-any.whl`, [frame.subarray(0, payloadAt), payload, frame.subarray(payloadAt)]);
}

/** An npm tarball with `payload` in it, in gzip's stored blocks: as fast to make as to copy. */
export function largeTarball(name: string, payload: Buffer, version = "1.0.0"): LargeArchive {
  const tar = buildTar([
    { path: "package/package.json", body: `${JSON.stringify({ name, version, main: "index.js" })}\n` },
    { path: "package/index.js", body: "module.exports = 1;\n" },
    { path: "package/data.bin", body: payload },
  ]);
  return finish(name, version, `${name}-${version}.tgz`, [gzipSync(tar, { level: 0, chunkSize: 1024 * 1024 })]);
}

/** The same archive as somebody altered it on the way: its last byte differs, everything that was claimed stays. */
export function withWrongEnd(archive: LargeArchive): LargeArchive {
  const last = Buffer.from(archive.parts.at(-1) ?? Buffer.alloc(0));
  last.writeUInt8(last.readUInt8(last.length - 1) ^ 1, last.length - 1);
  return { ...archive, parts: [...archive.parts.slice(0, -1), last] };
}

/** Makes room for `bytes` right behind the first member: every record but the first then points that much further. */
function moveBack(zip: Buffer, bytes: number): void {
  const end = zip.length - 22;
  const directory = zip.readUInt32LE(end + 16);
  for (let at = directory; at < end; at += 46 + zip.readUInt16LE(at + 28) + zip.readUInt16LE(at + 30)) {
    const offset = zip.readUInt32LE(at + 42);
    if (offset > 0) zip.writeUInt32LE(offset + bytes, at + 42);
  }
  zip.writeUInt32LE(directory + bytes, end + 16);
}

function finish(name: string, version: string, file: string, parts: readonly Buffer[]): LargeArchive {
  const sha256 = createHash("sha256");
  const sha512 = createHash("sha512");
  for (const part of parts) {
    sha256.update(part);
    sha512.update(part);
  }
  const sizeBytes = parts.reduce((total, part) => total + part.length, 0);
  return { name, version, file, parts, sizeBytes, sha256: sha256.digest("hex"), sha512: sha512.digest("hex") };
}
