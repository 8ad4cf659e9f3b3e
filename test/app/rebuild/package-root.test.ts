import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { packageRoot, parseFolder } from "../../../src/app/rebuild/package-root.ts";
import { folderOf } from "../../support/package-folder.ts";

describe("a package's folder", () => {
  test.each([
    ["", ""],
    ["pkg", "pkg"],
    ["./pkg//demo/", "pkg/demo"],
    ["a".repeat(1024), "a".repeat(1024)],
    ["a".repeat(1025), undefined],
    ["..", undefined],
    ["pkg/../..", undefined],
    ["/etc", undefined],
    ["a\\..\\b", undefined],
    ["a\0b", undefined],
    ["a\u202eb", undefined],
  ])("%j is %j", (text, folder) => {
    expect(parseFolder(text)).toBe(folder);
  });

  test("is one of the commit's, reached through no link", async () => {
    const outside = folderOf({ "x/package.json": "{}" });
    const folder = folderOf({ "pkg/demo/a": "a", link: { link: outside }, "pkg/up": { link: "../.." } });
    expect(await packageRoot({ folder }, "")).toBe(folder);
    expect(await packageRoot({ folder }, "pkg/demo")).toBe(join(folder, "pkg/demo"));
    for (const wrong of ["link", "link/x", "pkg/up", "pkg/demo/a", "gone"]) {
      await expect(packageRoot({ folder }, wrong), wrong).rejects.toMatchObject({ code: "UNPROCESSABLE" });
    }
  });
});
