const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/** Milliseconds in `60s`, `5m`, `30d`; `0` alone needs no unit. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  const match = /^(\d{1,9}(?:\.\d{1,3})?) ?([a-z]{1,2})$/.exec(text);
  const unitMs = UNIT_MS.get(match?.[2] ?? "");
  if (!match || unitMs === undefined) return undefined;
  return Math.round(Number(match[1]) * unitMs);
}

/** The shortest form: `formatDuration(259200000)` is `3d`, `formatDuration(0)` is `0`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return "0";
  const [unit, unitMs] = [...UNIT_MS].findLast(([, size]) => milliseconds % size === 0) ?? ["ms", 1];
  return `${milliseconds / unitMs}${unit}`;
}
