/**
 * Whether a plain value nests at most `levels` deep; a text or number does not nest at all. Aliases of YAML make one object stand in many places, or in itself:
 * each is measured once, and an endless one ends at `levels`.
 */
export function nestsWithin(value: unknown, levels: number): boolean {
  return depthOf(value, levels, new Map()) !== undefined;
}

function depthOf(value: unknown, allowed: number, measured: Map<object, number>): number | undefined {
  if (typeof value !== "object" || value === null) return 0;
  if (allowed === 0) return undefined;
  const known = measured.get(value);
  if (known !== undefined) return known <= allowed ? known : undefined;
  let depth = 1;
  for (const part of Object.values(value)) {
    const inner = depthOf(part, allowed - 1, measured);
    if (inner === undefined) return undefined;
    depth = Math.max(depth, 1 + inner);
  }
  measured.set(value, depth);
  return depth;
}
