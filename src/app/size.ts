const UNIT_BYTES: ReadonlyMap<string, number> = new Map([
  ["B", 1],
  ["KiB", 1024],
  ["MiB", 1024 ** 2],
  ["GiB", 1024 ** 3],
  ["TiB", 1024 ** 4],
  ["kB", 1000],
  ["MB", 1000 ** 2],
  ["GB", 1000 ** 3],
  ["TB", 1000 ** 4],
]);

/** Bytes in `8MiB`, `1.5GiB`, `512B`. A number without a unit is not a size: too many tools count it in something else. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{1,3})?) ?([A-Za-z]{1,3})$/.exec(text);
  const unitBytes = UNIT_BYTES.get(match?.[2] ?? "");
  if (!match || unitBytes === undefined) return undefined;
  const bytes = Number(match[1]) * unitBytes;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The shortest binary form: `formatSize(8388608)` is `8MiB`. */
export function formatSize(bytes: number): string {
  const [unit, unitBytes] = [...UNIT_BYTES]
    .filter(([name, size]) => (name === "B" || name.endsWith("iB")) && bytes % size === 0)
    .at(-1) ?? ["B", 1];
  return `${bytes / unitBytes}${unit}`;
}
