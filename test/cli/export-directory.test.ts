import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/app/config.ts";
import { exportDirectory } from "../../src/cli/export-directory.ts";
import { type DirectoryBench, startDirectoryBench } from "../support/directory-bench.ts";

let bench: DirectoryBench;
let dataDir: string;

beforeEach(async () => {
  bench = await startDirectoryBench();
  dataDir = mkdtempSync(join(tmpdir(), "assay-export-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

/** Runs the command over a data folder of its own; answers its exit code and what it printed. */
async function run(packages: readonly string[] = [], options: { json?: boolean; policy?: string; more?: string } = {}) {
  const file = join(dataDir, "assay.yaml");
  const policy = join(dataDir, "policy.yaml");
  writeFileSync(policy, options.policy ?? "version: 1\n");
  writeFileSync(
    file,
    `policy: ${policy}\nrepositories: [{name: aam, ecosystem: aam, upstreams: [{url: "${bench.upstream.url("/aam/").href}", dialect: uaaps}]}]\n${options.more ?? ""}`,
  );
  const printed: string[] = [];
  const env = { ASSAY_TRUST: "{public: {tuf: off}}" };
  const config = loadConfig({ env, flags: { config: file, data: dataDir } });
  const command = { config, env, print: (text: string) => void printed.push(text), json: options.json === true };
  const exit = await exportDirectory(command, { path: bench.path, packages, repository: undefined });
  return { exit, printed: printed.join("") };
}

describe("assay export --aam-registry", { timeout: 60_000 }, () => {
  test.each(["Upper", "", "@scope", "tool@", "../tool", "a--b"])(
    "a package %j is told to be none before anything is written",
    async (text) => {
      await expect(run([text])).rejects.toMatchObject({ code: "USAGE" });
      expect(existsSync(bench.path)).toBe(false);
    },
  );

  test("without packages it writes what is held, which may be nothing", async () => {
    expect(await run()).toMatchObject({ exit: 0, printed: expect.stringContaining("0 versions of 0 packages") });
    expect(existsSync(join(bench.path, "index.yaml"))).toBe(true);
  });

  test("fetches what is named with all that its archives say they need, and prints the order to install it in", async () => {
    bench.publish("app", [{ version: "1.0.0", manifest: { dependencies: { library: "^1.0.0", "@acme/base": "*" } } }]);
    bench.publish("library", [
      { version: "1.0.0" },
      { version: "1.3.0", manifest: { dependencies: { "@acme/base": "^2.0.0" } } },
      { version: "2.0.0" },
    ]);
    bench.publish("@acme/base", [{ version: "2.0.0" }, { version: "2.1.0", yanked: true }]);
    const { exit, printed } = await run(["app"]);
    expect(exit).toBe(0);
    const installs = printed.split("\n").flatMap((line) => /^ {2}aam install (\S+)$/.exec(line)?.[1] ?? []);
    expect(installs).toEqual(["@acme/base@2.0.0", "library@1.3.0", "app@1.0.0"]);
    expect(bench.forClient("library")).toEqual(["1.3.0"]);
    expect(bench.forClient("acme--base")).toEqual(["2.0.0"]);
  });

  test.each([
    ["a version", "tool@1.0.0", "1.0.0"],
    ["a range", "tool@^1.0.0", "1.1.0"],
    ["a tag", "tool@next", "2.0.0-rc.1"],
    ["nothing, which is latest", "tool", "1.0.0"],
  ])("takes %s", async (_, named, version) => {
    bench.publish("tool", [{ version: "1.0.0" }, { version: "1.1.0" }, { version: "2.0.0-rc.1" }], { latest: "1.0.0", next: "2.0.0-rc.1" });
    expect((await run([named])).exit).toBe(0);
    expect(bench.forAll("tool")).toEqual([version]);
  });

  test("what is missing does not keep the rest away, and is told with who needs it", async () => {
    bench.publish("app", [{ version: "1.0.0", manifest: { dependencies: { nowhere: "^1.0.0", tool: "^9.0.0" } } }]);
    bench.publish("tool", [{ version: "1.0.0" }]);
    const { exit, printed } = await run(["app"], { json: true });
    expect(exit).toBe(66);
    expect(JSON.parse(printed)).toMatchObject({
      packages: 1,
      closure: {
        packages: [{ name: "app", version: "1.0.0" }],
        missing: [
          { name: "nowhere", range: "^1.0.0", wantedBy: "app@1.0.0", kind: "missing" },
          { name: "tool", range: "^9.0.0", wantedBy: "app@1.0.0", kind: "missing" },
        ],
      },
    });
  });

  test("falls back to the next version in range where one is refused, and ends with 2 where none is left", async () => {
    bench.publish("app", [{ version: "1.0.0", manifest: { dependencies: { tool: "^1.0.0" } } }]);
    bench.publish("tool", [{ version: "1.0.0" }, { version: "1.1.0", manifest: { name: "another" } }]);
    expect(await run(["app"])).toMatchObject({ exit: 0 });
    expect(bench.forClient("tool")).toEqual(["1.0.0"]);
    bench.publish("evil", [{ version: "1.0.0", manifest: { name: "another" } }]);
    expect(await run(["evil"])).toMatchObject({ exit: 2, printed: expect.stringContaining("IDENTITY_MISMATCH") });
  });

  test("ends at more packages than it may fetch, before anything is written", async () => {
    bench.publish("app", [{ version: "1.0.0", manifest: { dependencies: { one: "*", two: "*" } } }]);
    for (const name of ["one", "two"]) bench.publish(name, [{ version: "1.0.0" }]);
    await expect(run(["app"], { more: "limits: {directory_packages: 2}\n" })).rejects.toMatchObject({
      code: "UPSTREAM_LIMIT",
      help: expect.stringContaining("limits.directory_packages"),
    });
    expect(existsSync(join(bench.path, "packages"))).toBe(false);
    expect(await run(["app"], { more: "limits: {directory_packages: 3}\n" })).toMatchObject({ exit: 0 });
  });

  test("packages that need each other come to an end", async () => {
    bench.publish("left", [{ version: "1.0.0", manifest: { dependencies: { right: "*" } } }]);
    bench.publish("right", [{ version: "1.0.0", manifest: { dependencies: { left: "*" } } }]);
    expect((await run(["left"])).exit).toBe(0);
    expect([bench.forClient("left"), bench.forClient("right")]).toEqual([["1.0.0"], ["1.0.0"]]);
  });
});
