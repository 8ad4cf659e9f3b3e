import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../src/core/limits.ts";
import { AAM_FORMAT, CLIENT_MANIFEST_BYTES, identify } from "../../../src/ecosystems/aam/identify.ts";

const REF = {
  repository: "aam",
  ecosystem: "aam",
  name: "@myorg/code-review",
  version: "1.3.0",
  file: "myorg--code-review-1.3.0.aam",
} as const;

const GOOD_JSON = '{"name": "@myorg/code-review", "version": "1.3.0"}';
const GOOD_YAML = "name: '@myorg/code-review'\nversion: 1.3.0\n";

function look(files: Readonly<Record<string, string>>): ReturnType<typeof identify> {
  const manifests = Object.entries(files).map(([path, text]) => ({ path, body: Buffer.from(text) }));
  return identify(REF, manifests, DEFAULT_LIMITS);
}

describe("an archive that is not what was asked for", () => {
  test.each([
    ["no manifest", {}],
    ["another package", { "package.agent.json": '{"name": "@evil/code-review", "version": "1.3.0"}' }],
    ["the same name without its scope", { "package.agent.json": '{"name": "code-review", "version": "1.3.0"}' }],
    ["another version", { "package.agent.json": '{"name": "@myorg/code-review", "version": "1.3.1"}' }],
    ["a version with other build metadata", { "package.agent.json": '{"name": "@myorg/code-review", "version": "1.3.0+x"}' }],
    ["no version", { "package.agent.json": '{"name": "@myorg/code-review"}' }],
    ["a version in a list", { "package.agent.json": '{"name": "@myorg/code-review", "version": ["1.3.0"]}' }],
    ["a list", { "package.agent.json": `[${GOOD_JSON}]` }],
    ["no JSON", { "package.agent.json": GOOD_YAML }],
    ["two names in JSON", { "package.agent.json": `{"name": "evil", ${GOOD_JSON.slice(1)}` }],
    ["two names in JSON, one written with escapes", { "package.agent.json": `{"n\\u0061me": "evil", ${GOOD_JSON.slice(1)}` }],
    ["JSON deeper than the limit", { "package.agent.json": `{"x": ${"[".repeat(200)}${"]".repeat(200)}, ${GOOD_JSON.slice(1)}` }],
    [
      "a good JSON manifest beside a YAML one of another package",
      { "package.agent.json": GOOD_JSON, "aam.yaml": "name: evil\nversion: 1.3.0\n" },
    ],
    [
      "a good JSON manifest beside a YAML one of another version",
      { "package.agent.json": GOOD_JSON, "aam.yaml": GOOD_YAML.replace("3", "4") },
    ],
    ["a good JSON manifest beside broken YAML", { "package.agent.json": GOOD_JSON, "aam.yaml": "name: [" }],
    [
      "a good YAML manifest beside another package's JSON",
      { "package.agent.json": '{"name": "evil", "version": "1.3.0"}', "aam.yaml": GOOD_YAML },
    ],
    ["two names in YAML", { "aam.yaml": `name: evil\n${GOOD_YAML}` }],
    ["two names in YAML, one of them quoted", { "aam.yaml": `"name": evil\n${GOOD_YAML}` }],
    ["a name that is merged in", { "aam.yaml": "<<: {name: '@myorg/code-review'}\nversion: 1.3.0\n" }],
    ["a custom tag in YAML", { "aam.yaml": `${GOOD_YAML}x: !!python/object:os.system y\n` }],
    ["two YAML documents", { "aam.yaml": `${GOOD_YAML}---\n${GOOD_YAML}` }],
    ["a version that YAML reads as a number", { "aam.yaml": "name: '@myorg/code-review'\nversion: 1.3\n" }],
    ["YAML that is too long", { "aam.yaml": `${GOOD_YAML}# ${"x".repeat(CLIENT_MANIFEST_BYTES)}` }],
    ["a bundle", { "bundle.json": "{}", "package.agent.json": GOOD_JSON }],
  ])("%s", (_, files) => {
    expect(look(files)).toMatchObject({ kind: "other" });
  });

  test("the same manifest twice", () => {
    const twice = [GOOD_JSON, GOOD_JSON].map((text) => ({ path: "package.agent.json", body: Buffer.from(text) }));
    expect(identify(REF, twice, DEFAULT_LIMITS)).toMatchObject({ kind: "other" });
  });

  test("the reason names both sides", () => {
    expect(look({ "package.agent.json": '{"name": "evil", "version": "1.3.0"}' })).toEqual({
      kind: "other",
      detail: 'package.agent.json says name "evil", expected "@myorg/code-review"',
    });
  });
});

describe("an archive that is what was asked for", () => {
  test.each([
    ["the specification's manifest", { "package.agent.json": GOOD_JSON }, "package.agent.json"],
    ["the client's manifest", { "aam.yaml": GOOD_YAML }, "aam.yaml"],
    ["both", { "aam.yaml": GOOD_YAML, "package.agent.json": GOOD_JSON }, "package.agent.json"],
    [
      "keys that repeat only further down, and in texts",
      { "package.agent.json": `{"a": {"name": 1}, "b": [{"name": 2}], "c": "\\"name\\": {", ${GOOD_JSON.slice(1)}` },
      "package.agent.json",
    ],
    ["a YAML manifest of the longest length", { "aam.yaml": GOOD_YAML + "#".repeat(CLIENT_MANIFEST_BYTES - GOOD_YAML.length) }, "aam.yaml"],
  ])("%s", (_, files, manifestPath) => {
    expect(look(files)).toEqual({ kind: "same", manifestPath });
  });
});

test("manifests are read at the root only, bundles are looked for, and links may stay inside", () => {
  expect(AAM_FORMAT).toMatchObject({ container: "tar.gz", symlinks: "inside" });
  expect(AAM_FORMAT.manifests).toEqual(["package.agent.json", "aam.yaml", "bundle.json"].map((name) => ({ depth: 1, name })));
});
