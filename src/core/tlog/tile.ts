/** A tile of C2SP tlog-tiles: up to 256 hashes of every eighth level of the tree, or as many entries. https://c2sp.org/tlog-tiles */
export interface Tile {
  /** From 0, in steps of eight levels of the tree; `entries` for a bundle of entries. */
  readonly level: number | "entries";
  readonly number: number;
  /** 1 to 256: how many hashes or entries are asked for. */
  readonly width: number;
}

export const TILE_WIDTH = 256;
/** Levels of the tree from one level of tiles to the next. */
export const TILE_HEIGHT = 8;
const MAX_TILE_LEVEL = 5;
/** 15 digits, so that positions are exact numbers. */
const MAX_NUMBER_SEGMENTS = 4;

/** Reads what follows `tile/`, such as `0/x001/234` or `entries/000.p/17`. Undefined for any other spelling: a tile has one address. */
export function parseTile([first = "", ...rest]: readonly string[]): Tile | undefined {
  const level = first === "entries" ? first : /^[0-9]$/.test(first) ? Number(first) : undefined;
  if (level === undefined || (level !== "entries" && level > MAX_TILE_LEVEL)) return undefined;
  const isPartial = rest.at(-2)?.endsWith(".p") ?? false;
  const width = isPartial ? widthOf(rest.at(-1) ?? "") : TILE_WIDTH;
  const segments = isPartial ? [...rest.slice(0, -2), rest.at(-2)?.slice(0, -2) ?? ""] : rest;
  const number = numberOf(segments);
  return width === undefined || number === undefined ? undefined : { level, number, width };
}

function widthOf(text: string): number | undefined {
  const width = /^[1-9][0-9]{0,2}$/.test(text) ? Number(text) : TILE_WIDTH;
  return width < TILE_WIDTH ? width : undefined;
}

/** Three digits a segment, an `x` before all but the last, no zeros in front. */
function numberOf(segments: readonly string[]): number | undefined {
  const last = segments.length - 1;
  const isWritten = segments.every((segment, place) => (place === last ? /^[0-9]{3}$/ : /^x[0-9]{3}$/).test(segment));
  if (!isWritten || segments.length === 0 || segments.length > MAX_NUMBER_SEGMENTS || segments[0] === "x000") return undefined;
  return Number(segments.map((segment) => segment.slice(-3)).join(""));
}
