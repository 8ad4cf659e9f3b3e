import { existsSync } from "node:fs";
import { join } from "node:path";

const ROOT = process.env["ASSAY_TEST_DATA"] ?? join(import.meta.dirname, "../../../shared/data");

/** The folder with real data of this kind (`npm`, `pypi`), or undefined, said aloud, where this machine has none. */
export function sharedData(kind: string): string | undefined {
  const folder = join(ROOT, kind);
  if (existsSync(folder)) return folder;
  console.warn(`skipped: no real data at ${folder} (set ASSAY_TEST_DATA)`);
  return undefined;
}
