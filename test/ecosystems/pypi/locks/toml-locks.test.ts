import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../../src/core/limits.ts";
import { POETRY_LOCK } from "../../../../src/ecosystems/pypi/locks/poetry-lock.ts";
import { PYLOCK_TOML } from "../../../../src/ecosystems/pypi/locks/pylock-toml.ts";
import { UV_LOCK } from "../../../../src/ecosystems/pypi/locks/uv-lock.ts";
import { ReadText } from "../../../support/read-lock.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);
const HOST = "https://elsewhere.example/packages";

const uv = new ReadText(UV_LOCK);
const pylock = new ReadText(PYLOCK_TOML);
const poetry = new ReadText(POETRY_LOCK);

const uvPackage = (fields: string) =>
  `version = 1\n[[package]]\nname = "six"\nversion = "1.16.0"\nsource = { registry = "https://registry.example/simple" }\n${fields}`;
const pylockPackage = (fields: string) => `lock-version = "1.0"\n[[packages]]\nname = "six"\nversion = "1.16.0"\n${fields}`;
const poetryPackage = (fields: string) => `[[package]]\nname = "six"\nversion = "1.16.0"\n${fields}\n[metadata]\nlock-version = "2.1"\n`;

describe("what cannot be used", () => {
  test.each([
    ["uv.lock that is no TOML", uv, "version = ", "uv.lock:1:"],
    ["a repeated key", uv, "version = 1\nversion = 1", "uv.lock:2:"],
    ["a key that is every object's", uv, "version = 1\n__proto__ = 1", "uv.lock:2:"],
    ["uv.lock of a later version", uv, "version = 2", "uv.lock: expected version 1, got 2"],
    [
      "a file of another version",
      uv,
      uvPackage(`sdist = { url = "${HOST}/six-1.17.0.tar.gz", hash = "sha256:${A}" }`),
      "expected a file of six",
    ],
    [
      "a file of another project",
      uv,
      uvPackage(`sdist = { url = "${HOST}/sick-1.16.0.tar.gz", hash = "sha256:${A}" }`),
      "expected the name of a file of six",
    ],
    [
      "a file name with a path in it",
      uv,
      uvPackage(`sdist = { url = "${HOST}/six-1.16.0%2F..%2Fx.tar.gz", hash = "sha256:${A}" }`),
      "expected the name of a file of six",
    ],
    [
      "an address without a file",
      uv,
      uvPackage(`sdist = { url = "${HOST}/", hash = "sha256:${A}" }`),
      "expected an address that ends with a file name",
    ],
    [
      "a digest of another length",
      uv,
      uvPackage(`sdist = { url = "${HOST}/six-1.16.0.tar.gz", hash = "sha256:${A}a" }`),
      "claims a sha256 that is not one",
    ],
    [
      "one archive pinned twice with other digests",
      uv,
      `${uvPackage(`sdist = { url = "${HOST}/six-1.16.0.tar.gz", hash = "sha256:${A}" }`)}\n${uvPackage(`sdist = { url = "${HOST}/six-1.16.0.tar.gz", hash = "sha256:${B}" }`).slice("version = 1".length)}`,
      "one archive cannot be both",
    ],
    [
      "a project name that is none",
      uv,
      'version = 1\n[[package]]\nname = "../six"\nversion = "1"\nsource = { registry = "x://y" }',
      "expected the name of a Python project",
    ],
    ["pylock.toml of a later major version", pylock, 'lock-version = "2.0"\npackages = []', 'expected lock-version 1.0, got "2.0"'],
    ["a package from nowhere", pylock, pylockPackage(""), "expected vcs, directory, archive, sdist or wheels"],
    ["a wheel without digests", pylock, pylockPackage(`wheels = [{ url = "${HOST}/six-1.16.0-py3-none-any.whl" }]`), "hashes is missing"],
    ["poetry.lock without its version", poetry, "[metadata]\n", "metadata.lock-version is missing"],
    ["poetry.lock of a later version", poetry, '[metadata]\nlock-version = "3.0"', "expected lock-version 1 or 2"],
    [
      "a source of another kind",
      poetry,
      poetryPackage('files = []\n[package.source]\ntype = "ipfs"\nurl = "x"\n'),
      "expected a source of type",
    ],
  ])("%s", (_, read, text, problem) => {
    expect(read.problems(text)).toContain(problem);
  });

  test("nesting past the limit, a byte past it, an archive past it", () => {
    const nested = (depth: number) => `version = 1\nx = ${"[".repeat(depth)}${"]".repeat(depth)}`;
    expect(uv.problems(nested(10), {}, { ...DEFAULT_LIMITS, jsonDepth: 10 })).toBe("");
    expect(uv.problems(nested(12), {}, { ...DEFAULT_LIMITS, jsonDepth: 10 })).not.toBe("");
    expect(uv.problems("version = 1", {}, { ...DEFAULT_LIMITS, sidecarBytes: 10 })).toContain("uv.lock has more than 10 bytes");
    const two = uvPackage(
      `wheels = [{ url = "${HOST}/six-1.16.0-py2-none-any.whl", hash = "sha256:${A}" }, { url = "${HOST}/six-1.16.0-py3-none-any.whl", hash = "sha256:${A}" }]`,
    );
    expect(uv.problems(two, {}, { ...DEFAULT_LIMITS, listedFiles: 2 })).toBe("");
    expect(uv.problems(two, {}, { ...DEFAULT_LIMITS, listedFiles: 1 })).toContain("locks 2 archives, more than 1");
  });
});

