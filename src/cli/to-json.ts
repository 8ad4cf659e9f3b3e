/** One JSON document as `--json` prints it: indented, with a final line break. */
export function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
