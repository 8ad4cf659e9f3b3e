import type { TarHeader } from "./tar-header.ts";

/** What was found behind the header of a file. */
export interface FileContent {
  /** Lowercase hexadecimal. */
  readonly sha256: string;
  /** Whether zeros fill its last block. */
  readonly cleanPadding: boolean;
}

/** An extended header before a member: `x` and `g` are pax, `L` and `K` GNU's long names. */
export interface TarExtension {
  readonly type: string;
  /** Its block, as it stands in the archive. */
  readonly header: Buffer;
  readonly body: Buffer;
}

/** One member of a tar archive: what it is, all extended headers counted in, and how it is written. Only a file has content of its own. */
export interface ScannedMember extends TarHeader, Partial<FileContent> {
  /** Its block, as it stands in the archive. */
  readonly header: Buffer;
  readonly extensions: readonly TarExtension[];
}
