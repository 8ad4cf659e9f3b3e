import { expect, test } from "vitest";
import { builtInRegistries } from "../../../src/verify/registry-signature/vouched-registries.ts";

test("the built-in trust material names a registry on https and has keys of it for both uses", () => {
  const [first, ...others] = builtInRegistries();
  expect(others).toEqual([]);
  expect(first?.registry.protocol).toBe("https:");
  expect(new Set(first?.keys.map(({ usage }) => usage))).toEqual(new Set(["npm:signatures", "npm:attestations"]));
});
