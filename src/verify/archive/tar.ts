import { createHash } from "node:crypto";
import type { ArchiveFormat } from "../../core/ports/ecosystem.ts";
import { quote } from "../../core/quote.ts";
import { ByteFeed, type Walk, type Want } from "./byte-feed.ts";
import { checkLinkTarget, parseEntryPath } from "./entry-path.ts";
import { isZero } from "./file-region.ts";
import { ambiguous, malformed, pastLimit, unsafe, unsupported } from "./finding.ts";
import { type PaxOverrides, parsePax } from "./pax.ts";
import type { FileContent, TarExtension } from "./scanned-member.ts";
import type { Tally } from "./tally.ts";
import { BLOCK_BYTES, decodeTarHeader, type TarHeader } from "./tar-header.ts";
import { type TarContainer, unpack } from "./unpack.ts";

/** npm ignores a pax header or long name that is larger, and so would see another archive. */
const MAX_EXTENSION_BYTES = 1024 * 1024;
/** The largest size that a header can say in octal. Past it, and only then, is a pax size needed. */
const MAX_OCTAL_SIZE = 0o77777777777;
const PIECE_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);

/**
 * Walks a tar archive from the first header to the last byte. Nothing is unpacked to disk, and no entry is ever whole in memory.
 *
 * The `tar` library decodes headers (tar-header.ts), but the walk is ours: a library's task is to make sense of an odd archive, and where two
 * readers make different sense of it, the odd archive is an attack. So: what GNU tar, Python's tarfile (pip) and node-tar (npm) do not all
 * read alike is refused. Throws every ARCHIVE_ code.
 */
export async function scanTar(
  fd: number,
  sizeBytes: number,
  format: ArchiveFormat & { container: TarContainer },
  tally: Tally,
): Promise<void> {
  const feed = new ByteFeed(walkTar(format, tally));
  await unpack(fd, sizeBytes, format.container, (chunk) => {
    tally.budget.countUnpacked(chunk.length);
    feed.write(chunk);
  });
  feed.end();
}

function* walkTar(format: ArchiveFormat, tally: Tally): Walk {
  let overrides: PaxOverrides = {};
  let extensions: TarExtension[] = [];
  for (;;) {
    const block = yield { exactly: BLOCK_BYTES };
    // Archives without the closing zero blocks exist, and every reader takes the end of the file for the end.
    if (block.length < BLOCK_BYTES && isZero(block)) break;
    if (block.length < BLOCK_BYTES) throw malformed("it is cut short in a header");
    const header = decodeTarHeader(block);
    if (!header) {
      yield* walkEnd();
      break;
    }
    tally.budget.countEntry();
    // The block is valid only until the next is asked for.
    const raw = tally.observe ? Buffer.from(block) : block;
    if (!"gxLK".includes(header.type)) {
      const entry = effective(header, overrides);
      const content = yield* walkEntry(entry, format, tally);
      tally.observe?.({ ...entry, ...content, header: raw, extensions });
      overrides = {};
      extensions = [];
      continue;
    }
    const body = yield* readExtension(header);
    if (tally.observe) extensions.push({ type: header.type, header: raw, body });
    switch (header.type) {
      case "g":
        checkGlobal(parsePax(body));
        break;
      case "x":
        overrides = merge(overrides, parsePax(body));
        break;
      case "L":
        overrides = merge(overrides, { path: longName(body) });
        break;
      case "K":
        overrides = merge(overrides, { linkpath: longName(body) });
        break;
    }
  }
  if (Object.keys(overrides).length > 0) throw malformed("it ends with an extended header that belongs to no entry");
}

/** One zero block is the end to some readers and nothing to others, so after it only zeros may come. */
function* walkEnd(): Walk {
  for (;;) {
    const piece = yield { atMost: PIECE_BYTES };
    if (piece.length === 0) return;
    if (!isZero(piece)) throw ambiguous("other data follows the end of the tar archive");
  }
}

