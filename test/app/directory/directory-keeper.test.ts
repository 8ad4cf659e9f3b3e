import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../store/temporary-folder.ts";
import { buildAam } from "../../support/archives.ts";
import { changePolicy } from "../../support/change-policy.ts";
import { startDirectoryBench } from "../../support/directory-bench.ts";
import { startHosted } from "../../support/hosted-bench.ts";
import { startMirror } from "../../support/mirror-bench.ts";

const PATIENT = { timeout: 40_000, interval: 25 };

describe("a mirror with aam.directory", { timeout: 90_000 }, () => {
  test("has the folder from its start on, and what it admits in it at once", async () => {
    const bench = await startDirectoryBench({ aam: ", every: 1d" });
    await expect.poll(() => existsSync(join(bench.path, "index.json")), PATIENT).toBe(true);
    bench.publish("tool", [{ version: "1.0.0" }]);
    await bench.fetch("tool@1.0.0");
    await expect.poll(() => bench.forClient("tool"), PATIENT).toEqual(["1.0.0"]);
  });

  test("takes out at once what its policy refuses from now on", async () => {
    const bench = await startDirectoryBench({ aam: ", every: 1d" });
    bench.publish("tool", [{ version: "1.0.0" }]);
    await bench.fetch("tool@1.0.0");
    await expect.poll(() => bench.forClient("tool"), PATIENT).toEqual(["1.0.0"]);
    await changePolicy(bench.mirror, bench.policyFile, 'version: 1\ndeny: [{purl: "pkg:aam/tool", reason: stolen}]\n');
    await expect.poll(() => existsSync(join(bench.path, "packages/tool")), PATIENT).toBe(false);
  });

  test("looks every so often whether upstream has taken something back", async () => {
    const bench = await startDirectoryBench({ aam: ", every: 1s" });
    bench.publish("tool", [{ version: "1.0.0" }, { version: "1.1.0" }]);
    await bench.fetch("tool@1.0.0", "tool@1.1.0");
    await expect.poll(() => bench.forClient("tool"), PATIENT).toEqual(["1.0.0", "1.1.0"]);
    bench.publish("tool", [{ version: "1.0.0" }, { version: "1.1.0", yanked: true }]);
    await expect.poll(() => bench.forClient("tool"), PATIENT).toEqual(["1.0.0"]);
  });

  test("tells what is wrong with the folder once, serves on, and goes on when it is mended", async () => {
    const bench = await startDirectoryBench({ aam: ", every: 1s" });
    await expect.poll(() => existsSync(join(bench.path, "index.json")), PATIENT).toBe(true);
    rmSync(bench.path, { recursive: true });
    writeFileSync(bench.path, "a file in its place");
    const told = () => bench.mirror.logged.filter(({ level }) => level === "error");
    await expect.poll(told, PATIENT).toHaveLength(1);
    bench.publish("tool", [{ version: "1.0.0" }]);
    expect(await bench.fetch("tool@1.0.0")).toEqual([200]);
    rmSync(bench.path);
    await expect.poll(() => existsSync(bench.path) && bench.forClient("tool"), PATIENT).toEqual(["1.0.0"]);
    expect(told()).toHaveLength(1);
  });

  test("does not start where the folder has files that Assay did not write", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "registry"));
    writeFileSync(join(folder, "registry/mine.txt"), "mine");
    const config = `aam: {directory: ${join(folder, "registry")}}\nrepositories: [{name: skills, ecosystem: aam, type: hosted}]\n`;
    await expect(startMirror({ config, dataDir: folder })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("has what was published to a hosted repository, and not what waits for approval", async () => {
    const path = join(temporaryFolder(), "registry");
    const open = "\n  - {name: waiting, ecosystem: aam, type: hosted, require_approval: true}";
    const bench = await startHosted({ more: open, config: `aam: {directory: ${path}, every: 1s}` });
    const token = await bench.token({ repositories: ["skills", "waiting"] });
    expect(
      (await bench.publish(buildAam({ name: "held-back", version: "1.0.0" }).bytes, { path: "/waiting/packages", token })).status,
    ).toBeLessThan(300);
    expect((await bench.publish(buildAam({ name: "published", version: "1.0.0" }).bytes, { token })).status).toBe(201);
    await expect.poll(() => existsSync(join(path, "packages/published/metadata.yaml")), PATIENT).toBe(true);
    expect(existsSync(join(path, "packages/held-back"))).toBe(false);
  });
});
