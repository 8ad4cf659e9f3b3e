import { quote } from "../../core/quote.ts";
import { pastLimit } from "./finding.ts";
import type { ScanLimits } from "./scan-report.ts";

/** Below this, a high ratio is harmless: a few kilobytes of zeros are no bomb. */
const RATIO_MATTERS_BYTES = 16 * 1024 * 1024;

/** Counts what an archive takes, and ends the scan when it takes too much. Every method throws ARCHIVE_LIMIT, naming the key to raise. */
export class Budget {
  readonly #limits: ScanLimits;
  readonly #archiveBytes: number;
  #entries = 0;
  #unpackedBytes = 0;

  constructor(limits: ScanLimits, archiveBytes: number) {
    this.#limits = limits;
    this.#archiveBytes = archiveBytes;
  }

  get entries(): number {
    return this.#entries;
  }

  get unpackedBytes(): number {
    return this.#unpackedBytes;
  }

  countEntry(): void {
    const { archiveEntries } = this.#limits;
    if (++this.#entries > archiveEntries) throw pastLimit(`it has more than ${archiveEntries} entries (limits.archive_entries)`);
  }

  countUnpacked(bytes: number): void {
    const { unpackedBytes, unpackRatio } = this.#limits;
    this.#unpackedBytes += bytes;
    if (this.#unpackedBytes > unpackedBytes) throw pastLimit(`it unpacks to more than ${unpackedBytes} bytes (limits.unpacked)`);
    if (this.#unpackedBytes > RATIO_MATTERS_BYTES && this.#unpackedBytes > unpackRatio * this.#archiveBytes) {
      throw pastLimit(`it unpacks to more than ${unpackRatio} times its ${this.#archiveBytes} bytes (limits.unpack_ratio)`);
    }
  }

  checkPath(name: string, bytes: number): void {
    const { pathBytes } = this.#limits;
    if (bytes > pathBytes) throw pastLimit(`entry ${quote(name)} has a name of ${bytes} bytes, more than ${pathBytes} (limits.path)`);
  }
}
