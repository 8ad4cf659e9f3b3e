import { crc32 } from "node:zlib";
import type { ArchiveFormat } from "../../core/ports/ecosystem.ts";
import { quote } from "../../core/quote.ts";
import { checkLinkTarget, parseEntryPath } from "./entry-path.ts";
import { inflateRegion, inflateWhole, readRegion } from "./file-region.ts";
import { ambiguous, malformed, unsafe } from "./finding.ts";
import type { Tally } from "./tally.ts";
import { readZipDirectory, type ZipMember } from "./zip-directory.ts";
import { findZipDirectory } from "./zip-end.ts";
import { openZip } from "./zip-file.ts";
import { checkLocalHeader } from "./zip-local.ts";

/** Members up to this size, packed and unpacked, are held whole for a moment. */
const SMALL_BYTES = 256 * 1024;

/**
 * Checks a zip archive (wheel, zip sdist, egg) byte for byte: from offset 0 to the end, every byte belongs to exactly one record that the
 * central directory knows, so nothing stands before, between or after. Every entry is unpacked, to nowhere, and its size and CRC are proved.
 *
 * yauzl decodes the records; the strictness is ours (see zip-end.ts, zip-directory.ts, zip-local.ts): a library's task is to make sense of an
 * odd archive, and where two readers make different sense of it, the odd archive is an attack. Throws every ARCHIVE_ code.
 */
export async function scanZip(fd: number, sizeBytes: number, format: ArchiveFormat, tally: Tally): Promise<void> {
  const directory = findZipDirectory(fd, sizeBytes);
  const zip = await openZip(fd, sizeBytes);
  const members: ZipMember[] = [];
  for await (const member of readZipDirectory(zip, directory)) {
    tally.budget.countEntry();
    tally.budget.checkPath(member.name, member.rawName.length);
    tally.budget.countUnpacked(member.sizeBytes);
    members.push(member);
  }
  // The directory's order is the tool's choice; on disk they must stand one right behind the other.
  members.sort((a, b) => a.offset - b.offset);
  let expected = 0;
  for (const [index, member] of members.entries()) {
    const end = members[index + 1]?.offset ?? directory.offset;
    if (member.offset !== expected) throw ambiguous(`other data stands before entry ${quote(member.name)}`);
    const dataStart = await checkLocalHeader(zip, fd, member, end);
    await scanMember(fd, dataStart, member, format, tally);
    expected = end;
  }
  if (expected !== directory.offset) throw ambiguous("other data stands before its central directory");
}

async function scanMember(fd: number, dataStart: number, member: ZipMember, format: ArchiveFormat, tally: Tally): Promise<void> {
  const segments = parseEntryPath(member.name);
  const dataEnd = dataStart + member.compressedBytes;
  switch (member.kind) {
    case "folder":
      if (member.sizeBytes !== 0) throw ambiguous(`entry ${quote(member.name)} is a folder with content`);
      // zipfile of Python before 2.7.4 marked folders as deflated and wrote no data for them, not even an empty stream. Nobody unpacks a folder.
      if (member.compressedBytes > 0 || member.crc !== 0) await unpackMember(fd, dataStart, dataEnd, member, undefined);
      tally.tree.addFolder(segments);
      return;
    case "file":
      checkFileName(member, segments);
      tally.tree.addFile(segments);
      await unpackMember(fd, dataStart, dataEnd, member, tally.manifests.open(segments));
      return;
    case "link": {
      if (format.symlinks === "refuse")
        throw unsafe(`entry ${quote(member.name)} is a symbolic link, which this kind of package may not hold`);
      checkFileName(member, segments);
      tally.budget.checkPath(member.name, member.sizeBytes);
      const target: Buffer[] = [];
      await unpackMember(fd, dataStart, dataEnd, member, (chunk) => target.push(Buffer.from(chunk)));
      // Some wheels have links that their tool emptied. pip and uv unpack every entry as a file; of nothing nobody can make a link.
      if (member.sizeBytes === 0) {
        tally.tree.addFile(segments);
        return;
      }
      checkLinkTarget(segments, Buffer.concat(target).toString("utf8"));
      tally.tree.addLink(segments);
      return;
    }
    default:
      member.kind satisfies never;
  }
}

/** In a zip archive nobody writes `./a` or `a//b`, and readers that go by the text see other names there than those that unpack. */
function checkFileName(member: ZipMember, segments: readonly string[]): void {
  if (segments.length === 0 || segments.join("/") !== member.name)
    throw ambiguous(`entry ${quote(member.name)} has empty or dot segments in its name`);
}

/** Streams one member past `sink`; proves that it unpacks to exactly the size and CRC that its record gives. */
async function unpackMember(
  fd: number,
  start: number,
  end: number,
  member: ZipMember,
  sink: ((chunk: Buffer) => void) | undefined,
): Promise<void> {
  let crc = 0;
  let sizeBytes = 0;
  const take = (chunk: Buffer): void => {
    sizeBytes += chunk.length;
    // At once, not at the end: what goes past the declared size was never counted against the limits.
    if (sizeBytes > member.sizeBytes)
      throw malformed(`entry ${quote(member.name)} unpacks to more than the ${member.sizeBytes} bytes it declares`);
    crc = crc32(chunk, crc);
    sink?.(chunk);
  };
  if (member.method === 0) {
    if (member.compressedBytes !== member.sizeBytes) throw ambiguous(`entry ${quote(member.name)} is stored, but with two sizes`);
    for (const chunk of readRegion(fd, start, end)) take(chunk);
  } else {
    const usedBytes = await inflate(fd, start, end, member, take);
    if (usedBytes !== end - start) throw ambiguous(`entry ${quote(member.name)} has other data behind its compressed content`);
  }
  if (sizeBytes !== member.sizeBytes)
    throw malformed(`entry ${quote(member.name)} unpacks to ${sizeBytes} bytes, not the ${member.sizeBytes} it declares`);
  if (crc !== member.crc) throw malformed(`entry ${quote(member.name)} does not match its checksum`);
}

/** Answers how many bytes the compressed content is long. */
async function inflate(fd: number, start: number, end: number, member: ZipMember, take: (chunk: Buffer) => void): Promise<number> {
  if (end - start <= SMALL_BYTES && member.sizeBytes <= SMALL_BYTES) {
    const { content, usedBytes } = inflateWhole(fd, start, end, member.sizeBytes);
    take(content);
    return usedBytes;
  }
  const data = inflateRegion(fd, start, end);
  let step = await data.next();
  while (!step.done) {
    take(step.value);
    step = await data.next();
  }
  return step.value;
}