describe("uv.lock", () => {
  test("every file of a version, wherever it was", () => {
    const text =
      uvPackage(`sdist = { url = "${HOST}/six-1.16.tar.gz?x=1#y", hash = "sha256:${A}", size = 3, upload-time = 2021-05-05T14:18:17Z }
wheels = [
  { url = "${HOST}/six-1.16.0-py2.py3-none-any.whl", hash = "sha256:${B}" },
  { url = "${HOST}/six-1.16.0%2Bcpu-cp312-cp312-manylinux_2_28_x86_64.whl", hash = "sha256:${B}" },
]`);
    expect(uv.problems(text)).toContain('got "six-1.16.0+cpu-cp312');
    expect(uv.entries(text.replace(/^.*%2Bcpu.*\n/m, ""))).toEqual([
      "six@1.16 six-1.16.tar.gz sha256:aaaaaa",
      "six@1.16.0 six-1.16.0-py2.py3-none-any.whl sha256:bbbbbb",
    ]);
  });

  test("a file of a kind that no installer takes is left out, and told", () => {
    const lock = uv.lock(uvPackage(`wheels = [{ url = "${HOST}/six-1.16.0.win32.exe", hash = "sha256:${A}" }]`));
    expect(lock).toMatchObject({ entries: [], notes: [{ at: "package[0].wheels[0]" }] });
  });

  test.each([
    ["a git repository", '{ git = "https://git.example/six?rev=1#2" }', "six not covered (git): it comes from a git repository"],
    ["an address", `{ url = "${HOST}/six.zip" }`, "six not covered (url): it comes from an address of its own, not from a registry"],
    ["a folder elsewhere", '{ directory = "../six" }', 'six not covered (path): it comes from the path "../six", not from a registry'],
    ["an index on disk", '{ registry = "../wheels" }', 'six not covered (path): it comes from the folder "../wheels", not from a registry'],
    [
      "a file without a digest",
      '{ registry = "https://registry.example/" }',
      "six-1.16.0.tar.gz not covered (registry): the lock pins no digest of it that Assay computes",
    ],
  ])("%s is told as not covered", (_, source, entry) => {
    expect(
      uv.entries(
        `version = 1\n[[package]]\nname = "six"\nversion = "1.16.0"\nsource = ${source}\nsdist = { url = "${HOST}/six-1.16.0.tar.gz" }`,
      ),
    ).toEqual([entry]);
  });

  test("the project itself and the members of its workspace are nobody's to fetch", () => {
    const own =
      'version = 1\n[manifest]\nmembers = ["lib"]\n[[package]]\nname = "app"\nversion = "1"\nsource = { virtual = "." }\n[[package]]\nname = "lib"\nversion = "1"\nsource = { editable = "packages/lib" }\n';
    expect(uv.entries(own)).toEqual([]);
  });
});

