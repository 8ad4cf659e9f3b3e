import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../src/core/limits.ts";
import { identify } from "../../../src/ecosystems/npm/identify.ts";

const ref = (name: string, version: string) => ({ repository: "npm", ecosystem: "npm" as const, name, version, file: "" });
const manifestOf = (value: unknown, path = "package/package.json") => ({
  path,
  body: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
});
const identified = (asked: ReturnType<typeof ref>, ...manifests: ReturnType<typeof manifestOf>[]) =>
  identify(asked, manifests, DEFAULT_LIMITS.jsonDepth).kind;

test.each([
  { claim: "another package", manifests: [manifestOf({ name: "evil", version: "1.0.0" })] },
  { claim: "another version", manifests: [manifestOf({ name: "a", version: "1.0.1" })] },
  { claim: "a name in other letters", manifests: [manifestOf({ name: "A", version: "1.0.0" })] },
  { claim: "a scope of its own", manifests: [manifestOf({ name: "@evil/a", version: "1.0.0" })] },
  { claim: "no name", manifests: [manifestOf({ version: "1.0.0" })] },
  { claim: "a name that is a list", manifests: [manifestOf({ name: ["a"], version: "1.0.0" })] },
  { claim: "a version that is a number", manifests: [manifestOf({ name: "a", version: 1 })] },
  { claim: "no version", manifests: [manifestOf({ name: "a" })] },
  { claim: "a version that is none", manifests: [manifestOf({ name: "a", version: "latest" })] },
  { claim: "names inherited from a prototype", manifests: [manifestOf('{"__proto__":{"name":"a","version":"1.0.0"}}')] },
  { claim: "no JSON", manifests: [manifestOf("name: a")] },
  { claim: "JSON that is no object", manifests: [manifestOf("null")] },
  { claim: "JSON one level too deep", manifests: [manifestOf(`{"name":"a","version":"1.0.0","x":${"[".repeat(128)}${"]".repeat(128)}}`)] },
  { claim: "no manifest", manifests: [] },
  {
    claim: "two roots with a manifest each",
    manifests: [manifestOf({ name: "a", version: "1.0.0" }), manifestOf({ name: "a", version: "1.0.0" }, "other/package.json")],
  },
])("an archive with $claim is another one", ({ manifests }) => {
  expect(identified(ref("a", "1.0.0"), ...manifests)).toBe("other");
});

test.each([
  { asked: ref("a", "1.0.0"), said: { name: "a", version: "1.0.0" } },
  { asked: ref("@s/a", "1.0.0"), said: { name: "@s/a", version: "1.0.0" } },
  { asked: ref("a", "1.0.0"), said: { name: " a ", version: "v1.0.0" } },
  { asked: ref("a", "1.0.0"), said: { name: "a", version: " =1.0.0" } },
  { asked: ref("a", "1.0.0-beta"), said: { name: "a", version: "1.0.0beta" } },
  { asked: ref("a", "1.0.0beta"), said: { name: "a", version: "1.0.0beta" } },
  { asked: ref("a", "1.0.0"), said: { name: "a", version: "1.0.0+build" } },
  { asked: ref("a", "1.0.0"), said: '\ufeff{"name":"a","version":"1.0.0"}' },
  { asked: ref("constructor", "1.0.0"), said: { name: "constructor", version: "1.0.0" } },
])("$asked.name $asked.version is what says $said", ({ asked, said }) => {
  expect(identify(asked, [manifestOf(said, "node/package.json")], DEFAULT_LIMITS.jsonDepth)).toEqual({
    kind: "same",
    manifestPath: "node/package.json",
  });
});
