/** The known word that `text` is most likely a slip of, if one is near enough. */
export function suggest(text: string, known: Iterable<string>): string | undefined {
  if (text.length > 64) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(text.length / 4)) + 1;
  for (const word of known) {
    const distance = editDistance(text, word);
    if (distance < bestDistance) [best, bestDistance] = [word, distance];
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const shifted = Math.min(previous[j] ?? 0, row[j - 1] ?? 0) + 1;
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (beforePrevious[j - 2] ?? 0) + 1 : shifted;
      row.push(Math.min(replaced, shifted, swapped));
    }
    [beforePrevious, previous] = [previous, row];
  }
  return previous[b.length] ?? 0;
}
