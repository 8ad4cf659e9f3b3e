const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const KIB = 1024;

/** Bytes for people, in the largest unit that they fill: `3.4 MiB`. */
export function roundedSize(bytes: number): string {
  let [amount, unit] = [bytes, 0];
  while (amount >= KIB && unit < UNITS.length - 1) [amount, unit] = [amount / KIB, unit + 1];
  return `${amount.toFixed(unit === 0 ? 0 : 1)} ${UNITS[unit]}`;
}
