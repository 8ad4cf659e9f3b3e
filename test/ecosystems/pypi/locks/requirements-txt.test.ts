import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../../src/core/limits.ts";
import { REQUIREMENTS_TXT } from "../../../../src/ecosystems/pypi/locks/requirements-txt.ts";
import { ReadText } from "../../../support/read-lock.ts";

const read = new ReadText(REQUIREMENTS_TXT);
const A = "a".repeat(64);
const B = "b".repeat(64);

describe("what cannot be used", () => {
  test.each([
    ["a digest of another length", "six==1.16.0 --hash=sha256:abcd", "requirements.txt:1: "],
    ["a digest that is no hexadecimal", `six==1.16.0 --hash=sha256:${"g".repeat(64)}`, "claims a sha256 that is not one"],
    ["a digest without its algorithm", `six==1.16.0 --hash=${A}`, "expected a digest such as sha256:HEX"],
    ["an option without its value", "six==1.16.0 --hash", "expected a value after --hash"],
    ["an option that there is not", "--evil-option\n", 'got "--evil-option"'],
    ["text that is no requirement", "!!!", "expected a requirement such as six==1.16.0"],
    ["extras without an end", "six[socks==1.0", "expected extras to end with ]"],
    ["a version without a comparison", "six 1.16.0", "expected a version after six"],
    ["a file that was not found", "-r base.txt", '"base.txt" was not found'],
    [
      "one version pinned twice with other digests",
      `six==1.0 --hash=sha256:${A}\nsix==1.0 --hash=sha256:${B}`,
      "pins other digests of six 1.0 than requirements.txt:1",
    ],
    ["a NUL", "six==1.0\0", "is not UTF-8 text"],
    ["bytes that are not UTF-8", Buffer.from([0x73, 0xff, 0xfe]), "is not UTF-8 text"],
    // Of all of these pip 23 was seen to read the second requirement.
    [
      "a requirement behind what is a line's end to pip only",
      `six==1.0 # x\u2028evil==6 --hash=sha256:${A}`,
      '"\\u2028" ends a line for pip',
    ],
    ["a requirement behind a vertical tab", `six==1.0 # x\vevil==6 --hash=sha256:${A}`, "ends a line for pip"],
    ["a requirement in UTF-7", `# coding: utf-7\n# x+AAo-evil==6 --hash=sha256:${A}`, 'pip reads it as "utf-7"'],
    [
      "a requirement in UTF-7, told in the second line",
      `\n# -*- coding=UTF_7 -*-\n# x+AAo-evil==6 --hash=sha256:${A}`,
      'pip reads it as "UTF_7"',
    ],
  ])("%s", (_, text, problem) => {
    expect(read.problems(text)).toContain(problem);
  });

  test.each(["# -*- coding: utf-8 -*-", "#coding=UTF8", "\n\n# coding: utf-7", "#"])("what pip reads as UTF-8 is read: %j", (comment) => {
    expect(read.entries(`${comment}\nsix==1.16.0 --hash=sha256:${A}`)).toHaveLength(1);
  });

  test("a byte past the limit, and an entry past it", () => {
    const line = `six==1.16.0 --hash=sha256:${A}\n`;
    expect(read.problems(line, {}, { ...DEFAULT_LIMITS, sidecarBytes: line.length })).toBe("");
    expect(read.problems(line, {}, { ...DEFAULT_LIMITS, sidecarBytes: line.length - 1 })).toContain(`more than ${line.length - 1} bytes`);
    expect(read.problems("a==1\nb==1", {}, { ...DEFAULT_LIMITS, listedFiles: 2 })).toBe("");
    expect(read.problems("a==1\nb==1", {}, { ...DEFAULT_LIMITS, listedFiles: 1 })).toContain("locks 2 archives, more than 1");
  });

  test("files that take in each other end, and so do files that go too deep", () => {
    const files = (depth: number) =>
      new Map(
        Array.from({ length: depth }, (_, index) => [
          `${index}.txt`,
          Buffer.from(index + 1 < depth ? `-r ${index + 1}.txt` : `six==1.0 --hash=sha256:${A}`),
        ]),
      );
    expect(read.entries("-r 0.txt", { included: files(20) })).toEqual(["six@1.0 sha256:aaaaaa"]);
    expect(read.problems("-r 0.txt", { included: files(21) })).toContain("more than 20 deep");
    expect(read.entries("-r a.txt", { included: new Map([["a.txt", Buffer.from("-r requirements.txt\n-r a.txt")]]) })).toEqual([]);
  });

  test("a thousand problems are told, and the rest is not looked for", () => {
    const lines = (count: number): number => read.problems("!!\n".repeat(count)).split("\n").length;
    expect([lines(999), lines(1000), lines(1001), lines(500_000)]).toEqual([999, 1000, 1000, 1000]);
  });

  test("no problem shows the password of an address", () => {
    const { notes } = read.lock(
      "--index-url https://user:hunter2@registry.example/simple/\n--extra-index-url=https://user:hunter2@registry.example/\n-f https://user:hunter2@registry.example/",
    );
    expect(notes).toHaveLength(3);
    const said = [
      ...notes.map(({ text }) => text),
      ...read.entries(
        "six @ https://user:hunter2@registry.example/six-1.0-py3-none-any.whl\nhttps://user:hunter2@registry.example/x.whl\ngit+https://user:hunter2@git.example/x",
      ),
    ];
    expect(said.join("\n")).not.toContain("hunter2");
  });
});

