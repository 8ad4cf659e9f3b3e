import { expect, test } from "vitest";
import { plainRequirement } from "../../../../src/app/rebuild/foreign/build-requirements.ts";

test.each([
  ["an address", "evil @ https://registry.example/evil-1.0.tar.gz"],
  ["a repository, which git would be asked for", "evil @ git+ssh://git.internal/evil"],
  ["a file of this machine", "evil @ file:///srv/evil.whl"],
  ["a path", "./evil"],
  ["a folder above", "../evil"],
  ["an option", "--extra-index-url=https://registry.example/"],
  ["a short option", "-r"],
  ["another file of requirements", "evil\n-r other.txt"],
  ["a variable", "evil==$" + "{HOME}"],
  ["nothing", ""],
  ["one character more than there may be", "a".repeat(1001)],
])("a build requirement that is %s is refused", (_name, text) => {
  expect(() => plainRequirement(text)).toThrow(expect.objectContaining({ code: "UNPROCESSABLE" }));
});

test.each([
  "flit_core >=3.2,<4",
  "setuptools_scm[toml]>=6.2",
  "hatchling",
  "importlib-metadata>=4.6; python_version < '3.10' and extra != 'test'",
  'colorama (>=0.4) ; os_name == "nt"',
  "wheel!=0.38.*",
  "a".repeat(1000),
])("the requirement %s is had from the index", (text) => {
  expect(plainRequirement(text)).toBe(text);
});
