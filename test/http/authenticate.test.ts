import { expect, test } from "vitest";
import { requireSafeWay } from "../../src/http/authenticate.ts";
import { codeOf } from "../contract/code-of.ts";

test.each([
  ["203.0.113.7", undefined],
  ["203.0.113.7", "http://packages.example"],
  ["::ffff:10.0.0.1", undefined],
  ["fd00::1", undefined],
  ["", undefined],
])("a token that came from %j over plain http is not even looked up, with public_url %s", async (address, publicUrl) => {
  expect(await codeOf(Promise.resolve().then(() => requireSafeWay(address, publicUrl)))).toBe("FORBIDDEN");
});

test.each([
  ["127.0.0.1", undefined],
  ["::1", undefined],
  ["::ffff:127.0.0.1", undefined],
  ["10.0.0.1", "https://packages.example/assay"],
])("a token from %s may be looked up, with public_url %s", (address, publicUrl) => {
  expect(() => requireSafeWay(address, publicUrl)).not.toThrow();
});
