import { Header } from "tar";

/** What a tar header says besides what the scan judges. A number that is none reads as -1. */
export interface TarFields {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly uname: string;
  readonly gname: string;
  /** Seconds since the epoch. */
  readonly mtime: number;
}

const NAME_BYTES = 32;
const OWNER_MAY_RUN = 0o100;

/** The fields of one block that the scan took for a header. Names of owners are read whatever the magic says, as they were written by somebody. */
export function tarFields(block: Buffer): TarFields {
  const { mode = -1, uid = -1, gid = -1, mtime } = new Header(block);
  return { mode, uid, gid, uname: text(block, 265), gname: text(block, 297), mtime: mtime === undefined ? -1 : mtime.getTime() / 1000 };
}

/** Whether whoever unpacks the file may run it. */
export function mayRun(block: Buffer): boolean {
  return (tarFields(block).mode & OWNER_MAY_RUN) !== 0;
}

function text(block: Buffer, start: number): string {
  const field = block.subarray(start, start + NAME_BYTES);
  const zero = field.indexOf(0);
  return field.toString("utf8", 0, zero === -1 ? field.length : zero);
}