test("a version is pinned by all of its digests, whatever stands around them", () => {
  expect(
    read.entries(`# made by a tool
six==1.16.0 ; python_version >= "3.8" \\
    --hash=sha256:${A} \\
    --hash sha256:${B}
    # via something
Foo.Bar[socks, http2]===2.0 --hash='sha512:${"c".repeat(128)}'  # why
--require-hashes
paren (==1.0) --hash=sha256:${A}
`),
  ).toEqual(["six@1.16.0 sha256:aaaaaa or sha256:bbbbbb", "foo-bar@2.0 sha512:cccccc", "paren@1.0 sha256:aaaaaa"]);
});

test.each([
  ["no digest", "six==1.16.0", "six not covered (registry): the line pins no digest (--hash)"],
  [
    "no digest that we compute",
    `six==1.16.0 --hash=blake2b:${A}`,
    "six not covered (registry): the line pins no digest that Assay computes",
  ],
  ["no exact version", `six>=1.0 --hash=sha256:${A}`, "six not covered (registry): the line pins no exact version (==)"],
  ["a prefix of versions", `six==1.* --hash=sha256:${A}`, "six not covered (registry): the line pins no exact version (==)"],
  ["two clauses", `six==1.0,!=1.1 --hash=sha256:${A}`, "six not covered (registry): the line pins no exact version (==)"],
  [
    "an address",
    `six @ https://registry.example/six-1.0.zip --hash=sha256:${A}`,
    "six not covered (url): it comes from an address of its own, not from a registry",
  ],
  ["a git repository", "git+ssh://git@git.example/six@main#egg=six", "six not covered (git): it comes from a version control system"],
  ["an editable folder", "-e ./lib/six", "six not covered (path): it comes from a path, not from a registry"],
  ["an editable folder by its name alone", "-e six", "six not covered (path): it comes from a path, not from a registry"],
  [
    "an archive on disk",
    "wheels/six-1.0-py3-none-any.whl",
    "six-1.0-py3-none-any.whl not covered (path): it comes from a path, not from a registry",
  ],
])("%s is told as not covered", (_, line, entry) => {
  expect(read.entries(line)).toEqual([entry]);
});

test("files are taken in from where they stand, and constraints pin what lines leave open", () => {
  const included = new Map([
    ["sub/dev.txt", Buffer.from(`-r more.txt\nidna==3.7 --hash=sha256:${A}`)],
    ["sub/more.txt", Buffer.from("six\n")],
    ["pins.txt", Buffer.from(`six==1.16.0 --hash=sha256:${B}\nunused==9 --hash=sha256:${B}`)],
  ]);
  expect(REQUIREMENTS_TXT.includes?.(Buffer.from("-r sub/dev.txt\n-cpins.txt\nsix\n--requirement=x.txt"), DEFAULT_LIMITS)).toEqual([
    "sub/dev.txt",
    "pins.txt",
    "x.txt",
  ]);
  expect(read.entries("-r sub/dev.txt\n-cpins.txt", { included })).toEqual(["six@1.16.0 sha256:bbbbbb", "idna@3.7 sha256:aaaaaa"]);
});

test("every .txt is read as one, and places are told by its own name", () => {
  expect(["requirements.txt", "dev.txt", "REQ.TXT", "uv.lock"].map((name) => REQUIREMENTS_TXT.isFor(name))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(read.lock("\n six==1", { name: "dev.txt" })).toMatchObject({ format: "dev.txt", entries: [{ at: "dev.txt:2" }] });
});
