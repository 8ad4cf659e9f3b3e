import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/app/config.ts";
import { collectGarbage } from "../../src/cli/gc.ts";
import { listPins, pinPackages, unpinPackages } from "../../src/cli/pin.ts";
import { scrubStore } from "../../src/cli/scrub.ts";
import { cacheBench, DAY_MS, flipBit, get, isStored, pathOf, publish } from "../mirror/cache/cache-bench.ts";
import { temporaryFolder } from "../store/temporary-folder.ts";

function bench(options: { readonly dataDir?: string; readonly cache?: string; readonly json?: boolean } = {}) {
  const dataDir = options.dataDir ?? temporaryFolder();
  const printed: string[] = [];
  const env = {
    ASSAY_TRUST: "{public: {tuf: off}}",
    ASSAY_REPOSITORIES: "[{name: npm, ecosystem: npm, upstreams: []}]",
    ASSAY_CACHE: options.cache ?? "",
  };
  const config = loadConfig({ env, flags: { data: dataDir } });
  const command = { config, env, now: Date.UTC(2026, 0, 1), json: options.json ?? false, print: (text: string) => void printed.push(text) };
  return { command, dataDir, text: () => printed.splice(0).join("") };
}

test.each(["react", "pkg:gem/rails", "pkg:npm/", "pkg:npm/***"])("nothing is pinned where one pattern is none: %s", async (pattern) => {
  const { command, text } = bench();
  await expect(pinPackages(command, ["pkg:npm/react", pattern], [])).rejects.toMatchObject({ code: "USAGE" });
  await listPins(command);
  expect(text()).toBe("");
});

test("pins are added, listed with those of the configuration, and taken out", async () => {
  const { command, text } = bench({ cache: '{pin: ["pkg:npm/always"]}' });
  await pinPackages(command, ["pkg:npm/react", "pkg:npm/%40acme/*"], []);
  expect(text()).toBe("2 added, 0 pinned before\n");
  await listPins(command);
  expect(
    text()
      .split("\n")
      .map((line) => line.split("  ")[0]),
  ).toEqual(["pkg:npm/always", "pkg:npm/%40acme/*", "pkg:npm/react", ""]);
  await expect(unpinPackages(command, ["pkg:npm/react", "pkg:npm/always"])).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(unpinPackages(command, [])).rejects.toMatchObject({ code: "USAGE" });
  await listPins({ ...command, json: true });
  expect(JSON.parse(text()).pins).toMatchObject([{ source: "the configuration" }, { pattern: "pkg:npm/%40acme/*", source: "assay pin" }]);
});

test("a lock pins every version that it names, once, and says where the pin is from", async () => {
  const { command, dataDir, text } = bench();
  const lock = join(dataDir, "requirements.txt");
  const hash = (digit: string): string => `--hash=sha256:${digit.repeat(64)}`;
  writeFileSync(lock, `requests==2.32.0 ${hash("a")} ${hash("b")}\nidna==3.7 ${hash("c")}\n`);
  await pinPackages(command, [], [lock]);
  await listPins({ ...command, json: true });
  expect(JSON.parse(text().split("\n").slice(1).join("\n")).pins).toMatchObject([
    { pattern: "pkg:pypi/idna@3.7", source: lock },
    { pattern: "pkg:pypi/requests@2.32.0", source: lock },
  ]);
});

test("gc says what would go and what stays, and then lets it go, beside a mirror that serves; scrub ends with 74 where it found something", async () => {
  const { upstream, mirror } = await cacheBench("");
  const [old, pinned] = [publish(upstream, "old", 10_000), publish(upstream, "pinned", 10_000)];
  // As if they had been fetched two days ago.
  mirror.advance(-2 * DAY_MS);
  for (const each of [old, pinned]) expect(await get(mirror, each)).toBe(200);
  mirror.advance(2 * DAY_MS);
  const { command, text } = bench({ dataDir: mirror.dataDir, cache: "{max_age: 1d}" });
  await pinPackages(command, ["pkg:npm/pinned"], []);
  text();
  expect(await collectGarbage(command, { dryRun: true })).toBe(0);
  expect(text()).toMatch(/nothing was changed[\s\S]*not used for max_age +1 archive,[\s\S]*kept all the same:\n +pinned +1 archive,/);
  expect(isStored(mirror, old)).toBe(true);
  expect(await collectGarbage(command, { json: true })).toBe(0);
  expect(JSON.parse(text())).toMatchObject({ dryRun: false, byAge: { removed: { archives: 1 } }, kept: { archives: 1 } });
  expect([isStored(mirror, old), isStored(mirror, pinned)]).toEqual([false, true]);

  expect(await scrubStore(command, {})).toBe(0);
  text();
  flipBit(pathOf(mirror, pinned.sha256));
  expect(await scrubStore(command, { json: true })).toBe(74);
  expect(JSON.parse(text())).toMatchObject({ clean: false });
  await expect(scrubStore(command, { rate: "fast" })).rejects.toMatchObject({ code: "USAGE" });
});
