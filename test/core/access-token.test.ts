import { expect, test } from "vitest";
import { type AccessToken, coversName, hasScope, newTokenSecret, tokenSha256 } from "../../src/core/access-token.ts";

const TOKEN: AccessToken = { id: "t", owner: "alice", scopes: ["publish"], repositories: ["skills"], packages: [], createdAt: 0 };

test.each([
  ["", "no text"],
  ["aam_short", "too few characters"],
  [`${newTokenSecret()}A`, "too many characters"],
  [newTokenSecret().replace("aam_", "npm_"), "another prefix"],
  [` ${newTokenSecret()}`, "a space"],
  [`${newTokenSecret().slice(0, -1)}!`, "a character outside base64url"],
])("%j is no token: %s", (text) => {
  expect(tokenSha256(text)).toBeUndefined();
});

test("every secret is another one, and hashes to another one", () => {
  const secrets = Array.from({ length: 100 }, newTokenSecret);
  expect(new Set(secrets.map(tokenSha256)).size).toBe(100);
});

test.each<[string, Partial<AccessToken>, boolean]>([
  ["another scope", { scopes: ["yank"] }, false],
  ["another repository", { repositories: ["other"] }, false],
  ["an admin of another repository", { scopes: ["admin"], repositories: ["other"] }, false],
  ["no scope at all", { scopes: [] }, false],
  ["the scope", {}, true],
  ["admin", { scopes: ["admin"] }, true],
])("to publish with a token of %s", (_, change, may) => {
  expect(hasScope({ ...TOKEN, ...change }, "skills", "publish")).toBe(may);
});

test.each<[string, Partial<AccessToken>, string, boolean | undefined]>([
  ["a pattern of another scope", { packages: ["@acme/*"] }, "@acme2/tool", false],
  ["a pattern that would have to cross a slash", { packages: ["*"] }, "@acme/tool", false],
  ["an admin's pattern, which holds for admins too", { scopes: ["admin"], packages: ["@acme/*"] }, "other", false],
  ["a pattern", { packages: ["other", "@acme/*"] }, "@acme/tool", true],
  ["no pattern", {}, "@acme/tool", undefined],
  ["an admin without patterns", { scopes: ["admin"] }, "@acme/tool", true],
])("%s", (_, change, name, covers) => {
  expect(coversName({ ...TOKEN, ...change }, name)).toBe(covers);
});
