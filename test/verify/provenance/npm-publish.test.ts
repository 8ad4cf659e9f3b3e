import { expect, test } from "vitest";
import { checkNpmPublish } from "../../../src/verify/provenance/npm-publish.ts";

const signed = { kind: "npm-publish", name: "@acme/tool", version: "1.3.0", registry: "https://registry.example" } as const;
const expected = { name: "@acme/tool", version: "1.3.0", registry: new URL("https://registry.example/") };

test.each([
  ["another package", { ...expected, name: "tool" }],
  ["another version", { ...expected, version: "1.3.1" }],
  ["the same version with build metadata", { ...expected, version: "1.3.0+1" }],
  ["another registry", { ...expected, registry: new URL("https://evil.example/") }],
  ["another scheme", { ...expected, registry: new URL("http://registry.example/") }],
  ["another path", { ...expected, registry: new URL("https://registry.example/private/") }],
])("%s is refused", (_what, other) => {
  expect(checkNpmPublish(signed, other)).toMatchObject({ ok: false, finding: { code: "PREDICATE_MISMATCH" } });
});

test("a registry that is no URL is refused", () => {
  expect(checkNpmPublish({ ...signed, registry: "registry" }, expected)).toMatchObject({ ok: false });
});

test("a registry is the same with and without its final slash", () => {
  expect(checkNpmPublish(signed, expected)).toEqual({ ok: true, value: undefined });
  expect(checkNpmPublish({ ...signed, registry: "https://registry.example/" }, expected)).toMatchObject({ ok: true });
});
