import { expect, test } from "vitest";
import type { JsonObject } from "../../../src/core/json.ts";
import type { Statement } from "../../../src/core/statement.ts";
import { checkPublishStatement, PUBLISH_PREDICATE } from "../../../src/ecosystems/npm/publish-statement.ts";

const PREDICATE = { name: "@acme/tool", version: "1.3.0", registry: "https://registry.example" };
const expected = { name: "@acme/tool", version: "1.3.0", registry: new URL("https://registry.example/") };

function signed(predicate: JsonObject | null, predicateType = PUBLISH_PREDICATE): Statement {
  return { type: "https://in-toto.io/Statement/v0.1", subjects: [], predicateType, predicate };
}

const invalid = (code: string) => ({ ok: false, finding: { code } });

test.each([
  ["another package", { ...expected, name: "tool" }],
  ["another version", { ...expected, version: "1.3.1" }],
  ["the same version with build metadata", { ...expected, version: "1.3.0+1" }],
  ["another registry", { ...expected, registry: new URL("https://evil.example/") }],
  ["another scheme", { ...expected, registry: new URL("http://registry.example/") }],
  ["another path", { ...expected, registry: new URL("https://registry.example/private/") }],
])("%s is refused", (_what, other) => {
  expect(checkPublishStatement(signed(PREDICATE), other)).toMatchObject(invalid("PREDICATE_MISMATCH"));
});

test("a registry that is no URL is refused", () => {
  expect(checkPublishStatement(signed({ ...PREDICATE, registry: "registry" }), expected)).toMatchObject(invalid("PREDICATE_MISMATCH"));
});

test.each(["name", "version", "registry"])("without %s it says nothing", (field) => {
  for (const value of [null, 7, ""]) {
    expect(checkPublishStatement(signed({ ...PREDICATE, [field]: value }), expected)).toMatchObject(invalid("PREDICATE_MALFORMED"));
  }
  expect(checkPublishStatement(signed(null), expected)).toMatchObject(invalid("PREDICATE_MALFORMED"));
});

test("another statement is none of this kind", () => {
  expect(checkPublishStatement(signed(PREDICATE, "https://slsa.dev/provenance/v1"), expected)).toMatchObject(
    invalid("PREDICATE_UNSUPPORTED"),
  );
});

test("a registry is the same with and without its final slash", () => {
  expect(checkPublishStatement(signed(PREDICATE), expected)).toEqual({ ok: true, value: undefined });
  expect(checkPublishStatement(signed({ ...PREDICATE, registry: "https://registry.example/" }), expected)).toMatchObject({ ok: true });
});
