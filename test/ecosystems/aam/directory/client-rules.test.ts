import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../../src/core/json.ts";
import { readClientManifest } from "../../../../src/ecosystems/aam/directory/client-manifest.ts";
import { isClientRange } from "../../../../src/ecosystems/aam/directory/client-range.ts";
import { clientVersionProblem } from "../../../../src/ecosystems/aam/directory/client-version.ts";
import type { Version } from "../../../../src/ecosystems/aam/names.ts";

/*
 * What the aam client 0.1.0 takes: each version and range here was given to its own `find_best_match` and `parse_constraint`. Only the last range is past our bound, not its own.
 */

describe("versions", () => {
  test.each(["1.0.0", "0.0.1", "10.20.30", "1.0.0+build", "1.0.0+build.7", "1.0.0+0.1a"])("%s can be installed", (version) => {
    expect(clientVersionProblem(version as Version)).toBeUndefined();
  });
  test.each(["1.0.0-beta.1", "1.0.0-1", "1.0.0-foo", "1.0.0+Build", "1.0.0+a-b", "1.0.0+007"])("%s cannot", (version) => {
    expect(clientVersionProblem(version as Version)).toBeDefined();
  });
});

describe("ranges", () => {
  test.each(["*", "1.0.0", "^1.2.3", "~0.1.0", ">=1.0.0,<2.0.0", ">= 1.0.0, < 2.0.0", "==1.0.0", "=1.0.0", " * "])(
    "%j is read",
    (range) => {
      expect(isClientRange(range)).toBe(true);
    },
  );
  test.each(["", ",", "^1", "^1.2", "~1", ">=1.0.0 <2.0.0", "1.x", "1.0.0 || 2.0.0", "latest", "^1.0.0,<2.0.0", `=${"1".repeat(256)}`])(
    "%j is not",
    (range) => {
      expect(isClientRange(range)).toBe(false);
    },
  );
});

describe("manifests", () => {
  const skill = { name: "demo", path: "skills/demo/", description: "" };
  const sound: JsonObject = { name: "tool", version: "1.0.0", description: "x", artifacts: { skills: [skill] } };

  test("a sound one is read, with what it leaves out", () => {
    expect(readClientManifest(sound)).toEqual({
      description: "x",
      author: null,
      license: null,
      repository: null,
      keywords: [],
      dependencies: {},
      artifactTypes: ["skill"],
    });
    expect(readClientManifest({ ...sound, description: "😀".repeat(256) })).not.toHaveProperty("problem");
  });

  test.each<{ name: string; change: JsonObject }>([
    { name: "a version that is a number", change: { version: 1 } },
    { name: "an author that is a map", change: { author: { name: "Ann" } } },
    { name: "257 characters of description", change: { description: "😀".repeat(257) } },
    { name: "null for keywords", change: { keywords: null } },
    { name: "a keyword that is a number", change: { keywords: [1] } },
    { name: "null for dependencies", change: { dependencies: null } },
    { name: "a dependency on no name", change: { dependencies: { "No Name": "*" } } },
    { name: "artifacts of kinds that it does not know", change: { artifacts: { commands: [skill] } } },
    { name: "null for a kind of artifacts", change: { artifacts: { skills: [skill], agents: null } } },
    { name: "an artifact with a capital letter", change: { artifacts: { skills: [{ ...skill, name: "Demo" }] } } },
    { name: "an artifact outside the package", change: { artifacts: { skills: [{ ...skill, path: "skills/../../x" }] } } },
    { name: "an artifact at an absolute path", change: { artifacts: { skills: [{ ...skill, path: "/etc" }] } } },
    { name: "an artifact without a description", change: { artifacts: { skills: [{ name: "demo", path: "a" }] } } },
    { name: "an artifact with too long a description", change: { artifacts: { skills: [{ ...skill, description: "a".repeat(257) }] } } },
    { name: "platforms that are a list", change: { platforms: [] } },
    { name: "a provenance that is a text", change: { provenance: "git" } },
  ])("one with $name is not", ({ change }) => {
    expect(readClientManifest({ ...sound, ...change })).toHaveProperty("problem");
  });
});