function* readExtension(header: TarHeader): Generator<{ readonly exactly: number }, Buffer, Buffer> {
  if (header.sizeBytes > MAX_EXTENSION_BYTES) throw pastLimit(`an extended header is ${header.sizeBytes} bytes long`);
  const padded = Math.ceil(header.sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
  if (padded === 0) return Buffer.alloc(0);
  const body = yield { exactly: padded };
  if (body.length < padded) throw malformed("it is cut short in an extended header");
  return Buffer.from(body.subarray(0, header.sizeBytes));
}

function longName(body: Buffer): string {
  const zero = body.indexOf(0);
  const end = zero === -1 ? body.length : zero;
  const name = body.toString("utf8", 0, end);
  if (!isZero(body.subarray(end))) throw ambiguous(`the long name ${quote(name)} has hidden bytes`);
  return name;
}

/** Several extended headers may precede one entry. Which of two different values wins is the reader's choice. */
function merge(earlier: PaxOverrides, later: PaxOverrides): PaxOverrides {
  for (const key of ["path", "linkpath", "size"] as const) {
    if (earlier[key] !== undefined && later[key] !== undefined && earlier[key] !== later[key]) {
      throw ambiguous(`an entry has two values for ${key}, ${quote(String(earlier[key]))} and ${quote(String(later[key]))}`);
    }
  }
  return { ...earlier, ...later };
}

/** npm ignores a global name, Python gives it to every entry. GitHub's archives have a global comment, which is harmless. */
function checkGlobal(overrides: PaxOverrides): void {
  const [key] = Object.keys(overrides);
  if (key !== undefined) throw ambiguous(`a global pax header sets ${key} for every entry`);
}

function effective(header: TarHeader, overrides: PaxOverrides): TarHeader {
  const name = overrides.path ?? header.name;
  const sizeBytes = overrides.size ?? header.sizeBytes;
  // A reader that overlooks the pax size takes the content for further headers (CVE-2025-62518).
  const needsPax = sizeBytes > MAX_OCTAL_SIZE && (header.sizeBytes === 0 || header.sizeBytes === MAX_OCTAL_SIZE);
  if (sizeBytes !== header.sizeBytes && !needsPax) {
    throw ambiguous(`entry ${quote(name)} is ${header.sizeBytes} bytes long by its header and ${sizeBytes} by its pax header`);
  }
  return { type: header.type, name, nameBytes: Buffer.byteLength(name), linkname: overrides.linkpath ?? header.linkname, sizeBytes };
}

function* walkEntry(entry: TarHeader, format: ArchiveFormat, tally: Tally): Generator<Want, FileContent | undefined, Buffer> {
  tally.budget.checkPath(entry.name, entry.nameBytes);
  const segments = parseEntryPath(entry.name);
  const isLink = entry.type === "1" || entry.type === "2";
  if (!isLink && entry.linkname !== "")
    throw ambiguous(`entry ${quote(entry.name)} is no link but has a link target; npm would read its content as headers`);
  switch (entry.type) {
    // A 7 asks for one piece of disk; everybody unpacks it as a plain file.
    case "0":
    case "7":
      if (entry.name.endsWith("/")) {
        checkNoContent(entry);
        tally.tree.addFolder(placed(entry.name, format));
        return;
      }
      if (segments.length === 0) throw malformed("an entry has no name");
      return yield* walkFile(entry, segments, format, tally);
    case "5":
      checkNoContent(entry);
      tally.tree.addFolder(placed(entry.name, format));
      return;
    case "1":
    case "2":
      checkNoContent(entry);
      addLink(entry, segments, format, tally);
      return;
    case "3":
    case "4":
    case "6":
      throw unsafe(`entry ${quote(entry.name)} is a device or a pipe`);
    case "S":
      throw unsupported(`entry ${quote(entry.name)} is a sparse file, which some readers expand and others do not`);
    default:
      throw ambiguous(`entry ${quote(entry.name)} is of the type ${quote(entry.type)}, which some readers skip and others unpack`);
  }
}

/** Some readers skip over the content of what has none by its type, others read on in it. */
function checkNoContent(entry: TarHeader): void {
  if (entry.sizeBytes !== 0)
    throw ambiguous(`entry ${quote(entry.name)} is a folder or a link, yet has ${entry.sizeBytes} bytes of content`);
}

function* walkFile(
  entry: TarHeader,
  segments: readonly string[],
  format: ArchiveFormat,
  tally: Tally,
): Generator<Want, FileContent, Buffer> {
  const sink = tally.manifests.open(segments);
  const hash = createHash("sha256");
  for (let left = entry.sizeBytes; left > 0; ) {
    const piece = yield { atMost: left };
    if (piece.length === 0) throw malformed(`it is cut short in entry ${quote(entry.name)}`);
    left -= piece.length;
    hash.update(piece);
    sink?.(piece);
  }
  const paddingBytes = (BLOCK_BYTES - (entry.sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
  const padding = paddingBytes === 0 ? NOTHING : yield { exactly: paddingBytes };
  if (padding.length < paddingBytes) throw malformed(`it is cut short after entry ${quote(entry.name)}`);
  const digest = hash.digest();
  tally.tree.addFile(placed(entry.name, format), digest.toString("base64"));
  return { sha256: digest.toString("hex"), cleanPadding: isZero(padding) };
}

function addLink(entry: TarHeader, segments: readonly string[], format: ArchiveFormat, tally: Tally): void {
  if (format.symlinks === "refuse") throw unsafe(`entry ${quote(entry.name)} is a link, which this kind of package may not hold`);
  if (segments.length === 0) throw malformed("an entry has no name");
  if (entry.type === "2") {
    checkLinkTarget(segments, entry.linkname);
    tally.tree.addLink(placed(entry.name, format), entry.linkname);
    return;
  }
  // A hard link is a second name for a file that stands earlier in the archive; anything else would have to come from the disk.
  const content = tally.tree.contentOf(placed(entry.linkname, format));
  if (content === undefined) throw unsafe(`link ${quote(entry.name)} is a hard link to ${quote(entry.linkname)}, which is no earlier file`);
  tally.tree.addFile(placed(entry.name, format), content);
}

/**
 * Where clients put an entry, below the folders that they drop. npm and pnpm drop by the text, so that the `.` of `./a.js` counts as one.
 * An entry that has no more segments than are dropped stays where it is: pnpm unpacks it so.
 */
function placed(name: string, format: ArchiveFormat): readonly string[] {
  const dropped = format.droppedSegments ?? 0;
  const written = name.split("/");
  const kept = written.length > dropped ? written.slice(dropped) : written;
  // What is left of `package//a.js` begins with a slash, which npm drops as well.
  while (kept[0] === "") kept.shift();
  return parseEntryPath(kept.join("/"));
}
