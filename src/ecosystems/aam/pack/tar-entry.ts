import { Header, Pax } from "tar";

const BLOCK_BYTES = 512;
const LINKPATH_BYTES = 100;

/** One file or link as its header tells of it. */
export type TarMember =
  | { readonly kind: "file"; readonly path: string; readonly executable: boolean; readonly sizeBytes: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

/**
 * The header blocks of one entry: ustar, with a pax header before it only for a path or target that ustar cannot hold (longer than its fields, or not ASCII, which is all
 * that POSIX lets stand there). Owners are 0 and nameless, the mode is 0644 or 0755 for what may be run, links have 0755. Never two forms for one entry.
 *
 * The `tar` library (npm's own) writes the fields. Its `Pax.encode` does not write the block before the records: it leaves out the owners.
 */
export function encodeTarEntry(member: TarMember, epochSeconds: number): Buffer {
  const isLink = member.kind === "link";
  const common = { uid: 0, gid: 0, uname: "", gname: "", devmaj: 0, devmin: 0, mtime: new Date(epochSeconds * 1000) };
  const header = new Header({
    ...common,
    path: member.path,
    mode: isLink || member.executable ? 0o755 : 0o644,
    size: isLink ? 0 : member.sizeBytes,
    type: isLink ? "SymbolicLink" : "File",
  });
  const block = Buffer.alloc(BLOCK_BYTES);
  const longPath = header.encode(block);
  const longTarget = isLink && !fitsLinkpath(member.target);
  if (isLink) {
    // Set only now: `encode` says that something does not fit, not what.
    header.linkpath = member.target;
    header.encode(block);
  }
  if (!longPath && !longTarget) return block;

  const records = Buffer.from(
    new Pax({ ...(longPath ? { path: member.path } : {}), ...(longTarget ? { linkpath: member.target } : {}) }).encodeBody(),
  );
  const before = Buffer.alloc(BLOCK_BYTES);
  new Header({ ...common, path: "PaxHeader", mode: 0o644, size: records.length, type: "ExtendedHeader" }).encode(before);
  return Buffer.concat([before, records, padding(records.length), block]);
}

/** Zeros up to the end of the block that `length` bytes end in. */
export function padding(length: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (length % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** What ends an archive: two blocks of zeros, and no padding to a record. */
export const END_OF_TAR: Buffer = Buffer.alloc(2 * BLOCK_BYTES);

function fitsLinkpath(target: string): boolean {
  return target.length <= LINKPATH_BYTES && Buffer.byteLength(target) === target.length;
}
