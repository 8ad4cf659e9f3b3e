import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../src/core/limits.ts";
import type { ArchiveFormat } from "../../src/core/ports/ecosystem.ts";
import { scan } from "../../src/verify/archive/scan.ts";

const DATA = join(process.env["ASSAY_TEST_DATA"] ?? join(import.meta.dirname, "../../../shared/data"), "aam");
const HERE = existsSync(DATA);
if (!HERE) console.warn(`skipped: no real AAM archives at ${DATA} (set ASSAY_TEST_DATA)`);

const AAM: ArchiveFormat = {
  container: "tar.gz",
  manifests: [
    { depth: 1, name: "package.agent.json" },
    { depth: 1, name: "aam.yaml" },
  ],
  symlinks: "inside",
};

test.skipIf(!HERE)("archives that the real aam and strict tools made are all sound", async () => {
  const paths = readdirSync(DATA, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".aam"));
  expect(paths.length).toBeGreaterThan(20);
  for (const path of paths) {
    const report = await scan({ path: join(DATA, path), format: AAM, limits: DEFAULT_LIMITS });
    expect(report, path).toMatchObject({ kind: "sound", manifests: [expect.anything(), expect.anything()] });
  }
});
