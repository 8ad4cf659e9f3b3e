import type { DecisionTree } from "../../core/ports/decision-tree.ts";
import { TILE_HEIGHT, TILE_WIDTH, type Tile } from "../../core/tlog/tile.ts";
import type { CheckpointSigner } from "./checkpoint-signer.ts";

interface PublicLogDeps {
  readonly tree: Pick<DecisionTree, "hashes" | "entries">;
  readonly signer: CheckpointSigner;
  /** Whether the entries themselves are shown, which name clients, or only what proves that none was changed. */
  readonly showsEntries: boolean;
}

/** The decision log as other programs watch it, in the layout of C2SP tlog-tiles. https://c2sp.org/tlog-tiles */
export class PublicLog {
  readonly #deps: PublicLogDeps;

  constructor(deps: PublicLogDeps) {
    this.#deps = deps;
  }

  /** The signed note. Throws what `CheckpointSigner.current` throws. */
  async checkpoint(): Promise<string> {
    return (await this.#deps.signer.current()).note;
  }

  /** Undefined for one that is not filled that far, and for entries that are not shown. */
  async tile({ level, number, width }: Tile): Promise<Buffer | undefined> {
    const { tree, showsEntries } = this.#deps;
    if (level !== "entries") {
      const hashes = await tree.hashes(level * TILE_HEIGHT, number * TILE_WIDTH, width);
      return hashes.length === width ? Buffer.concat(hashes) : undefined;
    }
    const entries = showsEntries ? await tree.entries(number * TILE_WIDTH, width) : [];
    const isWhole = entries.length === width && entries.at(-1)?.position === number * TILE_WIDTH + width - 1;
    return isWhole ? Buffer.concat(entries.flatMap(({ text }) => lengthPrefixed(text))) : undefined;
  }
}

function lengthPrefixed(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return [length, bytes];
}
