import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readBuildSystem } from "../../../../src/app/rebuild/foreign/build-system.ts";
import { DEFAULT_LIMITS } from "../../../../src/core/limits.ts";
import { folderOf } from "../../../support/package-folder.ts";

const read = (files: Readonly<Record<string, string>>, manifestBytes = 200): ReturnType<typeof readBuildSystem> =>
  readBuildSystem(folderOf(files), { ...DEFAULT_LIMITS, manifestBytes });
const section = (lines: string): Record<string, string> => ({ "pyproject.toml": `[build-system]\n${lines}\n` });

test.each([
  ["nothing to build", {}],
  ["a pyproject.toml that is no TOML", { "pyproject.toml": "[build-system\n" }],
  ["one that is larger than a manifest may be", { "pyproject.toml": `#${"x".repeat(200)}` }],
  ["a build system without requirements", section('build-backend = "own"')],
  ["requirements that are no texts", section("requires = [1]")],
  ["a backend that is no name", section('requires = []\nbuild-backend = "os; import evil"')],
  ["a backend that could be an option", section('requires = []\nbuild-backend = "-c"')],
  ["a backend above the source", section('requires = []\nbuild-backend = "own"\nbackend-path = [".."]')],
  ["a backend anywhere", section('requires = []\nbuild-backend = "own"\nbackend-path = ["/etc"]')],
  ["backends everywhere", section(`requires = []\nbackend-path = [${'"a",'.repeat(21)}]`)],
])("%s is an error", async (_name, files) => {
  await expect(read(files)).rejects.toMatchObject({ code: "UNPROCESSABLE" });
});

test("a pyproject.toml that is a link is not followed", async () => {
  const folder = folderOf({ "README.md": "" });
  symlinkSync(join(folder, "README.md"), join(folder, "pyproject.toml"));
  await expect(readBuildSystem(folder, DEFAULT_LIMITS)).rejects.toMatchObject({ code: "UNPROCESSABLE" });
});

const legacy = { requires: ["setuptools >= 40.8.0"], backend: "setuptools.build_meta:__legacy__", backendPath: [] };

test.each([
  ["a setup.py alone", { "setup.py": "" }, legacy],
  ["a pyproject.toml of other tools", { "pyproject.toml": "[tool.other]\n" }, legacy],
  ["a build system without a backend", section('requires = ["setuptools", "cython"]'), { ...legacy, requires: ["setuptools", "cython"] }],
  [
    "a backend of the source's own",
    section('requires = []\nbuild-backend = "own.hooks:sdist"\nbackend-path = [".", "./tools/"]'),
    { requires: [], backend: "own.hooks:sdist", backendPath: ["", "tools"] },
  ],
  ["a file that is as large as it may be", { "pyproject.toml": `#${"x".repeat(199)}` }, legacy],
])("%s says what builds it", async (_name, files, expected) => {
  expect(await read(files)).toEqual(expected);
});
