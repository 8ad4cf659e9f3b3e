/** Sizes and times are an upstream's words. One that is no whole number says nothing, and must not cost the row that it would stand in. */
export function integerOrNull(value: number | undefined, least = Number.MIN_SAFE_INTEGER): number | null {
  return value !== undefined && Number.isSafeInteger(value) && value >= least ? value : null;
}
