import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildNpmTarball } from "../support/archives.ts";
import { mirrorConfig } from "../support/fake-registry.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import { publishTarballs } from "../support/releases.ts";
import { startCommand } from "../support/run-assay.ts";

/** Packages, enough that a run is never over by the time it is ended. */
const COUNT = 12;
const NAMES = Array.from({ length: COUNT }, (_, index) => `package-${index}`);

let upstream: FakeUpstream;
let folder: string;
/** Hears of each archive that is asked for, before it is answered. */
let asked: () => void = () => {};

beforeEach(async () => {
  upstream = await startFakeUpstream();
  folder = mkdtempSync(join(tmpdir(), "assay-interrupt-"));
  const packages = NAMES.map((name) => {
    publishTarballs(upstream, name, [{ version: "1.0.0" }]);
    const { bytes, file } = buildNpmTarball({ name, version: "1.0.0" });
    upstream.serve(`/npm/${name}/-/${file}`, () => {
      asked();
      return { body: bytes };
    });
    return [`node_modules/${name}`, { version: "1.0.0", integrity: `sha512-${createHash("sha512").update(bytes).digest("base64")}` }];
  });
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ lockfileVersion: 3, packages: Object.fromEntries(packages) }));
  writeFileSync(join(folder, "assay.yaml"), mirrorConfig(upstream));
});

afterEach(async () => {
  await upstream.close();
  rmSync(folder, { recursive: true });
});

const start = (...flags: readonly string[]) =>
  startCommand([
    "prefetch",
    join(folder, "package-lock.json"),
    "--config",
    join(folder, "assay.yaml"),
    "--data",
    join(folder, "data"),
    ...flags,
  ]);
const summaryOf = (out: string) => JSON.parse(out)["summary"];

test("Ctrl-C ends a run cleanly: what was admitted stays, and the next run does the rest", { timeout: 120_000 }, async () => {
  const first = start("--jobs", "1", "--json");
  const third = new Promise<void>((resolve) => {
    let count = 0;
    asked = () => void (++count === 3 && resolve());
  });
  await third;
  first.child.kill("SIGINT");
  const { code, out, err } = await first.ended;
  expect(code, err).toBe(130);
  const { admitted } = summaryOf(out);
  expect(JSON.parse(out)["interrupted"]).toBe(true);
  expect(admitted).toBeGreaterThanOrEqual(2);
  expect(admitted).toBeLessThan(COUNT);
  const second = await start("--json").ended;
  expect(second.code, second.err).toBe(0);
  expect(summaryOf(second.out)).toMatchObject({ present: admitted, admitted: COUNT - admitted });
});