describe("pylock.toml", () => {
  test("files by their names, else by the end of their address", () => {
    expect(
      pylock.entries(
        pylockPackage(
          `sdist = { name = "six-1.16.0.tar.gz", url = "${HOST}/0123", hashes = { sha256 = "${A}", blake2b = "00" } }\nwheels = [{ url = "${HOST}/six-1.16.0-py3-none-any.whl", path = "wheels/six-1.16.0-py3-none-any.whl", hashes = { sha256 = "${B}", md5 = "${"c".repeat(32)}" } }]`,
        ),
      ),
    ).toEqual(["six@1.16.0 six-1.16.0.tar.gz sha256:aaaaaa", "six@1.16.0 six-1.16.0-py3-none-any.whl sha256:bbbbbb and md5:cccccc"]);
  });

  test.each([
    [
      "a repository",
      'vcs = { type = "git", url = "https://git.example/x", commit-id = "1" }',
      "six not covered (git): it comes from a version control system",
    ],
    ["a folder", 'directory = { path = "../six" }', 'six not covered (path): it comes from the folder "../six"'],
    [
      "an archive",
      `archive = { url = "${HOST}/six.zip", hashes = { sha256 = "${A}" } }`,
      "six not covered (url): it comes from an address of its own, not from a registry",
    ],
    [
      "a wheel on disk alone",
      `wheels = [{ path = "six-1.16.0-py3-none-any.whl", hashes = { sha256 = "${A}" } }]`,
      'six-1.16.0-py3-none-any.whl not covered (path): it comes from the path "six-1.16.0-py3-none-any.whl"',
    ],
  ])("%s is told as not covered", (_, fields, entry) => {
    expect(pylock.entries(pylockPackage(fields))).toEqual([entry]);
  });

  test("its names", () => {
    const names = ["pylock.toml", "pylock.dev.toml", "pylock.a.b.toml", "pylocktoml", "my-pylock.toml"];
    expect(names.map((name) => PYLOCK_TOML.isFor(name))).toEqual([true, true, false, false, false]);
  });
});

describe("poetry.lock", () => {
  const files = `{ file = "six-1.16.0.tar.gz", hash = "sha256:${A}" }, { file = "six-1.16.0-py3-none-any.whl", hash = "sha256:${B}" }`;
  const expected = ["six@1.16.0 six-1.16.0.tar.gz sha256:aaaaaa", "six@1.16.0 six-1.16.0-py3-none-any.whl sha256:bbbbbb"];

  test("version 2 has files beside the package", () => {
    expect(poetry.entries(poetryPackage(`files = [${files}]`))).toEqual(expected);
    expect(
      poetry.entries(poetryPackage(`files = [${files}]\n[package.source]\ntype = "legacy"\nurl = "${HOST}"\nreference = "own"\n`)),
    ).toEqual(expected);
  });

  test("version 1 has them in a table, of all versions of a name together", () => {
    const two = (version: string) => `[[package]]\nname = "Six"\nversion = "${version}"\ncategory = "main"\n`;
    const table = `[metadata]\nlock-version = "1.1"\n[metadata.files]\nsix = [${files}, { file = "six-1.15.0.tar.gz", hash = "md5:${"c".repeat(32)}" }]\n`;
    expect(poetry.entries(`${two("1.16.0")}${two("1.15.0")}${table}`)).toEqual([...expected, "six@1.15.0 six-1.15.0.tar.gz md5:cccccc"]);
  });

  test.each([
    ["git", "six not covered (git): it comes from a git repository"],
    ["url", "six not covered (url): it comes from an address of its own, not from a registry"],
    ["directory", 'six not covered (path): it comes from the path "../six"'],
  ])("a source of type %s is told as not covered", (type, entry) => {
    expect(poetry.entries(poetryPackage(`files = []\n[package.source]\ntype = "${type}"\nurl = "../six"\n`))).toEqual([entry]);
  });

  test("a package without files is told as not covered", () => {
    expect(poetry.entries(poetryPackage("files = []"))).toEqual(["six not covered (registry): the lock names no file of it"]);
  });
});
