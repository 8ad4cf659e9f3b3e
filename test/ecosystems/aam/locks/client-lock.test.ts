import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../../src/core/limits.ts";
import type { LockReading } from "../../../../src/core/lock-file.ts";
import { CLIENT_LOCK } from "../../../../src/ecosystems/aam/locks/client-lock.ts";

const HEX = "ab".repeat(32);
const read = (text: string): LockReading => CLIENT_LOCK.read(Buffer.from(text), {}, DEFAULT_LIMITS);
const problems = (text: string): string => {
  const reading = read(text);
  return reading.ok ? "" : reading.problems.map((problem) => problem.text).join("\n");
};

/** As the client (0.1.0) writes it. */
const lock = (packages: string, version = "1"): string =>
  `lockfile_version: ${version}\nresolved_at: '2026-03-01T10:00:00+00:00'\npackages:${packages}\n`;
const installed = (more = "", name = "git-utils"): string => `
  '${name}':
    version: 1.0.1
    source: corp
    checksum: sha256:${HEX}
    dependencies: {}
    file_checksums: null
    source_name: null
    source_commit: null${more}`;

describe("a lock that is not wholly understood is not used", () => {
  test.each([
    ["no YAML", "packages: [", "is not valid YAML"],
    ["a list", "- a", "is YAML, but not a map"],
    ["two documents", `${lock("")}---\n${lock("")}`, "is not valid YAML"],
    ["a package twice", lock(`${installed()}${installed()}`), 'has the key "git-utils" twice'],
    ["a newer version", lock("", "2"), 'expected lockfile_version 1, got "2"'],
    ["no version", "packages: {}", "expected lockfile_version 1"],
    ["a list of packages", lock(" []"), "expected packages as a map"],
    ["a name that is a path", lock(installed("", "../evil")), "expected the name of an AAM package"],
    ["a number for a version", lock(installed().replace("1.0.1", "1.0")), '["git-utils"].version is not a text'],
    ["a version of another grammar", lock(installed().replace("1.0.1", "1.0.1b2")), "expected an exact version"],
    ["a digest that is none", lock(installed().replace(HEX, "abc")), "expected sha256- and a SHA-256"],
    ["another algorithm", lock(installed().replace("sha256:", "md5:")), "expected sha256- and a SHA-256"],
    ["a package that is a text", lock("\n  git-utils: '1.0.1'"), '["git-utils"] is not an object'],
    ["an alias of itself", "lockfile_version: 1\npackages: &a {x: *a}", "nests too deep"],
    ["a billion laughs", `lockfile_version: 1\nx: &a [1]\ny: [${Array(200).fill("*a").join(",")}]`, "is not valid YAML"],
    ["nesting past the limit", `lockfile_version: 1\nx: ${"[".repeat(300)}${"]".repeat(300)}`, "nests too deep"],
    ["a byte past the limit", `${" ".repeat(1024 * 1024)}\n`, "has more than 1048576 bytes"],
  ])("%s", (_, text, says) => {
    expect(problems(text)).toContain(says);
  });
});

describe("what it pins", () => {
  test("an archive of a registry, whatever the user calls it", () => {
    expect(read(lock(installed()))).toEqual({
      ok: true,
      lock: {
        format: "aam-lock.yaml, version 1",
        entries: [
          {
            kind: "artifact",
            at: 'packages["git-utils"]',
            ecosystem: "aam",
            name: "git-utils",
            version: "1.0.1",
            file: "git-utils-1.0.1.aam",
            pins: [{ algorithm: "sha256", hex: HEX, claimedBy: "aam-lock.yaml for git-utils@1.0.1" }],
          },
        ],
        stale: [],
        notes: [],
      },
    });
  });

  test.each([
    [
      "git",
      installed().replace("source: corp", "source: source").replace("source_name: null", "source_name: acme/skills"),
      'the git source "acme/skills"',
    ],
    ["path", installed().replace("source: corp", "source: local"), "it was installed from this machine"],
    ["registry", installed().replace(`checksum: sha256:${HEX}`, "checksum: null"), "the lock pins no digest of it"],
  ])("what comes from a %s without a digest to go by is told as not covered", (source, packages, reason) => {
    const reading = read(lock(packages));
    expect(reading).toMatchObject({
      ok: true,
      lock: { entries: [{ kind: "uncovered", source, reason: expect.stringContaining(reason) }] },
    });
  });

  test("so is a dependency that the client named and did not install", () => {
    const reading = read(
      lock(`${installed().replace("dependencies: {}", "dependencies: {tool: ^1.0.0, other: '*'}")}${installed("", "other")}`),
    );
    expect(reading.ok && reading.lock.entries.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      "artifact git-utils",
      "artifact other",
      "uncovered tool",
    ]);
  });

  test("an empty lock", () => {
    expect(read(lock(" {}"))).toMatchObject({ ok: true, lock: { entries: [] } });
    expect(read(lock(""))).toMatchObject({ ok: true, lock: { entries: [] } });
  });
});
